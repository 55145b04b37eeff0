"""Attempts of tasks, with what they keep."""

import attrs
import pytest

from imagegen_core.attempt import InlineResponse, Receipt, SentConfig, UpstreamJob
from imagegen_core.errors import Failure, FailureCode, TaskNotFound
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.samples import NOW, a_task, an_attempt, an_image, later
from tests.contracts.tasks.additions import add


class Attempts:
    """Saving attempts."""

    async def test_attempts_come_back_oldest_first(self, repository: TaskRepository) -> None:
        """A saved attempt replaces its earlier value, including job, receipt and failure."""
        task = a_task()
        await add(repository, task, a_task())
        one, two, three = an_attempt(task), an_attempt(task, part=1), an_attempt(task, number=2)
        for attempt in (one, two, three):
            await repository.save_attempt(attempt, task.fence)
        job = UpstreamJob(id="j1", data={"poll": ["https://example.com/j1"]}, expires_at=later(60))
        one = one.submitting(later(1), config=SentConfig(text="token", sealed=True)).accepted(later(2), job)
        two = two.submitting(later(1), config=SentConfig(text="{}", sealed=False)).received(
            later(2), Receipt(data={"files": [{"name": "a.png"}]}, stored=(0, 2))
        )
        failure = Failure.from_code(FailureCode.REJECTED, "no")
        three = three.failed(later(3), attrs.evolve(failure, upstream_status=400, upstream_code="x"))

        for attempt in (three, two, one):
            await repository.save_attempt(attempt, task.fence)

        assert (one, two, three) == await repository.attempts(task.task_id)
        assert () == await repository.attempts("nobody")

    async def test_what_a_call_was_sent_under_is_wiped_with_its_end(self, repository: TaskRepository) -> None:
        """It is wiped when the attempt ends, at the latest when its task does; those of other tasks stay."""
        task, other = a_task(), a_task()
        await add(repository, task, other)
        token, plain = SentConfig(text="token", sealed=True), SentConfig(text="{}", sealed=False)
        one, two, three, theirs = (
            an_attempt(owner, part=part).submitting(later(1), config=config)
            for owner, part, config in (
                (task, 0, token),
                (task, 1, token),
                (task, 2, plain),
                (other, 0, plain),
            )
        )
        for attempt in (one, two, three, theirs):
            await repository.save_attempt(attempt, task.fence)
        await repository.save_attempt(
            one.failed(later(2), Failure.from_code(FailureCode.TIMEOUT, "no answer")), task.fence
        )
        before = [a.config for a in await repository.attempts(task.task_id)]

        await repository.save(task.cancel(NOW), task.fence)

        assert [None, token, plain] == before
        assert [None] * 3 == [a.config for a in await repository.attempts(task.task_id)]
        assert [plain] == [a.config for a in await repository.attempts(other.task_id)]

    async def test_a_response_is_stored_until_its_images_are(self, repository: TaskRepository) -> None:
        """Byte for byte; no longer, unless storing them is what failed."""
        task = a_task()
        await add(repository, task)
        response = InlineResponse(name="answer.json", content=bytes(range(256)) * 256)
        received = tuple(
            an_attempt(task, part=part).submitting(later(1)).received(later(2), Receipt(), response)
            for part in range(3)
        )
        for attempt in received:
            await repository.save_attempt(attempt, task.fence)
        before = await repository.attempts(task.task_id)
        stored, refused, unstored = received

        await repository.save_attempt(stored.stored(later(3)), task.fence)
        for attempt, code in ((refused, FailureCode.BAD_RESPONSE), (unstored, FailureCode.STORAGE_FAILED)):
            failed = attempt.failed(later(3), Failure.from_code(code, "no"))
            await repository.save_attempt(failed, task.fence)

        assert received == before
        assert [None, None, response] == [a.response for a in await repository.attempts(task.task_id)]

    async def test_a_response_does_not_outlive_its_task(self, repository: TaskRepository) -> None:
        """Nothing would resume its attempt; one that is kept for an operator stays, as do those of others."""
        task, other = a_task(), a_task()
        await add(repository, task, other)
        response = InlineResponse(name="answer", content=b"{}")
        received, unstored, theirs = (
            an_attempt(owner, part=part).submitting(later(1)).received(later(2), Receipt(), response)
            for owner, part in ((task, 0), (task, 1), (other, 0))
        )
        failure = Failure.from_code(FailureCode.STORAGE_FAILED, "no")
        submission = attrs.evolve(an_attempt(task, part=2).submitting(later(1)), response=response)
        for attempt in (received, unstored.failed(later(3), failure), submission, theirs):
            await repository.save_attempt(attempt, task.fence)

        await repository.save(task.cancel(NOW), task.fence)

        assert [None, response, None] == [a.response for a in await repository.attempts(task.task_id)]
        assert [response] == [a.response for a in await repository.attempts(other.task_id)]

    async def test_old_responses_are_wiped(self, repository: TaskRepository) -> None:
        """Those that ended attempts have kept for longer; one that is still to be stored is never old."""
        task = a_task()
        await add(repository, task)
        response = InlineResponse(name="answer", content=b"{}")
        failure = Failure.from_code(FailureCode.STORAGE_FAILED, "no")
        old, lost, young, received = (
            an_attempt(task, part=part).submitting(later(1)).received(later(2), Receipt(), response)
            for part in range(4)
        )
        ended = (
            old.failed(later(3), failure),
            lost.stored(later(4), lost=failure),
            young.failed(later(5), failure),
        )
        for attempt in (*ended, received):
            await repository.save_attempt(attempt, task.fence)

        await repository.wipe_responses(ended_before=later(5))
        await repository.wipe_responses(ended_before=later(5))

        assert [None, None, response, response] == [
            a.response for a in await repository.attempts(task.task_id)
        ]

    async def test_images_get_growing_ids(self, repository: TaskRepository) -> None:
        """Images are stored with their attempt; ids are positive and increasing."""
        task = a_task()
        await add(repository, task)
        attempt = an_attempt(task)

        images = await repository.save_attempt(
            attempt, task.fence, (an_image(attempt), an_image(attempt, position=1, vendor_sha256="cd" * 32))
        )

        assert 0 < images[0].id < images[1].id
        unnumbered = tuple(attrs.evolve(image, id=0) for image in images)
        assert (an_image(attempt), an_image(attempt, position=1, vendor_sha256="cd" * 32)) == unnumbered

    async def test_an_image_is_stored_once(self, repository: TaskRepository) -> None:
        """Storing a response again after a restart returns the images that are already stored."""
        task = a_task()
        await add(repository, task)
        attempt = an_attempt(task)
        first = await repository.save_attempt(attempt, task.fence, (an_image(attempt),))

        again = await repository.save_attempt(
            attempt, task.fence, (an_image(attempt, size_bytes=9), an_image(attempt, position=1))
        )

        assert first[0] == again[0]
        assert again[1].id > first[0].id

    async def test_an_attempt_belongs_to_a_task(self, repository: TaskRepository) -> None:
        """An attempt of an unknown task is refused."""
        with pytest.raises(TaskNotFound):
            await repository.save_attempt(an_attempt(a_task()), a_task().fence)
