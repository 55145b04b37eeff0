"""Changes of tasks, stored with their attempts and images."""

import pytest

from imagegen_core.errors import Failure, FailureCode, StaleTask
from imagegen_core.messages import upstream_text
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.problems import WarningCode
from tests.contracts.samples import NOW, a_task, an_attempt, an_image, later
from tests.contracts.tasks.additions import add


class Saves:
    """Saving a task that has changed."""

    async def test_changes_are_stored(self, repository: TaskRepository) -> None:
        """A saved task is read back with all its changes; once it has ended, without its sealed override."""
        task = a_task(override="sealed")
        await add(repository, task)
        claimed = task.claim("me", later(1)).count_attempt()
        failed = claimed.fail(
            later(2),
            Failure.from_code(FailureCode.TIMEOUT, "no answer 超时"),
            warnings=(WarningCode.DEPRECATED(), upstream_text("slow")),
        )

        await repository.save(claimed, task.fence)
        await repository.save(failed, claimed.fence)

        assert failed == await repository.get(task.task_id)
        assert failed.override is None

    async def test_an_ended_task_never_changes(self, repository: TaskRepository) -> None:
        """A final status is never overwritten, whoever tries, nor are its attempts."""
        task = a_task()
        await add(repository, task)
        claimed = task.claim("me", NOW)
        ended = claimed.complete(NOW)
        await repository.save(ended, task.fence)

        for fence in (task.fence, claimed.fence, ended.fence):
            with pytest.raises(StaleTask):
                await repository.save(claimed, fence)
            with pytest.raises(StaleTask):
                await repository.save_attempt(an_attempt(task), fence)
        assert ended == await repository.get(task.task_id)
        assert () == await repository.attempts(task.task_id)

    async def test_attempts_are_stored_with_their_task(self, repository: TaskRepository) -> None:
        """New and changed ones, in one transaction: where the task is refused, none of them is stored."""
        task = a_task()
        await add(repository, task)
        claimed = task.claim("me", later(1))
        first, second = an_attempt(task), an_attempt(task, part=1)

        await repository.save(claimed, task.fence, (first, second))
        stored = await repository.attempts(task.task_id)
        failure = Failure.from_code(FailureCode.INTERNAL, upstream_text("a defect"))
        ended = first.ended_with_task(later(2), failure)
        with pytest.raises(StaleTask):
            await repository.save(claimed, task.fence, (ended,))
        unchanged = await repository.attempts(task.task_id)
        await repository.save(claimed.fail(later(2), failure), claimed.fence, (ended,))

        assert (first, second) == stored == unchanged
        assert (ended, second) == await repository.attempts(task.task_id)

    async def test_images_are_stored_with_their_task(self, repository: TaskRepository) -> None:
        """Those of its attempts, once, in the same transaction: where the task is refused, none is stored."""
        task = a_task()
        await add(repository, task)
        claimed = task.claim("me", NOW)
        requeued = claimed.requeue()
        attempt = an_attempt(task)
        image, larger = an_image(attempt), an_image(attempt, size_bytes=9)
        await repository.save(claimed, task.fence, (attempt,))

        with pytest.raises(StaleTask):
            await repository.save(requeued, task.fence, (attempt,), (an_image(attempt, position=1),))
        await repository.save(requeued, claimed.fence, (attempt,), (image,))
        stored = await repository.save_attempt(
            attempt, requeued.fence, (larger, an_image(attempt, position=1, size_bytes=9))
        )

        assert [image.size_bytes, 9] == [each.size_bytes for each in stored]
