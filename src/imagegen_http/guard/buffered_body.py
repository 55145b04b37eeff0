"""A request's body in memory, for as long as the application needs it."""

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
"""The largest body that is parsed on the event loop; a larger one is parsed in a thread."""

_KEY = "imagegen.body"


class BufferedBody:
    """One body, in memory only once. After its release, ``text`` and ``outline`` are empty.

    Args:
        text: the complete body.
        lease: its part of the memory budget.
        thread: parses large bodies one after the other, so that only one of them is in memory twice.
    """

    def __init__(
        self, text: Text, *, lease: BodyLease | None = None, thread: ThreadPoolExecutor | None = None
    ) -> None:
        self.lease = lease or BodyBudget(len(text)).lease()
        self._thread = thread
        self._slots: asyncio.Semaphore | None = None
        self.fill(text)

    def fill(self, text: Text) -> None:
        """Set the body."""
        self.text = text
        self.outline = Outline(text=text)

    @classmethod
    def from_scope(cls, scope: Scope) -> "BufferedBody":
        """Return the body that the guard attached to the scope; an empty one without a guard."""
        body: BufferedBody | None = scope.get(_KEY)
        return cls(b"") if body is None else body

    def attach_to(self, scope: Scope) -> None:
        """Attach the body to the scope, where `from_scope` finds it."""
        scope[_KEY] = self

    async def acquire_slot(self, slots: asyncio.Semaphore) -> None:
        """Wait for a slot, which `drop` releases: a body that is parsed takes several times its size."""
        await slots.acquire()
        self._slots = slots

    async def read(self, reading: Callable[[], T]) -> T:
        """Return the result of ``reading``, which runs in a thread when the body is large."""
        if len(self.text) <= MAX_INLINE_READ_BYTES:
            return reading()
        return await asyncio.get_running_loop().run_in_executor(self._thread, reading)

    def drop(self) -> None:
        """Discard the bytes but keep the lease, for the values that were parsed from them.

        The memory is freed at once, although frames of a traceback may refer to the body for a while.
        """
        if isinstance(self.text, bytearray):
            with contextlib.suppress(BufferError):  # a thread still reads it; it is freed when that ends
                self.text.clear()
        self.text = b""
        self.outline = Outline(text=b"")
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()

    def release(self) -> None:
        """Discard the body and return its lease: nothing that was parsed from it is in use any more."""
        self.drop()
        self.lease.release()
