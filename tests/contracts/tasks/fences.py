"""Changes by workers that may have lost their task."""

import asyncio
from collections.abc import Callable

import attrs
import pytest

from imagegen_core.attempt import Receipt
from imagegen_core.errors import StaleTask
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.task import Task, TaskStatus
from tests.contracts.samples import NOW, a_task, an_attempt, an_image
from tests.contracts.tasks.additions import add


def rescued(task: Task) -> Task:
    """Return a task taken from its owner."""
    return task.rescue(attempts=task.attempts, is_recovery=False)


class Fences:
    """Saving a task that others have changed."""

    @pytest.mark.parametrize(
        "histories",
        [
            pytest.param(lambda task: (task.requeue(),), id="requeued"),
            pytest.param(lambda task: (rescued(task),), id="rescued"),
            pytest.param(lambda task: (rescued(task), rescued(task).claim("two", NOW)), id="another's"),
            pytest.param(lambda task: (task.requeue(), task.requeue().claim("one", NOW)), id="claimed again"),
            pytest.param(lambda task: (attrs.evolve(task, owner="two"),), id="another's in the same epoch"),
            pytest.param(lambda task: (attrs.evolve(task, status=TaskStatus.PENDING),), id="pending"),
            pytest.param(lambda task: (task.complete(NOW),), id="completed"),
            pytest.param(lambda task: (rescued(task), rescued(task).cancel(NOW)), id="cancelled"),
        ],
    )
    async def test_a_worker_that_lost_its_task_changes_nothing(
        self, repository: TaskRepository, histories: Callable[[Task], tuple[Task, ...]]
    ) -> None:
        """It was frozen meanwhile, or cut off: every write of it is refused, and leaves no trace."""
        task = a_task()
        await add(repository, task)
        before = task.claim("one", NOW)
        submitting, mine = an_attempt(task).submitting(NOW), before.fence
        await repository.save(before, task.fence, (submitting,))
        for changed in histories(before):
            await repository.save(changed, before.fence)
            before = changed
        attempts = await repository.attempts(task.task_id)
        received, image = submitting.received(NOW, Receipt()), an_image(submitting)
        claimed = task.claim("one", NOW)

        for late in (claimed.complete(NOW), claimed.requeue(), attrs.evolve(claimed, progress=0.5)):
            with pytest.raises(StaleTask):
                await repository.save(late, mine, (received,), (image,))
        for attempt in (received, received.stored(NOW), an_attempt(task, part=1)):
            with pytest.raises(StaleTask):
                await repository.save_attempt(attempt, mine, (image,))

        assert before == await repository.get(task.task_id)
        assert attempts == await repository.attempts(task.task_id)

    async def test_only_one_of_several_rescues_a_task(self, repository: TaskRepository) -> None:
        """Nor does the slower of them undo what the next worker has done since."""
        task = a_task()
        await add(repository, task)
        orphan = task.claim("dead", NOW)
        await repository.save(orphan, task.fence)
        saves = [repository.save(rescued(orphan), orphan.fence) for _ in range(3)]
        outcomes = await asyncio.gather(*saves, return_exceptions=True)
        claimed = rescued(orphan).claim("two", NOW)
        await repository.save(claimed, rescued(orphan).fence)

        with pytest.raises(StaleTask):
            await repository.save(rescued(orphan), orphan.fence)

        assert 2 == sum(isinstance(outcome, StaleTask) for outcome in outcomes)
        assert claimed == await repository.get(task.task_id)

    async def test_a_requested_cancellation_is_not_lost(self, repository: TaskRepository) -> None:
        """Whoever runs the task goes on with the value that it has, which undoes nothing."""
        task = a_task()
        await add(repository, task)
        running = attrs.evolve(task.claim("me", NOW), progress=0.4)
        await repository.save(running, task.fence)

        requested = await repository.request_cancel(task.task_id)
        await repository.save(attrs.evolve(running, progress=0.5), running.fence)

        stored = await repository.get(task.task_id)
        assert running.request_cancel() == requested
        assert (True, 0.5) == (stored.cancel_requested, stored.progress)

    async def test_requested_cancellations_are_found(self, repository: TaskRepository) -> None:
        """Of the tasks that are asked about, while they are processing."""
        running, requested, other, ended = tasks = [a_task() for _ in range(4)]
        await add(repository, *tasks)
        for task in tasks:
            await repository.save(task.claim("me", NOW), task.fence)
        for task in (requested, other, ended):
            await repository.request_cancel(task.task_id)
        claimed = ended.claim("me", NOW)
        await repository.save(claimed.complete(NOW), claimed.fence)

        asked_for = [task.task_id for task in (running, requested, ended)]

        assert {requested.task_id} == await repository.cancel_requests([*asked_for, "unknown"])
        assert frozenset() == await repository.cancel_requests([])

    async def test_only_a_running_task_is_asked_to_stop(self, repository: TaskRepository) -> None:
        """One that is pending or has ended is returned as it is."""
        pending, ended = a_task(), a_task()
        await add(repository, pending, ended)
        await repository.save(ended.cancel(NOW), ended.fence)

        returned = [await repository.request_cancel(task.task_id) for task in (pending, ended)]

        assert [pending, ended.cancel(NOW)] == returned
        assert returned == [await repository.get(task.task_id) for task in (pending, ended)]
