"""What every event bus promises, as tests to subclass.

A subclass gives the fixture ``bus``, an empty one::

    class TestMyBus(EventBusContract):
        @pytest.fixture
        def bus(self):
            return MyEventBus()
"""

import asyncio

import pytest

from imagegen_adapters.testing.samples import an_event
from imagegen_core.events import EventKind, TaskEvent
from imagegen_core.ports.event_bus import EventBus


async def collect(bus: EventBus, task_id: str, *, after: int = 0) -> list[TaskEvent]:
    """Return all events of a task up to its final one."""
    async with asyncio.timeout(5):
        return [event async for event in bus.subscribe(task_id, after=after)]


class EventBusContract:
    """Events in order, from any of them on."""

    @pytest.fixture
    def bus(self) -> EventBus:
        """Return the empty bus under test."""
        raise NotImplementedError

    async def test_ids_grow(self, bus: EventBus) -> None:
        """Every event gets a greater id than those before, over all tasks; the rest of it is kept."""
        events = [await bus.publish(an_event(task, progress=0.5)) for task in ("a", "b", "a")]

        assert 0 < events[0].id < events[1].id < events[2].id
        assert {"progress": 0.5} == dict(events[0].data)

    async def test_last_id_is_the_tasks_own(self, bus: EventBus) -> None:
        """A task without events has 0; others the id of their latest."""
        first = await bus.publish(an_event("a"))
        await bus.publish(an_event("b"))

        assert (first.id, 0) == (await bus.last_id("a"), await bus.last_id("c"))

    async def test_a_late_subscriber_gets_all(self, bus: EventBus) -> None:
        """Kept events come in order, of this task only, and the final one ends the stream."""
        first = await bus.publish(an_event("a", progress=0.1))
        await bus.publish(an_event("b", EventKind.FAILED))
        second = await bus.publish(an_event("a", EventKind.IMAGE, image={"id": 7, "prompt": "猫"}))
        last = await bus.publish(an_event("a", EventKind.COMPLETED))

        assert [first, second, last] == await collect(bus, "a")

    async def test_a_subscriber_goes_on_after_an_id(self, bus: EventBus) -> None:
        """What was seen already is not sent again."""
        first = await bus.publish(an_event("a"))
        last = await bus.publish(an_event("a", EventKind.CANCELLED))

        assert [last] == await collect(bus, "a", after=first.id)

    async def test_nothing_follows_the_final_event(self, bus: EventBus) -> None:
        """Who has seen the final event is not kept waiting."""
        last = await bus.publish(an_event("a", EventKind.FAILED))

        assert [] == await collect(bus, "a", after=last.id)

    async def test_subscribers_get_events_as_they_happen(self, bus: EventBus) -> None:
        """Several who watch the same task all see everything."""
        watching = [asyncio.create_task(collect(bus, "a")) for _ in range(3)]
        await asyncio.sleep(0)
        published = [await bus.publish(an_event("a", progress=n / 10)) for n in range(5)]
        published.append(await bus.publish(an_event("a", EventKind.COMPLETED)))

        assert [published] * 3 == await asyncio.gather(*watching)

    async def test_a_subscriber_that_leaves_disturbs_nobody(self, bus: EventBus) -> None:
        """Others go on, and publishing goes on."""
        leaving = asyncio.create_task(collect(bus, "a"))
        staying = asyncio.create_task(collect(bus, "a"))
        await bus.publish(an_event("a"))
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)

        last = await bus.publish(an_event("a", EventKind.COMPLETED))

        assert last == (await staying)[-1]

    async def test_long_histories_come_whole(self, bus: EventBus) -> None:
        """More events than fit one reading come in order, none twice."""
        published = await asyncio.gather(*(bus.publish(an_event("a", n=n)) for n in range(1200)))
        last = await bus.publish(an_event("a", EventKind.COMPLETED))

        assert [*sorted(event.id for event in published), last.id] == [e.id for e in await collect(bus, "a")]
