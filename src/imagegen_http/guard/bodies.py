"""The body of a request, read within its limits and held for as long as the application needs it."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from imagegen_http.asgi.types import Message, Receive, Scope
from imagegen_http.guard.body_budget import BodyBudget, BodyLease
from imagegen_http.guard.content_headers import accepted_types, content_length, has_wrong_type, max_bytes
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.guard.json_outline import Outline, Text
from imagegen_http.guard.refusals import RequestAborted, RequestRefused
from imagegen_http.guard.rules import GuardRules
from imagegen_http.problems.messages import RequestProblem

T = TypeVar("T")

MAX_INLINE_READ_BYTES = 16 * 1024
"""The largest body that is parsed on the event loop; a larger one is parsed in a thread."""

_LATE_LINGER_SECONDS = 1.0
"""A client that was too slow already is not drained for as long as one that was refused early."""

BODY_ARRIVED = "imagegen.body_arrived"
"""The key in the scope of whether the server had the complete body when it called the application."""

_KEY = "imagegen.body"
_NO_OUTLINE = Outline(text=b"")


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
        self.outline = _NO_OUTLINE
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()

    def release(self) -> None:
        """Discard the body and return its lease: nothing that was parsed from it is in use any more."""
        self.drop()
        self.lease.release()


class IncomingBody:
    """The body of one request: read completely within its limits and replayed, or drained.

    ``has_arrived``: the server has all of it already, so nobody can be slow to send it.
    """

    def __init__(self, request: InboundRequest, receive: Receive, *, has_arrived: bool) -> None:
        self._request = request
        self._receive = receive
        self._has_arrived = has_arrived
        self._has_begun = False
        self._is_complete = False
        self._timed_out = False

    def check_head(self, rules: GuardRules, budget: BodyBudget) -> None:
        """Refuse a body that its head already disqualifies, before any of it is read.

        Raises:
            RequestRefused: the type or the declared size is wrong, or the budget has no room now.
        """
        declared_bytes = content_length(self._request)
        if declared_bytes and has_wrong_type(self._request):
            raise _wrong_type(self._request)
        limit = max_bytes(self._request, rules)
        if declared_bytes is not None and declared_bytes > limit:
            raise RequestRefused("body_too_large", {"max_bytes": limit})
        if declared_bytes is not None and not budget.has_room(declared_bytes):
            raise _no_room()

    async def read(self, rules: GuardRules, lease: BodyLease) -> bytearray:
        """Return the complete body.

        Raises:
            RequestRefused: it is too large, of a wrong type or too slow, or the budget has no room for it.
            RequestAborted: the client disconnected before it was complete.
        """
        if self._has_arrived or not self._has_body():  # a deadline costs as much as all other checks
            return await self._read(max_bytes(self._request, rules), lease)
        try:
            async with asyncio.timeout(rules.body_seconds):
                return await self._read(max_bytes(self._request, rules), lease)
        except TimeoutError as error:
            self._timed_out = True
            raise RequestRefused.for_field(
                "body", RequestProblem.BODY_TOO_SLOW(seconds=rules.body_seconds)
            ) from error

    def replay(self, buffered_body: BufferedBody) -> Receive:
        """Return a ``receive`` that yields this body as one message, and then the server's own messages.

        The message holds a copy; code that reads large bodies uses the `BufferedBody` instead.
        """
        is_replayed = False

        async def receive() -> Message:
            nonlocal is_replayed
            if is_replayed:
                return await self._receive()
            is_replayed = True
            return {"type": "http.request", "body": bytes(buffered_body.text), "more_body": False}

        return receive

    @property
    def must_be_drained(self) -> bool:
        """Whether the client may still send bytes that nobody will read.

        A client that waits for "100 Continue" sends no body after a refusal.
        """
        if self._is_complete or not self._has_body():
            return False
        return self._has_begun or "100-continue" not in self._request.header(b"expect").lower()

    async def drain(self, seconds: float) -> None:
        """Read and discard the rest for at most ``seconds``.

        Closing with unread bytes would reset the connection, and the client would lose the response.
        """
        try:
            async with asyncio.timeout(min(seconds, _LATE_LINGER_SECONDS) if self._timed_out else seconds):
                while not self._is_complete:
                    await self._chunk()
        except (TimeoutError, RequestAborted):
            return

    @property
    def is_unread(self) -> bool:
        """Whether part of the body was not read, so that the connection cannot serve another request."""
        return self._has_body() and not self._is_complete

    def _has_body(self) -> bool:
        length = self._request.header(b"content-length")
        return bool(self._request.header(b"transfer-encoding")) or length not in ("", "0")

    async def _read(self, limit: int, lease: BodyLease) -> bytearray:
        body = bytearray()
        try:
            while not self._is_complete:
                chunk = await self._chunk()
                if chunk and not body and has_wrong_type(self._request):
                    raise _wrong_type(self._request)
                if len(body) + len(chunk) > limit:
                    raise RequestRefused("body_too_large", {"max_bytes": limit})
                if not lease.grow(len(body) + len(chunk)):
                    raise _no_room()
                body += chunk
        except BaseException:
            body.clear()  # the traceback would keep it alive while the rest is drained
            raise
        return body

    async def _chunk(self) -> bytes:
        self._has_begun = True
        message = await self._receive()
        if message["type"] != "http.request":
            raise RequestAborted
        self._is_complete = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _wrong_type(request: InboundRequest) -> RequestRefused:
    return RequestRefused("unsupported_media_type", {"accepted": accepted_types(request.path)})


def _no_room() -> RequestRefused:
    return RequestRefused("unavailable", headers={"retry-after": "5"})
