"""How many calls of one provider are in flight, and which of those that wait is the next."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class SlotsClosed(Exception):
    """The service stops: a call that still waited for its turn does not get one."""


class ProviderSlots:
    """Bounds the calls of each provider in flight; they begin in the order in which their tasks did."""

    def __init__(self, *, default_limit: int) -> None:
        self.default_limit = default_limit
        self.closed = False
        self._in_flight: Counter[str] = Counter()
        self._tickets: dict[str, list[Ticket]] = {}

    @contextmanager
    def ticket(self, provider_name: str) -> "Iterator[Ticket]":
        """Put a running task in its provider's line, behind those that came before, until it is through."""
        line = self._tickets.setdefault(provider_name, [])
        ticket = Ticket(self, provider_name)
        line.append(ticket)
        try:
            yield ticket
        finally:
            line.remove(ticket)
            if not line:
                del self._tickets[provider_name]
            self.admit(provider_name)

    def admit(self, provider_name: str) -> None:
        """Let begin what may begin now: nothing before its elders, of which one may not be ready yet."""
        for ticket in self._tickets.get(provider_name, ()):
            while ticket.waiting and self._in_flight[provider_name] < ticket.limit:
                permit = ticket.waiting.popleft()
                if not permit.done():
                    self._in_flight[provider_name] += 1
                    permit.set_result(None)
            if ticket.waiting or not ticket.ready:
                return

    def end_call(self, provider_name: str) -> None:
        """Take a call out of those in flight, and let the next begin."""
        self._in_flight[provider_name] -= 1
        if not self._in_flight[provider_name]:
            del self._in_flight[provider_name]
        self.admit(provider_name)

    def close(self) -> None:
        """Let no further call begin; those in flight go on."""
        self.closed = True
        for ticket in (ticket for line in self._tickets.values() for ticket in line):
            while ticket.waiting:
                permit = ticket.waiting.popleft()
                if not permit.done():
                    permit.set_exception(SlotsClosed())


class Ticket:
    """A running task's place in its provider's line; younger tasks wait until it has begun its calls."""

    def __init__(self, slots: ProviderSlots, provider_name: str) -> None:
        self._slots = slots
        self._provider_name = provider_name
        self.limit = slots.default_limit
        self.ready = False
        self.waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def call(self, limit: int | None) -> AsyncIterator[None]:
        """Hold one of the provider's calls in flight, of which there may be ``limit``; waits for one.

        Raises:
            SlotsClosed: no call begins any more.
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
            yield
        finally:
            self._slots.end_call(self._provider_name)

    def yield_turn(self) -> None:
        """Let younger tasks begin as well; all calls of this one that begin now are still before them."""
        self.ready = True
        # Soon, not now: calls that begin together come one after the other in this turn of the loop.
        asyncio.get_running_loop().call_soon(self._slots.admit, self._provider_name)
