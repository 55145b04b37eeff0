"""Events are delivered in order, from any of them on: those of the queue of a store, or of two nodes."""

import asyncio

import attrs
import pytest

from imagegen_core.errors import Failure, FailureCode, StaleTask
from imagegen_core.task import EventKind, image_event, last_event
from tests.contracts.samples import NOW, a_task, an_attempt, an_event, an_image, collect, later

pytestmark = pytest.mark.anyio


async def test_a_task_is_stored_with_its_last_event(bus, repository):
    """The final event is stored with the task's end, so subscribers get it whatever happens next."""
    completed, failed, cancelled = tasks = [a_task() for _ in range(3)]
    for task in tasks:
        await repository.add(task, queue_size=9)
    first = await bus.publish(an_event(failed.task_id))
    running = failed.claim("me", NOW)
    await repository.save(failed.fence, task=running)
    failure = Failure(FailureCode.TIMEOUT, "no answer")
    ends = [
        completed.claim("me", NOW).complete(later(1)),
        running.fail(later(2), failure),
        cancelled.cancel(later(3)),
    ]
    for end, before in zip(ends, (completed, running, cancelled), strict=True):
        await repository.save(before.fence, task=end)

    events = [await collect(bus, task.task_id) for task in tasks]

    assert [1, 2, 1] == [len(each) for each in events]
    assert first.id < events[1][-1].id == await bus.last_event_id(failed.task_id)
    assert [last_event(end) for end in ends] == [attrs.evolve(each[-1], id=0) for each in events]
    assert ("timeout", later(2)) == (events[1][-1].data["error"], events[1][-1].at)


async def test_an_end_that_is_refused_has_no_event(bus, repository):
    """A task has one end and one final event, and no image of a worker that lost it follows."""
    task = a_task()
    await repository.add(task, queue_size=9)
    attempt = an_attempt(task)
    await repository.save(task.fence, task=task.cancel(NOW))

    with pytest.raises(StaleTask):
        await repository.save(task.fence, task=task.claim("me", NOW).complete(NOW))
    with pytest.raises(StaleTask):
        await repository.save(task.fence, attempts=(attempt,), images=(an_image(attempt),))

    assert [EventKind.CANCELLED] == [event.kind for event in await collect(bus, task.task_id)]


async def test_images_are_stored_with_their_events(bus, repository):
    """One for each image, once, however often its attempt is stored; a subscriber is told of them."""
    task = a_task()
    await repository.add(task, queue_size=9)
    attempt = an_attempt(task)
    two, three = (tuple(an_image(attempt, position=n) for n in range(number)) for number in (2, 3))
    subscription = bus.events(task.task_id)

    waiting = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0)
    await repository.save(task.fence, attempts=(attempt,), images=two)
    await bus.notify(task.task_id)
    first = await asyncio.wait_for(waiting, 60)
    images = await repository.save(task.fence, attempts=(attempt,), images=three)
    await repository.save(task.fence, attempts=(attempt,))
    await repository.save(task.fence, task=task.cancel(NOW))
    rest = [event async for event in bus.events(task.task_id, after=first.id)]
    await subscription.aclose()  # type: ignore[attr-defined] # an asynchronous generator

    assert [image_event(image) for image in images] == [attrs.evolve(e, id=0) for e in (first, *rest[:-1])]
    assert EventKind.CANCELLED is rest[-1].kind


async def test_an_image_that_is_stored_with_the_end_comes_before_it(bus, repository):
    """Nothing follows the final event."""
    task = a_task()
    await repository.add(task, queue_size=9)
    attempt = an_attempt(task)

    await repository.save(task.fence, task=task.cancel(NOW), attempts=(attempt,), images=(an_image(attempt),))

    assert [EventKind.IMAGE, EventKind.CANCELLED] == [event.kind async for event in bus.events(task.task_id)]


async def test_subscribers_get_a_stored_end(bus, repository):
    """All earlier subscribers get the final event."""
    task = a_task()
    await repository.add(task, queue_size=9)
    watching = [asyncio.create_task(collect(bus, task.task_id)) for _ in range(2)]
    await asyncio.sleep(0)

    await repository.save(task.fence, task=task.cancel(NOW))
    await bus.notify(task.task_id)

    assert [[EventKind.CANCELLED]] * 2 == [[e.kind for e in await each] for each in watching]


async def test_a_follower_hears_of_his_task(bus):
    """He is told that there is something new, whoever stored it, and nothing of other tasks."""
    with bus.follow("a") as changed, bus.follow("b") as other:
        await bus.publish(an_event("a"))
        async with asyncio.timeout(60):
            await changed.wait()

        assert not other.is_set()


async def test_ids_grow(bus):
    """Every event gets a greater id than all before it, across tasks; its other fields are unchanged."""
    events = [await bus.publish(an_event(task, progress=0.5)) for task in ("a", "b", "a")]

    assert 0 < events[0].id < events[1].id < events[2].id
    assert {"progress": 0.5} == dict(events[0].data)


async def test_last_id_is_the_tasks_own(bus):
    """A task without events has 0, others the id of their latest event."""
    first = await bus.publish(an_event("a"))
    await bus.publish(an_event("b"))

    assert (first.id, 0) == (await bus.last_event_id("a"), await bus.last_event_id("c"))


async def test_a_late_subscriber_gets_all(bus):
    """Stored events of this task are replayed in order, and the final one ends the stream."""
    first = await bus.publish(an_event("a", progress=0.1))
    await bus.publish(an_event("b", EventKind.FAILED))
    second = await bus.publish(an_event("a", EventKind.IMAGE, image={"id": 7, "prompt": "猫"}))
    last = await bus.publish(an_event("a", EventKind.COMPLETED))

    assert [first, second, last] == await collect(bus, "a")


async def test_a_subscriber_goes_on_after_an_id(bus):
    """Events up to the given id are not replayed."""
    first = await bus.publish(an_event("a"))
    last = await bus.publish(an_event("a", EventKind.CANCELLED))

    assert [last] == await collect(bus, "a", after=first.id)


async def test_nothing_follows_the_final_event(bus):
    """A subscription after the final event ends at once."""
    last = await bus.publish(an_event("a", EventKind.FAILED))

    assert [] == await collect(bus, "a", after=last.id)


async def test_subscribers_get_events_as_they_happen(bus):
    """Several subscribers of a task each get all its events."""
    watching = [asyncio.create_task(collect(bus, "a")) for _ in range(3)]
    await asyncio.sleep(0)
    published = [await bus.publish(an_event("a", progress=n / 10)) for n in range(5)]
    published.append(await bus.publish(an_event("a", EventKind.COMPLETED)))

    assert [published] * 3 == await asyncio.gather(*watching)


async def test_a_subscriber_that_leaves_disturbs_no_other(bus):
    """Other subscribers and publishing are not affected."""
    leaving = asyncio.create_task(collect(bus, "a"))
    staying = asyncio.create_task(collect(bus, "a"))
    await bus.publish(an_event("a"))
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)

    last = await bus.publish(an_event("a", EventKind.COMPLETED))

    assert last == (await staying)[-1]


async def test_long_histories_come_whole(bus):
    """More events than fit into one read are delivered in order, none twice."""
    published = await asyncio.gather(*(bus.publish(an_event("a", n=n)) for n in range(1200)))
    last = await bus.publish(an_event("a", EventKind.COMPLETED))

    assert [*sorted(event.id for event in published), last.id] == [e.id for e in await collect(bus, "a")]
