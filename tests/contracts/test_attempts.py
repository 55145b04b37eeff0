"""A task repository: what workers save, and that one that lost its task changes nothing."""

import asyncio

import attrs
import pytest

from imagegen_core.attempt import InlineResponse, Receipt, SentConfig, UpstreamJob
from imagegen_core.costs import Cost, UsageGrouping
from imagegen_core.errors import Failure, FailureCode, StaleTask, TaskNotFound
from imagegen_core.messages import WarningCode, upstream_text
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus
from tests.contracts.samples import NOW, a_task, add, an_attempt, an_image, later

pytestmark = pytest.mark.anyio


def rescued(task):
    """Return a task taken from its owner."""
    return task.rescue(attempts=task.attempts, is_recovery=False)


async def test_changes_are_stored(repository):
    """A saved task is read back with all its changes; once it has ended, without its sealed override."""
    task = a_task(override="sealed")
    await add(repository, task)
    claimed = task.claim("me", later(1)).count_attempt()
    failed = claimed.fail(
        later(2),
        Failure(FailureCode.TIMEOUT, "no answer 超时"),
        warnings=(WarningCode.DEPRECATED(), upstream_text("slow")),
    )

    await repository.save(task.fence, task=claimed)
    await repository.save(claimed.fence, task=failed)

    assert failed == await repository.get(task.task_id)
    assert failed.override is None


async def test_an_ended_task_never_changes(repository):
    """A final status is never overwritten, whoever tries, nor are its attempts."""
    task = a_task()
    await add(repository, task)
    claimed = task.claim("me", NOW)
    ended = claimed.complete(NOW)
    await repository.save(task.fence, task=ended)

    for fence in (task.fence, claimed.fence, ended.fence):
        with pytest.raises(StaleTask):
            await repository.save(fence, task=claimed)
        with pytest.raises(StaleTask):
            await repository.save(fence, attempts=(an_attempt(task),))
    assert ended == await repository.get(task.task_id)
    assert () == await repository.attempts(task.task_id)


async def test_attempts_are_stored_with_their_task(repository):
    """New and changed ones, in one transaction: where the task is refused, none of them is stored."""
    task = a_task()
    await add(repository, task)
    claimed = task.claim("me", later(1))
    first, second = an_attempt(task), an_attempt(task, part=1)

    await repository.save(task.fence, task=claimed, attempts=(first, second))
    stored = await repository.attempts(task.task_id)
    failure = Failure(FailureCode.INTERNAL, upstream_text("a defect"))
    ended = first.ended_with_task(later(2), failure)
    with pytest.raises(StaleTask):
        await repository.save(task.fence, task=claimed, attempts=(ended,))
    unchanged = await repository.attempts(task.task_id)
    await repository.save(claimed.fence, task=claimed.fail(later(2), failure), attempts=(ended,))

    assert (first, second) == stored == unchanged
    assert (ended, second) == await repository.attempts(task.task_id)


async def test_images_are_stored_with_their_task(repository):
    """Those of its attempts, once, in the same transaction: where the task is refused, none is stored."""
    task = a_task()
    await add(repository, task)
    claimed = task.claim("me", NOW)
    requeued = claimed.requeue()
    attempt = an_attempt(task)
    image, larger = an_image(attempt), an_image(attempt, size_bytes=9)
    await repository.save(task.fence, task=claimed, attempts=(attempt,))

    with pytest.raises(StaleTask):
        await repository.save(
            task.fence, task=requeued, attempts=(attempt,), images=(an_image(attempt, position=1),)
        )
    await repository.save(claimed.fence, task=requeued, attempts=(attempt,), images=(image,))
    stored = await repository.save(
        requeued.fence, attempts=(attempt,), images=(larger, an_image(attempt, position=1, size_bytes=9))
    )

    assert [image.size_bytes, 9] == [each.size_bytes for each in stored]


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
async def test_a_worker_that_lost_its_task_changes_nothing(repository, histories):
    """It was frozen meanwhile, or cut off: every write of it is refused, and leaves no trace."""
    task = a_task()
    await add(repository, task)
    before = task.claim("one", NOW)
    submitting, mine = an_attempt(task).submitting(NOW), before.fence
    await repository.save(task.fence, task=before, attempts=(submitting,))
    for changed in histories(before):
        await repository.save(before.fence, task=changed)
        before = changed
    attempts = await repository.attempts(task.task_id)
    received, image = submitting.received(NOW, Receipt()), an_image(submitting)
    claimed = task.claim("one", NOW)

    for late in (claimed.complete(NOW), claimed.requeue(), attrs.evolve(claimed, progress=0.5)):
        with pytest.raises(StaleTask):
            await repository.save(mine, task=late, attempts=(received,), images=(image,))
    for attempt in (received, received.stored(NOW), an_attempt(task, part=1)):
        with pytest.raises(StaleTask):
            await repository.save(mine, attempts=(attempt,), images=(image,))

    assert before == await repository.get(task.task_id)
    assert attempts == await repository.attempts(task.task_id)


async def test_only_one_of_several_rescues_a_task(repository):
    """Nor does the slower of them undo what the next worker has done since."""
    task = a_task()
    await add(repository, task)
    orphan = task.claim("dead", NOW)
    await repository.save(task.fence, task=orphan)
    saves = [repository.save(orphan.fence, task=rescued(orphan)) for _ in range(3)]
    outcomes = await asyncio.gather(*saves, return_exceptions=True)
    claimed = rescued(orphan).claim("two", NOW)
    await repository.save(rescued(orphan).fence, task=claimed)

    with pytest.raises(StaleTask):
        await repository.save(orphan.fence, task=rescued(orphan))

    assert 2 == sum(isinstance(outcome, StaleTask) for outcome in outcomes)
    assert claimed == await repository.get(task.task_id)


async def test_a_requested_cancellation_is_not_lost(repository):
    """Whoever runs the task goes on with the value that it has, which undoes nothing."""
    task = a_task()
    await add(repository, task)
    running = attrs.evolve(task.claim("me", NOW), progress=0.4)
    await repository.save(task.fence, task=running)

    requested = await repository.request_cancel(task.task_id)
    await repository.save(running.fence, task=attrs.evolve(running, progress=0.5))

    stored = await repository.get(task.task_id)
    assert attrs.evolve(running, cancel_requested=True) == requested
    assert (True, 0.5) == (stored.cancel_requested, stored.progress)


async def test_requested_cancellations_are_found(repository):
    """Of the tasks that are asked about, while they are processing."""
    running, requested, other, ended = tasks = [a_task() for _ in range(4)]
    await add(repository, *tasks)
    for task in tasks:
        await repository.save(task.fence, task=task.claim("me", NOW))
    for task in (requested, other, ended):
        await repository.request_cancel(task.task_id)
    claimed = ended.claim("me", NOW)
    await repository.save(claimed.fence, task=claimed.complete(NOW))

    asked_for = [task.task_id for task in (running, requested, ended)]

    assert {requested.task_id} == await repository.cancel_requests([*asked_for, "unknown"])
    assert frozenset() == await repository.cancel_requests([])


async def test_only_a_running_task_is_asked_to_stop(repository):
    """One that is pending or has ended is returned as it is."""
    pending, ended = a_task(), a_task()
    await add(repository, pending, ended)
    await repository.save(ended.fence, task=ended.cancel(NOW))

    returned = [await repository.request_cancel(task.task_id) for task in (pending, ended)]

    assert [pending, ended.cancel(NOW)] == returned
    assert returned == [await repository.get(task.task_id) for task in (pending, ended)]


async def test_attempts_come_back_oldest_first(repository):
    """A saved attempt replaces its earlier value, including job, receipt and failure."""
    task = a_task()
    await add(repository, task, a_task())
    one, two, three = an_attempt(task), an_attempt(task, part=1), an_attempt(task, number=2)
    for attempt in (one, two, three):
        await repository.save(task.fence, attempts=(attempt,))
    job = UpstreamJob(id="j1", data={"poll": ["https://example.com/j1"]}, expires_at=later(60))
    one = one.submitting(later(1), config=SentConfig(text="token", sealed=True)).accepted(later(2), job)
    two = two.submitting(later(1), config=SentConfig(text="{}", sealed=False)).received(
        later(2), Receipt(data={"files": [{"name": "a.png"}]}, stored=(0, 2))
    )
    failure = Failure(FailureCode.REJECTED, "no")
    three = three.failed(later(3), attrs.evolve(failure, upstream_status=400, upstream_code="x"))

    for attempt in (three, two, one):
        await repository.save(task.fence, attempts=(attempt,))

    assert (one, two, three) == await repository.attempts(task.task_id)
    assert () == await repository.attempts("nobody")


async def test_what_a_call_was_sent_under_is_wiped_with_its_end(repository):
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
        await repository.save(task.fence, attempts=(attempt,))
    await repository.save(
        task.fence, attempts=(one.failed(later(2), Failure(FailureCode.TIMEOUT, "no answer")),)
    )
    before = [a.config for a in await repository.attempts(task.task_id)]

    await repository.save(task.fence, task=task.cancel(NOW))

    assert [None, token, plain] == before
    assert [None] * 3 == [a.config for a in await repository.attempts(task.task_id)]
    assert [plain] == [a.config for a in await repository.attempts(other.task_id)]


async def test_a_response_is_stored_until_its_images_are(repository):
    """Byte for byte; no longer, unless storing them is what failed."""
    task = a_task()
    await add(repository, task)
    response = InlineResponse(name="answer.json", content=bytes(range(256)) * 256)
    received = tuple(
        an_attempt(task, part=part).submitting(later(1)).received(later(2), Receipt(), response)
        for part in range(3)
    )
    for attempt in received:
        await repository.save(task.fence, attempts=(attempt,))
    before = await repository.attempts(task.task_id)
    stored, refused, unstored = received

    await repository.save(task.fence, attempts=(stored.stored(later(3)),))
    for attempt, code in ((refused, FailureCode.BAD_RESPONSE), (unstored, FailureCode.STORAGE_FAILED)):
        failed = attempt.failed(later(3), Failure(code, "no"))
        await repository.save(task.fence, attempts=(failed,))

    assert received == before
    assert [None, None, response] == [a.response for a in await repository.attempts(task.task_id)]


async def test_a_response_does_not_outlive_its_task(repository):
    """Nothing would resume its attempt; one that is kept for an operator stays, as do those of others."""
    task, other = a_task(), a_task()
    await add(repository, task, other)
    response = InlineResponse(name="answer", content=b"{}")
    received, unstored, theirs = (
        an_attempt(owner, part=part).submitting(later(1)).received(later(2), Receipt(), response)
        for owner, part in ((task, 0), (task, 1), (other, 0))
    )
    failure = Failure(FailureCode.STORAGE_FAILED, "no")
    submission = attrs.evolve(an_attempt(task, part=2).submitting(later(1)), response=response)
    for attempt in (received, unstored.failed(later(3), failure), submission, theirs):
        await repository.save(task.fence, attempts=(attempt,))

    await repository.save(task.fence, task=task.cancel(NOW))

    assert [None, response, None] == [a.response for a in await repository.attempts(task.task_id)]
    assert [response] == [a.response for a in await repository.attempts(other.task_id)]


async def test_old_responses_are_wiped(repository):
    """Those that ended attempts have kept for longer; one that is still to be stored is never old."""
    task = a_task()
    await add(repository, task)
    response = InlineResponse(name="answer", content=b"{}")
    failure = Failure(FailureCode.STORAGE_FAILED, "no")
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
        await repository.save(task.fence, attempts=(attempt,))

    await repository.wipe_responses(ended_before=later(5))
    await repository.wipe_responses(ended_before=later(5))

    assert [None, None, response, response] == [a.response for a in await repository.attempts(task.task_id)]


async def test_images_get_growing_ids(repository):
    """Images are stored with their attempt; ids are positive and increasing."""
    task = a_task()
    await add(repository, task)
    attempt = an_attempt(task)

    images = await repository.save(
        task.fence,
        attempts=(attempt,),
        images=(an_image(attempt), an_image(attempt, position=1, vendor_sha256="cd" * 32)),
    )

    assert 0 < images[0].id < images[1].id
    unnumbered = tuple(attrs.evolve(image, id=0) for image in images)
    assert (an_image(attempt), an_image(attempt, position=1, vendor_sha256="cd" * 32)) == unnumbered


async def test_an_image_is_stored_once(repository):
    """Storing a response again after a restart returns the images that are already stored."""
    task = a_task()
    await add(repository, task)
    attempt = an_attempt(task)
    first = await repository.save(task.fence, attempts=(attempt,), images=(an_image(attempt),))

    again = await repository.save(
        task.fence,
        attempts=(attempt,),
        images=(an_image(attempt, size_bytes=9), an_image(attempt, position=1)),
    )

    assert first[0] == again[0]
    assert again[1].id > first[0].id


async def test_an_attempt_belongs_to_a_task(repository):
    """An attempt of an unknown task is refused."""
    with pytest.raises(TaskNotFound):
        await repository.save(a_task().fence, attempts=(an_attempt(a_task()),))


async def test_a_task_goes_on_to_another_provider(repository, queue):
    """Its provider is stored with what it was refused by; it waits for the next, and ends as that one's."""
    snapshot = {"model_id": "m2", "max_retries": 1, "api_base": "https://second.example"}
    task = a_task(
        provider_name="first",
        config_snapshot={
            "api_base": "https://first.example",
            "fallback": [{"provider": "second", **snapshot}],
        },
    )
    await add(repository, task)
    claimed = task.claim("me", later(1)).count_attempt()
    await repository.save(task.fence, task=claimed)
    failure = Failure(FailureCode.AUTH_FAILED, upstream_text("no such key"))
    attempt = an_attempt(task).failed(later(2), failure)
    moved = claimed.move_on(later(2), failure)

    await repository.save(claimed.fence, task=moved, attempts=(attempt,))
    stored = await repository.get(task.task_id)
    of_first = await queue.claim("me", limit=9, now=later(3), provider_limits={"first": 9})
    (again,) = await queue.claim("me", limit=9, now=later(3), provider_limits={"second": 9})
    submitting = an_attempt(again, number=2).submitting(later(3), quoted=Cost.unknown())
    completed = again.count_attempt().complete(later(4))
    await repository.save(again.fence, task=completed, attempts=(submitting,))

    assert moved == stored
    assert ("second", "m2", 1, snapshot) == (
        stored.provider_name,
        stored.model_id,
        stored.max_retries,
        {name: stored.config_snapshot[name] for name in snapshot},
    )
    assert ((), again) == (of_first, moved.claim("me", later(3)))
    ended = await repository.get(task.task_id)
    assert [
        ("first", "demo-1", "auth_failed", False, str(later(1))),
        ("second", "m2", None, False, str(later(2))),
    ] == [tuple(each.values()) for each in ended.attempt_history]
    assert {"second": 1} == {
        k: v.unknown_attempts for k, v in (await repository.usage(UsageGrouping.PROVIDER)).items()
    }
    assert [1, 0] == [
        (await repository.find(TaskFilter(provider_name=n), Paging())).total for n in ("second", "first")
    ]


async def test_a_stale_task_goes_nowhere(repository):
    """Who lost it does not change its provider either."""
    task = a_task(
        provider_name="first",
        config_snapshot={"fallback": [{"provider": "second", "model_id": "m2", "max_retries": 1}]},
    )
    await add(repository, task)
    claimed = task.claim("me", NOW)
    await repository.save(task.fence, task=claimed)
    await repository.save(claimed.fence, task=rescued(claimed))

    with pytest.raises(StaleTask):
        await repository.save(
            claimed.fence, task=claimed.move_on(NOW, Failure(FailureCode.RATE_LIMITED, upstream_text("no")))
        )

    assert "first" == (await repository.get(task.task_id)).provider_name
