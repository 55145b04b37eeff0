"""The contract of a task repository, as tests to subclass.

A subclass provides the fixture ``repository``, an empty one::

    class TestMyRepository(TaskRepositoryContract):
        @pytest.fixture
        def repository(self):
            return MyTaskRepository()
"""

import pytest

from imagegen_adapters.testing.tasks.additions import Additions
from imagegen_adapters.testing.tasks.attempts import Attempts
from imagegen_adapters.testing.tasks.fences import Fences
from imagegen_adapters.testing.tasks.idempotency import Idempotency
from imagegen_adapters.testing.tasks.lists import Lists
from imagegen_adapters.testing.tasks.orphans import Orphans
from imagegen_adapters.testing.tasks.saves import Saves
from imagegen_core.ports.task_repository import TaskRepository


class TaskRepositoryContract(Additions, Idempotency, Saves, Fences, Lists, Attempts, Orphans):
    """The source of truth about tasks and attempts."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository under test."""
        raise NotImplementedError
