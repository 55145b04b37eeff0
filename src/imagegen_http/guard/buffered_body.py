"""A request's body, for as long as the application needs it."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from imagegen_http.asgi.types import Scope
from imagegen_http.guard.body_budget import BodyBudget, BodyLease
from imagegen_http.guard.json_outline import Outline, Text

T = TypeVar("T")

MAX_INLINE_READ_BYTES = 16 * 1024
"""Bytes of a body that the event loop may read itself; a larger one is read in a thread."""

_KEY = "imagegen.body"


class BufferedBody:
    """One body, in memory once. ``text`` is empty and ``outline`` says nothing once it was released.

    Args:
        text: all of it.
        lease: its share of the memory for bodies.
        thread: reads large bodies, one after the other, so that only one is in memory twice.
    """

    def __init__(
        self, text: Text, *, lease: BodyLease | None = None, thread: ThreadPoolExecutor | None = None
    ) -> None:
        self.lease = lease or BodyBudget(len(text)).lease()
        self._thread = thread
        self._slots: asyncio.Semaphore | None = None
        self.fill(text)

    def fill(self, text: Text) -> None:
        """Hold this body from now on."""
        self.text = text
        self.outline = Outline(text=text)

    @classmethod
    def from_scope(cls, scope: Scope) -> "BufferedBody":
        """Return the body of the request that the guard let pass; an empty one without a guard."""
        buffered_body: BufferedBody | None = scope.get(_KEY)
        return cls(b"") if buffered_body is None else buffered_body

    def attach_to(self, scope: Scope) -> None:
        """Let the application find it."""
        scope[_KEY] = self

    async def acquire_slot(self, slots: asyncio.Semaphore) -> None:
        """Wait until few others are being made something of, which takes several times their size."""
        await slots.acquire()
        self._slots = slots

    async def read(self, reading: Callable[[], T]) -> T:
        """Return what ``reading`` makes of the body, which it may do in a thread."""
        if len(self.text) <= MAX_INLINE_READ_BYTES:
            return reading()
        return await asyncio.get_running_loop().run_in_executor(self._thread, reading)

    def drop(self) -> None:
        """Forget the bytes; what was made of them has their share of the memory.

        They are gone at once, although frames of a traceback may refer to them for a while.
        """
        if isinstance(self.text, bytearray):
            with contextlib.suppress(BufferError):  # a thread reads it; it is forgotten when that ends
                self.text.clear()
        self.text = b""
        self.outline = Outline(text=b"")
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()

    def release(self) -> None:
        """Let go of the body and of its share: nothing that was made of it is kept."""
        self.drop()
        self.lease.release()
