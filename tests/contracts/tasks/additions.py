"""What is added to a task repository, and read back."""

import asyncio

import attrs
import pytest

from imagegen_core.errors import QueueFull, TaskNotFound
from imagegen_core.operations import Operation
from imagegen_core.ports.task_repository import TaskFilter, TaskRepository
from imagegen_core.requests import ImageRequest, InputImage
from imagegen_core.search import Paging
from imagegen_core.task import Task, TaskStatus
from tests.contracts.samples import NOW, a_task


async def add(repository: TaskRepository, *tasks: Task) -> None:
    """Store new tasks in this order."""
    for task in tasks:
        await repository.add(task, queue_size=100_000)


class Additions:
    """Adding tasks, and reading them."""

    async def test_a_task_comes_back_whole(self, repository: TaskRepository) -> None:
        """Every field of a task survives, including nested parameters, images, and times in milliseconds."""
        image = InputImage(
            key="w/1", mime_type="image/png", width=1, height=2, size_bytes=3, sha256="00" * 32
        )
        request = ImageRequest(
            operation=Operation.EDIT,
            prompt="将背景换成 🌌\n第二行",
            params={"num": 1, "seed": 2**63 - 1, "cfg_scale": 7.5, "extra": {"a": [1, None, "é"]}},
            references=(image, image),
            image=image,
            mask=attrs.evolve(image, key="w/2"),
        )
        task = a_task(request=request, override="sealed", retry_of="t0", max_retries=5, warnings=("careful",))

        added = await repository.add(task, queue_size=1)

        assert (task, False) == (added.task, added.replayed)
        assert task == await repository.get(task.task_id)

    async def test_an_unknown_task_is_not_found(self, repository: TaskRepository) -> None:
        """Reading, saving or cancelling a task that was never added raises."""
        with pytest.raises(TaskNotFound):
            await repository.get("nobody")
        with pytest.raises(TaskNotFound):
            await repository.save(a_task(), a_task().fence)
        with pytest.raises(TaskNotFound):
            await repository.request_cancel("nobody")

    async def test_the_queue_takes_no_more_than_its_size(self, repository: TaskRepository) -> None:
        """Of many concurrent adds, exactly as many succeed as the queue has room for."""
        outcomes = await asyncio.gather(
            *(repository.add(a_task(), queue_size=7) for _ in range(40)), return_exceptions=True
        )

        assert 33 == sum(isinstance(outcome, QueueFull) for outcome in outcomes)
        assert 7 == (await repository.find(TaskFilter(status=TaskStatus.PENDING), Paging())).total

    async def test_only_waiting_tasks_fill_the_queue(self, repository: TaskRepository) -> None:
        """A task that has ended makes room for another."""
        task = a_task()
        await repository.add(task, queue_size=1)
        await repository.save(task.cancel(NOW), task.fence)

        added = await repository.add(a_task(), queue_size=1)

        assert TaskStatus.PENDING == added.task.status
