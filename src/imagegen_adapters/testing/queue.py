"""The contract of a queue, as tests to subclass.

A subclass provides the fixtures ``repository`` and ``queue``, empty, over the same tasks::

    class TestMyQueue(QueueContract):
        @pytest.fixture
        def repository(self): ...

        @pytest.fixture
        def queue(self, repository): ...
"""

import pytest

from imagegen_adapters.testing.queues.claims import Claims
from imagegen_adapters.testing.queues.counts import Counts
from imagegen_adapters.testing.queues.deferrals import Deferrals
from imagegen_adapters.testing.queues.provider_limits import ProviderLimits
from imagegen_adapters.testing.queues.waits import Waits
from imagegen_core.ports.queue import Queue
from imagegen_core.ports.task_repository import TaskRepository


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
