"""Limits on the calls in flight to each provider, granted in the order in which their tasks started."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext

from imagegen_core.ports.slots import Slots


class SlotsClosed(Exception):
    """The service is stopping: a call that still waited for a slot does not get one."""


class ProviderSlots:
    """Bounds this node's calls in flight to each provider; they start in the order in which their tasks did.

    ``places`` bounds those of all nodes together. ``default_limit`` is for providers without a limit of their
    own, to which each node makes calls without regard to the others.
    """

    def __init__(self, *, default_limit: int, places: Slots, node: str) -> None:
        self.default_limit = default_limit
        self.places = places
        self.node = node
        self.closed = False
        self._in_flight: Counter[str] = Counter()
        self._tickets: dict[str, list[Ticket]] = {}

    @contextmanager
    def ticket(self, provider_name: str) -> "Iterator[Ticket]":
        """Queue a running task for its provider's slots, behind earlier tasks, until the body ends."""
        tickets = self._tickets.setdefault(provider_name, [])
        ticket = Ticket(self, provider_name)
        tickets.append(ticket)
        try:
            yield ticket
        finally:
            tickets.remove(ticket)
            if not tickets:
                del self._tickets[provider_name]
            self.admit(provider_name)

    def admit(self, provider_name: str) -> None:
        """Start the calls that have a slot, in the order of their tickets; stop at one that is not ready."""
        for ticket in self._tickets.get(provider_name, ()):
            while ticket.waiting and self._in_flight[provider_name] < ticket.limit:
                permit = ticket.waiting.popleft()
                if not permit.done():
                    self._in_flight[provider_name] += 1
                    permit.set_result(None)
            if ticket.waiting or not ticket.ready:
                return

    def end_call(self, provider_name: str) -> None:
        """Free the slot of a call, and start the next one."""
        self._in_flight[provider_name] -= 1
        if not self._in_flight[provider_name]:
            del self._in_flight[provider_name]
        self.admit(provider_name)

    def close(self) -> None:
        """Start no further call; those in flight continue."""
        self.closed = True
        for ticket in (ticket for tickets in self._tickets.values() for ticket in tickets):
            while ticket.waiting:
                permit = ticket.waiting.popleft()
                if not permit.done():
                    permit.set_exception(SlotsClosed())


class Ticket:
    """A running task's place in its provider's queue; younger tasks wait until its calls have started."""

    def __init__(self, slots: ProviderSlots, provider_name: str) -> None:
        self._slots = slots
        self._provider_name = provider_name
        self.limit = slots.default_limit
        self.ready = False
        self.waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def call(self, limit: int | None) -> AsyncIterator[None]:
        """Wait for one of the provider's ``limit`` slots, and hold it for the body.

        Raises:
            SlotsClosed: no further call may start.
        """
        if self._slots.closed:
            raise SlotsClosed
        self.limit = limit or self._slots.default_limit
        permit = asyncio.get_running_loop().create_future()
        self.waiting.append(permit)
        self.yield_turn()
        try:
            await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled() and permit.exception() is None:
                self._slots.end_call(self._provider_name)
            raise
        try:
            async with self._place(limit):
                if self._slots.closed:
                    raise SlotsClosed  # meanwhile
                yield
        finally:
            self._slots.end_call(self._provider_name)

    def _place(self, limit: int | None) -> AbstractAsyncContextManager[None]:
        """Return the place among the calls of all nodes, for which others may have to end theirs first."""
        if limit is None:
            return nullcontext()
        return self._slots.places.hold(self._provider_name, node=self._slots.node, limit=limit)

    def yield_turn(self) -> None:
        """Let younger tasks start their calls too; those that this task starts now still come first."""
        self.ready = True
        # Soon, not now: calls that start together queue up one after the other in this turn of the event
        # loop.
        asyncio.get_running_loop().call_soon(self._slots.admit, self._provider_name)
