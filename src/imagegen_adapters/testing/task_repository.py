"""The contract of a task repository, as tests to subclass.

A subclass provides the fixture ``repository``, an empty one::

    class TestMyRepository(TaskRepositoryContract):
        @pytest.fixture
        def repository(self):
            return MyTaskRepository()
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.testing.samples import NOW, a_task, an_attempt, an_image, later
from imagegen_core.errors import IdempotencyKeyReused, QueueFull, StaleTask, TaskNotFound
from imagegen_core.failures import Failure, FailureCode
from imagegen_core.messages import upstream_text
from imagegen_core.operations import ImageRequest, InputImage, Operation
from imagegen_core.ports.task_repository import IdempotencyClaim, TaskFilter, TaskRepository
from imagegen_core.problems import WarningCode
from imagegen_core.search.pages import Paging
from imagegen_core.tasks.attempt import InlineResponse, Receipt, SentConfig, UpstreamJob
from imagegen_core.tasks.task import Task, TaskStatus


def a_claim(key: str = "k1", body: str = "aa", scope: str = "token/generate") -> IdempotencyClaim:
    """Return a caller's idempotency key that is valid for a day."""
    return IdempotencyClaim(scope=scope, key=key, body_sha256=body, expires_at=NOW + timedelta(days=1))


async def add(repository: TaskRepository, *tasks: Task) -> None:
    """Store new tasks in this order."""
    for task in tasks:
        await repository.add(task, queue_size=100_000)


def rescued(task: Task) -> Task:
    """Return a task taken from its owner."""
    return task.rescue(attempts=task.attempts, is_recovery=False)


class TaskRepositoryContract:
    """The source of truth about tasks and attempts."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository under test."""
        raise NotImplementedError

    # ------------------------------------------------------------ add and get

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

    # ------------------------------------------------------------ idempotency

    async def test_equal_adds_at_once_make_one_task(self, repository: TaskRepository) -> None:
        """Fifty concurrent callers with the same key and body get the same task, created by one of them."""
        added = await asyncio.gather(
            *(repository.add(a_task(), queue_size=50, idempotency=a_claim()) for _ in range(50))
        )

        assert 1 == len({one.task.task_id for one in added})
        assert 49 == sum(one.replayed for one in added)
        assert 1 == (await repository.find(TaskFilter(), Paging())).total

    async def test_a_replay_shows_the_task_as_it_is_now(self, repository: TaskRepository) -> None:
        """A replay succeeds although the queue is full, and has the task's present status."""
        task = a_task()
        await repository.add(task, queue_size=1, idempotency=a_claim())
        await add(repository, a_task())
        await repository.save(task.cancel(NOW), task.fence)

        replay = await repository.add(a_task(), queue_size=0, idempotency=a_claim())

        assert (True, TaskStatus.CANCELLED) == (replay.replayed, replay.task.status)

    async def test_a_key_belongs_to_one_body(self, repository: TaskRepository) -> None:
        """The same key with another body is refused, and nothing is stored."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        with pytest.raises(IdempotencyKeyReused):
            await repository.add(a_task(), queue_size=9, idempotency=a_claim(body="bb"))
        assert 1 == (await repository.find(TaskFilter(), Paging())).total

    async def test_scopes_part_keys(self, repository: TaskRepository) -> None:
        """The same key in another scope is a different key."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())

        other = await repository.add(a_task(), queue_size=9, idempotency=a_claim(body="bb", scope="other"))

        assert not other.replayed

    async def test_a_refused_add_does_not_use_up_its_key(self, repository: TaskRepository) -> None:
        """After the queue was full, the same key creates the task later."""
        with pytest.raises(QueueFull):
            await repository.add(a_task(), queue_size=0, idempotency=a_claim())

        added = await repository.add(a_task(), queue_size=1, idempotency=a_claim())

        assert not added.replayed

    async def test_an_expired_key_can_be_used_again(self, repository: TaskRepository) -> None:
        """An expired key creates a new task, whatever the body, and is valid for a day again."""
        await repository.add(a_task(), queue_size=9, idempotency=a_claim())
        tomorrow = NOW + timedelta(days=1)
        claim = attrs.evolve(a_claim(body="bb"), expires_at=tomorrow + timedelta(days=1))
        task = a_task(created_at=tomorrow)

        first = await repository.add(task, queue_size=9, idempotency=claim)
        second = await repository.add(a_task(created_at=tomorrow), queue_size=9, idempotency=claim)

        assert (False, True) == (first.replayed, second.replayed)
        assert task.task_id == second.task.task_id

    # ------------------------------------------------------------ save

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

    # ------------------------------------------------------------ the fence

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

    # ------------------------------------------------------------ lists

    async def test_lists_are_newest_first(self, repository: TaskRepository) -> None:
        """Pages divide the list without gaps; has_more is false on the last one; totals count all."""
        tasks = [a_task() for _ in range(5)]
        await add(repository, *tasks)

        pages = [await repository.find(TaskFilter(), Paging(page=n, page_size=2)) for n in (1, 2, 3, 4)]

        assert [[4, 3], [2, 1], [0], []] == [[tasks.index(t) for t in page.items] for page in pages]
        assert [True, True, False, False] == [page.has_more for page in pages]
        assert [(5, True)] * 4 == [(page.total, page.total_is_exact) for page in pages]

    async def test_a_cursor_goes_on_where_the_page_ended(self, repository: TaskRepository) -> None:
        """Tasks added meanwhile do not shift the pages; the total is that of the whole list."""
        tasks = [a_task() for _ in range(5)]
        await add(repository, *tasks)
        first = await repository.find(TaskFilter(), Paging(page_size=2))
        await add(repository, a_task())

        second = await repository.find(TaskFilter(), Paging(page_size=2, after=first.last))
        third = await repository.find(TaskFilter(), Paging(page_size=2, after=second.last))
        fourth = await repository.find(TaskFilter(), Paging(page_size=2, after=third.last))

        assert [tasks[2], tasks[1], tasks[0]] == [*second.items, *third.items]
        assert (True, False, False) == (second.has_more, third.has_more, fourth.has_more)
        assert ((), None, 6) == (fourth.items, fourth.last, fourth.total)

    async def test_filters_combine(self, repository: TaskRepository) -> None:
        """Status and provider both restrict the list and its total."""
        cat, dog, owl = a_task("cat"), a_task("dog", provider_name="other"), a_task("owl")
        await add(repository, cat, dog, owl)
        await repository.save(owl.cancel(NOW), owl.fence)

        pages = [
            await repository.find(TaskFilter(status=status, provider_name=provider), Paging())
            for status, provider in (
                (TaskStatus.PENDING, None),
                (None, "demo"),
                (TaskStatus.PENDING, "demo"),
                (TaskStatus.FAILED, "demo"),
            )
        ]

        prompts = [[task.request.prompt for task in page.items] for page in pages]
        assert [["dog", "cat"], ["owl", "cat"], ["cat"], []] == prompts
        assert [2, 2, 1, 0] == [page.total for page in pages]

    async def test_totals_are_exact_up_to_ten_thousand(self, repository: TaskRepository) -> None:
        """A total of 10,000 is exact; with one more task it only means "at least"."""
        await asyncio.gather(*(repository.add(a_task(), queue_size=20_000) for _ in range(10_000)))
        exact = await repository.find(TaskFilter(provider_name="demo"), Paging())
        await add(repository, a_task())

        beyond = await repository.find(TaskFilter(), Paging(page=501))

        assert (10_000, True) == (exact.total, exact.total_is_exact)
        assert (10_000, False, 1) == (beyond.total, beyond.total_is_exact, len(beyond.items))

    # ------------------------------------------------------------ attempts

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
            later(2), Receipt(data={"files": [{"name": "a.png"}]})
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

    # ------------------------------------------------------------ orphans

    async def test_orphans_are_tasks_of_owners_that_are_not_alive(self, repository: TaskRepository) -> None:
        """Processing tasks of dead owners are returned, oldest first; pending and ended ones are not."""
        mine, waiting, ended, old, older = (a_task() for _ in range(5))
        await add(repository, older, mine, waiting, ended, old)
        await repository.save(old.claim("dead", NOW), old.fence)
        await repository.save(older.claim("long dead", NOW), older.fence)
        await repository.save(mine.claim("me", NOW), mine.fence)
        await repository.save(ended.claim("dead", NOW).complete(NOW), ended.fence)

        orphans = await repository.orphans(alive=["me", "another"], running=[])

        assert [older.task_id, old.task_id] == [task.task_id for task in orphans]

    async def test_what_runs_is_no_orphan(self, repository: TaskRepository) -> None:
        """A task that is running is left out, whoever owns it."""
        running, given_up = a_task(), a_task()
        await add(repository, running, given_up)
        await repository.save(running.claim("me", NOW), running.fence)
        await repository.save(given_up.claim("me", NOW), given_up.fence)

        orphans = await repository.orphans(alive=[], running=[running.task_id, "unknown"])

        assert [given_up.task_id] == [task.task_id for task in orphans]
