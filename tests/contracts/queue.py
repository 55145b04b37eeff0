"""The contract of a queue, as tests to subclass.

A subclass provides the fixtures ``repository`` and ``queue``, empty, over the same tasks::

    class TestMyQueue(QueueContract):
        @pytest.fixture
        def repository(self): ...

        @pytest.fixture
        def queue(self, repository): ...
"""

import pytest

from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.queues.claims import Claims
from tests.contracts.queues.counts import Counts
from tests.contracts.queues.deferrals import Deferrals
from tests.contracts.queues.provider_limits import ProviderLimits
from tests.contracts.queues.waits import Waits


class QueueContract(Claims, Deferrals, ProviderLimits, Counts, Waits):
    """Each task goes to one worker, oldest first."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository whose tasks the queue distributes."""
        raise NotImplementedError

    @pytest.fixture
    def queue(self, repository: TaskRepository) -> Queue:
        """Return the queue under test."""
        raise NotImplementedError
