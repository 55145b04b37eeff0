"""A task repository: the source of truth about tasks, their keys and their order."""

import asyncio
from datetime import timedelta

import attrs
import pytest

from imagegen_core.errors import IdempotencyKeyReused, QueueFull, TaskNotFound
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.requests import ImageRequest, InputImage, Operation
from imagegen_core.search import Paging
from imagegen_core.task import TaskStatus
from tests.contracts.samples import NOW, a_claim, a_task, add, an_attempt, an_image, later

pytestmark = pytest.mark.anyio


async def _add(repository, *prompts):
    return [(await repository.add(a_task(prompt), queue_size=99)).task for prompt in prompts]


async def _prompts(feed, position, limit=99):
    page = await feed.changes(position, limit=limit)
    return [change.task.request.prompt for change in page.changes]


async def test_a_task_comes_back_whole(repository):
    """Every field of a task survives, including nested parameters, images, and times in milliseconds."""
    image = InputImage(key="w/1", mime_type="image/png", width=1, height=2, size_bytes=3, sha256="00" * 32)
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


async def test_an_unknown_task_is_not_found(repository):
    """Reading, saving or cancelling a task that was never added raises."""
    with pytest.raises(TaskNotFound):
        await repository.get("nobody")
    with pytest.raises(TaskNotFound):
        await repository.save(a_task().fence, task=a_task())
    with pytest.raises(TaskNotFound):
        await repository.request_cancel("nobody")


async def test_the_queue_takes_no_more_than_its_size(repository):
    """Of many concurrent adds, exactly as many succeed as the queue has room for."""
    outcomes = await asyncio.gather(
        *(repository.add(a_task(), queue_size=7) for _ in range(40)), return_exceptions=True
    )

    assert 33 == sum(isinstance(outcome, QueueFull) for outcome in outcomes)
    assert 7 == (await repository.find(TaskFilter(status=TaskStatus.PENDING), Paging())).total


def _id_of(moment, number):
    """Return a UUIDv7 of a moment."""
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


async def test_tasks_are_found_by_their_time(repository):
    """From a moment on and before another; also one that was stored after younger ones, and in pages."""
    moments = [later(seconds) for seconds in (0, 3600, 3601, 3599, 7200, 86400)]
    tasks = [
        a_task(str(number), task_id=_id_of(moment, number), created_at=moment)
        for number, moment in enumerate(moments)
    ]
    for task in tasks:
        await repository.add(task, queue_size=99)

    async def find(start, end, page_size=20, after=None, **criteria):
        times = {"created_from": start and later(start), "created_to": end and later(end)}
        paging = Paging(page_size=page_size, after=after)
        page = await repository.find(TaskFilter(**times, **criteria), paging)
        return page, "".join(task.request.prompt for task in page.items)

    first, shown = await find(3600, None, page_size=2)

    assert ("54", 4) == (shown, first.total)
    assert "21" == (await find(3600, None, page_size=2, after=first.last))[1]
    assert "321" == (await find(3599, 7200))[1]
    assert "210" == (await find(None, 3602))[1].replace("3", "")
    assert "30" == (await find(None, 3600))[1]
    assert ("", "") == ((await find(86401, None))[1], (await find(90, 91))[1])
    assert "4" == (await find(7200, 7201, status=TaskStatus.PENDING, provider_name="demo"))[1]


async def test_only_waiting_tasks_fill_the_queue(repository):
    """A task that has ended makes room for another."""
    task = a_task()
    await repository.add(task, queue_size=1)
    await repository.save(task.fence, task=task.cancel(NOW))

    added = await repository.add(a_task(), queue_size=1)

    assert TaskStatus.PENDING == added.task.status


async def test_equal_adds_at_once_make_one_task(repository):
    """Fifty concurrent callers with the same key and body get the same task, created by one of them."""
    added = await asyncio.gather(
        *(repository.add(a_task(), queue_size=50, claim=a_claim()) for _ in range(50))
    )

    assert 1 == len({one.task.task_id for one in added})
    assert 49 == sum(one.replayed for one in added)
    assert 1 == (await repository.find(TaskFilter(), Paging())).total


async def test_a_replay_shows_the_task_as_it_is_now(repository):
    """A replay succeeds although the queue is full, and has the task's present status."""
    task = a_task()
    await repository.add(task, queue_size=1, claim=a_claim())
    await add(repository, a_task())
    await repository.save(task.fence, task=task.cancel(NOW))

    replay = await repository.add(a_task(), queue_size=0, claim=a_claim())

    assert (True, TaskStatus.CANCELLED) == (replay.replayed, replay.task.status)


async def test_a_key_belongs_to_one_body(repository):
    """The same key with another body is refused, and nothing is stored."""
    await repository.add(a_task(), queue_size=9, claim=a_claim())

    with pytest.raises(IdempotencyKeyReused):
        await repository.add(a_task(), queue_size=9, claim=a_claim(body="bb"))
    assert 1 == (await repository.find(TaskFilter(), Paging())).total


async def test_scopes_part_keys(repository):
    """The same key in another scope is a different key."""
    await repository.add(a_task(), queue_size=9, claim=a_claim())

    other = await repository.add(a_task(), queue_size=9, claim=a_claim(body="bb", scope="other"))

    assert not other.replayed


async def test_a_refused_add_does_not_use_up_its_key(repository):
    """After the queue was full, the same key creates the task later."""
    with pytest.raises(QueueFull):
        await repository.add(a_task(), queue_size=0, claim=a_claim())

    added = await repository.add(a_task(), queue_size=1, claim=a_claim())

    assert not added.replayed


async def test_an_expired_key_can_be_used_again(repository):
    """An expired key creates a new task, whatever the body, and is valid for a day again."""
    await repository.add(a_task(), queue_size=9, claim=a_claim())
    tomorrow = NOW + timedelta(days=1)
    claim = attrs.evolve(a_claim(body="bb"), expires_at=tomorrow + timedelta(days=1))
    task = a_task(created_at=tomorrow)

    first = await repository.add(task, queue_size=9, claim=claim)
    second = await repository.add(a_task(created_at=tomorrow), queue_size=9, claim=claim)

    assert (False, True) == (first.replayed, second.replayed)
    assert task.task_id == second.task.task_id


async def test_a_new_key_made_nothing(keys):
    """There is nothing to replay."""
    assert await keys.replay(a_claim(), now=NOW) is None


async def test_a_used_key_gives_its_task_as_it_is_now(repository, keys):
    """The task is returned in its present state, not as it was created."""
    task = a_task()
    await repository.add(task, queue_size=9, claim=a_claim())
    await repository.save(task.fence, task=task.cancel(later(1)))

    replayed = await keys.replay(a_claim(), now=NOW)

    assert replayed is not None
    assert (task.task_id, "cancelled") == (replayed.task_id, replayed.status)


async def test_another_body_is_refused(repository, keys):
    """A key belongs to one body."""
    await repository.add(a_task(), queue_size=9, claim=a_claim())

    with pytest.raises(IdempotencyKeyReused):
        await keys.replay(a_claim(body="bb"), now=NOW)


async def test_a_claim_without_a_body_finds_the_task_of_its_key(repository, keys):
    """Whatever its body was; a key that only begins alike is another."""
    task = a_task()
    await repository.add(task, queue_size=9, claim=a_claim())
    claims = [attrs.evolve(a_claim(key=key), body_sha256=None) for key in ("k1", "k", "k11")]

    replays = [await keys.replay(claim, now=NOW) for claim in claims]

    assert [task.task_id, None, None] == [replay and replay.task_id for replay in replays]


async def test_scopes_are_apart(repository, keys):
    """The same key in another scope is a different key."""
    await repository.add(a_task(), queue_size=9, claim=a_claim())

    assert await keys.replay(a_claim(scope="other"), now=NOW) is None


async def test_an_expired_key_is_new_again(repository, keys):
    """A day later the key may be used for another request."""
    await repository.add(a_task(), queue_size=9, claim=a_claim())

    assert await keys.replay(a_claim(), now=later(86_400)) is None


async def test_keys_with_a_beginning_tell_what_they_made(repository, keys):
    """The newest come first, in their present state; keys with other prefixes or scopes are ignored."""
    tasks = [a_task() for _ in range(4)]
    for task, key in zip(tasks, ("a.1", "a.2", "ab.3", "b.4"), strict=True):
        await repository.add(task, queue_size=9, claim=a_claim(key, body=key))
    await repository.add(a_task(), queue_size=9, claim=a_claim("a.9", scope="other"))
    await repository.save(tasks[0].fence, task=tasks[0].cancel(later(1)))

    keyed_tasks = await keys.keys(a_claim().scope, "a.", now=NOW)

    assert [tasks[1].task_id, tasks[0].task_id] == [keyed.task_id for keyed in keyed_tasks]
    assert [("a.2", "pending"), ("a.1", "cancelled")] == [
        (k.key, (await repository.get(k.task_id)).status) for k in keyed_tasks
    ]


async def test_expired_keys_made_nothing(repository, keys):
    """Expired keys are not returned, whatever their prefix."""
    await repository.add(a_task(), queue_size=9, claim=a_claim("a.1"))

    assert () == await keys.keys(a_claim().scope, "a.", now=later(86_400))


async def test_no_more_than_twenty_are_returned(repository, keys):
    """The newest twenty are returned."""
    tasks = [a_task() for _ in range(22)]
    for number, task in enumerate(tasks):
        await repository.add(task, queue_size=99, claim=a_claim(f"a.{number}"))

    keyed_tasks = await keys.keys(a_claim().scope, "a.", now=NOW)

    assert [task.task_id for task in reversed(tasks[2:])] == [keyed.task_id for keyed in keyed_tasks]


async def test_keys_are_unanswered_until_they_are_marked(repository, keys):
    """The oldest come first; keys with other prefixes or scopes are ignored."""
    tasks = [a_task() for _ in range(4)]
    for task, key in zip(tasks, ("a.2", "a.1", "a.3", "ab.4"), strict=True):
        await repository.add(task, queue_size=9, claim=a_claim(key, body=key))
    await repository.add(a_task(), queue_size=9, claim=a_claim("a.9", scope="other"))
    for _ in range(2):
        await keys.mark_answered(tasks[1].task_id, at=later(1))

    unanswered = await keys.keys(a_claim().scope, "a.", now=NOW, unanswered_since=NOW)

    assert [("a.2", tasks[0].task_id), ("a.3", tasks[2].task_id)] == [(k.key, k.task_id) for k in unanswered]


async def test_what_ended_earlier_is_not_among_the_unanswered(repository, keys):
    """Nor are expired keys."""
    for second in range(3):
        task = a_task()
        await repository.add(task, queue_size=9, claim=a_claim(f"a.{second}"))
        await repository.save(task.fence, task=task.cancel(later(second)))

    async def unanswered_keys(now, ended_since):
        since = later(ended_since)
        unanswered = await keys.keys(a_claim().scope, "a.", now=later(now), unanswered_since=since)
        return [unanswered_key.key for unanswered_key in unanswered]

    assert [["a.1", "a.2"], [], []] == [
        await unanswered_keys(9, 0),
        await unanswered_keys(9, 2),
        await unanswered_keys(86_400, 0),
    ]


async def test_a_task_without_a_key_may_be_answered(repository, keys):
    """Marking it changes nothing, and an unknown task is no error."""
    await repository.add(a_task(), queue_size=9, claim=a_claim("a.1"))
    await keys.mark_answered(a_task().task_id, at=NOW)

    unanswered = await keys.keys(a_claim().scope, "a.", now=NOW, unanswered_since=NOW)

    assert ["a.1"] == [unanswered_key.key for unanswered_key in unanswered]


async def test_a_key_used_again_after_its_time_is_unanswered(repository, keys):
    """The new task has not been answered yet."""
    for day in range(2):
        task = a_task(created_at=later(day * 86_400))
        claim = attrs.evolve(a_claim("a.1"), expires_at=later((day + 1) * 86_400))
        await repository.add(task, queue_size=9, claim=claim)
        if day == 0:
            await keys.mark_answered(task.task_id, at=later(1))

    unanswered = await keys.keys(a_claim().scope, "a.", now=later(86_400), unanswered_since=NOW)

    assert ["a.1"] == [unanswered_key.key for unanswered_key in unanswered]


async def test_lists_are_newest_first(repository):
    """Pages divide the list without gaps; has_more is false on the last one; totals count all."""
    tasks = [a_task() for _ in range(5)]
    await add(repository, *tasks)

    pages = [await repository.find(TaskFilter(), Paging(page=n, page_size=2)) for n in (1, 2, 3, 4)]

    assert [[4, 3], [2, 1], [0], []] == [[tasks.index(t) for t in page.items] for page in pages]
    assert [True, True, False, False] == [page.has_more for page in pages]
    assert [(5, True)] * 4 == [(page.total, page.total_is_exact) for page in pages]


async def test_a_cursor_goes_on_where_the_page_ended(repository):
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


async def test_tasks_are_counted_by_status(repository):
    """Each status has its number, from the first on, and a task counts where it is now."""
    none = await repository.counts()
    cat, dog, owl = a_task("cat"), a_task("dog"), a_task("owl")
    await add(repository, cat, dog, owl)
    await repository.save(owl.fence, task=owl.cancel(NOW))

    counts = await repository.counts()

    assert dict.fromkeys(TaskStatus, 0) == dict(none)
    assert {**none, TaskStatus.PENDING: 2, TaskStatus.CANCELLED: 1} == dict(counts)


async def test_filters_combine(repository):
    """Status and provider both restrict the list and its total."""
    cat, dog, owl = a_task("cat"), a_task("dog", provider_name="other"), a_task("owl")
    await add(repository, cat, dog, owl)
    await repository.save(owl.fence, task=owl.cancel(NOW))

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


async def test_totals_are_exact_up_to_ten_thousand(repository):
    """A total of 10,000 is exact; with one more task it only means "at least"."""
    await asyncio.gather(*(repository.add(a_task(), queue_size=20_000) for _ in range(10_000)))
    exact = await repository.find(TaskFilter(provider_name="demo"), Paging())
    await add(repository, a_task())

    beyond = await repository.find(TaskFilter(), Paging(page=501))

    assert (10_000, True) == (exact.total, exact.total_is_exact)
    assert (10_000, False, 1) == (beyond.total, beyond.total_is_exact, len(beyond.items))


async def test_orphans_are_tasks_of_owners_that_are_not_alive(repository):
    """Processing tasks of dead owners are returned, oldest first; pending and ended ones are not."""
    mine, waiting, ended, old, older = (a_task() for _ in range(5))
    await add(repository, older, mine, waiting, ended, old)
    await repository.save(old.fence, task=old.claim("dead", NOW))
    await repository.save(older.fence, task=older.claim("long dead", NOW))
    await repository.save(mine.fence, task=mine.claim("me", NOW))
    await repository.save(ended.fence, task=ended.claim("dead", NOW).complete(NOW))

    orphans = await repository.orphans(alive=["me", "another"], running=[])

    assert [older.task_id, old.task_id] == [task.task_id for task in orphans]


async def test_what_runs_is_no_orphan(repository):
    """A task that is running is left out, whoever owns it."""
    running, given_up = a_task(), a_task()
    await add(repository, running, given_up)
    await repository.save(running.fence, task=running.claim("me", NOW))
    await repository.save(given_up.fence, task=given_up.claim("me", NOW))

    orphans = await repository.orphans(alive=[], running=[running.task_id, "unknown"])

    assert [given_up.task_id] == [task.task_id for task in orphans]


async def test_a_new_task_is_a_change(feed, repository):
    """From the end on, only what comes later is shown."""
    await _add(repository, "before")
    end = (await feed.changes()).position
    await _add(repository, "cat", "dog")

    assert ["cat", "dog"] == await _prompts(feed, end)
    assert [] == await _prompts(feed, (await feed.changes()).position)


async def test_a_task_stands_at_its_latest_change(feed, repository):
    """Once, as it is now."""
    end = (await feed.changes()).position
    cat, _ = await _add(repository, "cat", "dog")
    await repository.save(cat.fence, task=cat.cancel(NOW))

    page = await feed.changes(end, limit=99)

    assert [("dog", "pending"), ("cat", "cancelled")] == [
        (change.task.request.prompt, change.task.status) for change in page.changes
    ]


async def test_an_image_is_a_change(feed, repository):
    """Also one that is stored while others are still being made."""
    cat, _ = await _add(repository, "cat", "dog")
    end = (await feed.changes()).position
    attempt = an_attempt(cat)
    await repository.save(cat.fence, attempts=(attempt,), images=(an_image(attempt),))

    assert ["cat"] == await _prompts(feed, end)


async def test_a_page_goes_on_where_the_one_before_ended(feed, repository):
    """Until there is no more, and what changes meanwhile comes at the end."""
    position, shown, more = (await feed.changes()).position, list[str](), True
    await _add(repository, *"abcde")
    while more:
        page = await feed.changes(position, limit=2)
        shown += [change.task.request.prompt for change in page.changes]
        position, more = page.position, page.has_more
    await _add(repository, "f")

    assert list("abcde") == shown
    assert ["f"] == await _prompts(feed, position)


async def test_the_feed_goes_on_behind_each_task(feed, repository):
    """What stood before it is not shown again, and nothing behind it is missed."""
    end = (await feed.changes()).position
    await _add(repository, *"abc")

    page = await feed.changes(end, limit=99)

    assert ["bc", "c", ""] == ["".join(await _prompts(feed, change.position)) for change in page.changes]


async def test_a_position_beyond_the_end_is_the_end(feed, repository):
    """A database may have been restored since it was told."""
    await _add(repository, "before")
    page = await feed.changes(2**62, limit=9)
    await _add(repository, "after")

    assert ((), False) == (page.changes, page.has_more)
    assert ["after"] == await _prompts(feed, page.position)


async def test_expired_keys_are_purged(repository, rows):
    """Adding a task with a key removes expired keys."""
    for key, moment in (("k0", later(0)), ("k1", later(60))):
        claim = attrs.evolve(a_claim(key), expires_at=moment + timedelta(seconds=60))
        await repository.add(a_task(created_at=moment), queue_size=9, claim=claim)

    assert [("k1",)] == await rows("SELECT key FROM idempotency_keys")
