"""The contract of a task repository, as tests to subclass.

A subclass provides the fixture ``repository``, an empty one::

    class TestMyRepository(TaskRepositoryContract):
        @pytest.fixture
        def repository(self):
            return MyTaskRepository()
"""

import pytest

from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.tasks.additions import Additions
from tests.contracts.tasks.attempts import Attempts
from tests.contracts.tasks.fences import Fences
from tests.contracts.tasks.idempotency import Idempotency
from tests.contracts.tasks.lists import Lists
from tests.contracts.tasks.orphans import Orphans
from tests.contracts.tasks.saves import Saves


class TaskRepositoryContract(Additions, Idempotency, Saves, Fences, Lists, Attempts, Orphans):
    """The source of truth about tasks and attempts."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository under test."""
        raise NotImplementedError
