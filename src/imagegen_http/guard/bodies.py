"""The body of a request: its declared length and type, how it is read within limits and checked."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TypeVar

import attrs

from imagegen_core.limits import MAX_BATCH_BODY_MB, MAX_BATCH_VALUES
from imagegen_core.requests import OPENAI_EDITS, OPERATIONS
from imagegen_http.errors import RequestProblem
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import InboundRequest, Receive, RequestRefused, Scope

T = TypeVar("T")
Text = bytes | bytearray

# ---------------------------------------------------------------- memory for all bodies

MAX_SMALL_BODY_BYTES = 256 * 1024  # no prompt is longer, however its JSON is escaped


class BodyBudget:
    """Memory that all bodies share; a ``reserve`` on top lets prompts through while images are uploaded."""

    def __init__(self, total: int, *, reserve: int = 0) -> None:
        self.free, self.reserve = total, reserve

    def has_room(self, size: int) -> bool:
        return size <= self.free + (self.reserve if size <= MAX_SMALL_BODY_BYTES else 0)


class BodyLease:
    """A request's part of the budget, taken as bytes arrive: declaring a large body reserves nothing."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._common = self._reserved = 0

    def grow(self, size: int) -> bool:
        return self._resize(size, 0) or (size <= MAX_SMALL_BODY_BYTES and self._resize(0, size))

    def release(self) -> None:
        self._resize(0, 0)

    def _resize(self, common: int, reserved: int) -> bool:
        budget = self._budget
        free, reserve = budget.free + self._common - common, budget.reserve + self._reserved - reserved
        if free < 0 or reserve < 0:
            return False
        budget.free, budget.reserve, self._common, self._reserved = free, reserve, common, reserved
        return True


# ---------------------------------------------------------------- what a head says of the body

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
VARIATIONS = "/v1/images/variations"
EDITS = (OPENAI_EDITS, f"{OPENAI_EDITS}/async")
MULTIPART = frozenset({*EDITS, VARIATIONS})  # images are files of a form, as OpenAI's clients send them
UPLOADS = MULTIPART | {rules.path for rules in OPERATIONS.values() if rules.has_input_images}
FORMS = frozenset({"/login", "/logout"})
BATCHES = frozenset({"/api/v1/batches", "/api/v1/batches/estimate"})  # ten thousand prompts
ZIP = "/api/v1/images/zip"  # takes a form, too: a browser downloads the answer without holding it in memory
_ACCEPTED_TYPES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(FORMS, (FORM,)),
    **dict.fromkeys(MULTIPART, (JSON, "multipart/form-data")),
    ZIP: (JSON, FORM),
}
_MAX_FORM_BYTES = 16 * 1024


def media_type(request: InboundRequest) -> str:
    return request.header(b"content-type").partition(";")[0].strip().lower()


def _check_type(request: InboundRequest) -> None:
    """Refuse a type or coding. Foreign pages cannot send JSON without CORS preflight."""
    accepted = _ACCEPTED_TYPES.get(request.path, (JSON,))
    is_coded = request.header(b"content-encoding").lower() not in ("", "identity")
    is_checked = request.is_api or request.path in FORMS
    if is_coded or (is_checked and media_type(request) not in accepted):
        raise RequestRefused("unsupported_media_type", {"accepted": accepted})


def content_length(request: InboundRequest) -> int | None:
    """Return the length, None if chunked. Both headers are refused: request smuggling (RFC 9112, 6.3)."""
    length = request.header(b"content-length")
    if request.header(b"transfer-encoding"):
        if length:
            raise RequestRefused.for_field("body", RequestProblem.TWO_LENGTHS())
        return None
    if not length:
        return 0
    if not (length.isascii() and length.isdigit() and len(length) < 20):  # noqa: PLR2004 - more than 2**64
        raise RequestRefused.for_field("body", RequestProblem.LENGTH_NOT_A_NUMBER())
    return int(length)


# ---------------------------------------------------------------- JSON before it is parsed

MAX_VALUES = 20_000  # the largest configuration of a provider has some thousand
MIN_EXTRACTED_IMAGE_BYTES = 32 * 1024  # shorter data URLs are parsed like any other text
_MAX_OUTLINE_BYTES = 2 * 1024 * 1024
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_IMAGE = re.compile(rb'"(?:data:image|DATA:IMAGE|Data:image)\\?/')
_BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))


@attrs.frozen(kw_only=True)
class Outline:
    """``images`` maps placeholders in ``text`` to start and end of what they replace."""

    text: Text = attrs.field(repr=False)
    images: Mapping[str, tuple[int, int]] = MappingProxyType({})


_NO_OUTLINE = Outline(text=b"")


def outline(
    text: Text,
    *,
    max_depth: int,
    extract_images: bool,
    max_values: int = MAX_VALUES,
    max_bytes: int = _MAX_OUTLINE_BYTES,
) -> Outline:
    """Return what to parse of a JSON text: all but its large images, which stay in the buffer.

    A parser blocks the interpreter and turns sixty megabytes of commas into a gigabyte. So too many levels,
    values or bytes beside images are refused. Invalid JSON is left to the parser. Work on all of the text is
    done in C.
    """
    if len(text) <= MAX_VALUES and text.count(b"[") + text.count(b"{") <= max_depth:
        return Outline(text=text)  # most requests: no room for a large image, or for more of anything
    if text.count(b'"') > (max_quotes := 4 * max_values):
        if text.count(b",") > max_values:
            raise RequestRefused.for_field("body", RequestProblem.TOO_MANY_VALUES(maximum=max_values))
        raise RequestRefused.for_field("body", RequestProblem.TOO_MANY_QUOTES(maximum=max_quotes))
    spans = [*_large_images(text)] if extract_images and len(text) > MIN_EXTRACTED_IMAGE_BYTES else []
    if len(text) - sum(end - start for start, end in spans) > max_bytes:
        raise RequestRefused.for_field("body", RequestProblem.TOO_MUCH_TEXT(maximum=max_bytes))
    prefix, at = f"image-{secrets.token_hex(16)}-", 0
    rest, images = bytearray(), dict[str, tuple[int, int]]()
    for start, end in spans:
        placeholder = f"{prefix}{len(images)}"
        images[placeholder] = start, end
        rest += text[at:start] + placeholder.encode()
        at = end
    rest += text[at:]
    structure = _STRING.sub(b"", rest)
    if sum(structure.count(mark) for mark in (b",", b"[", b"{")) > max_values:
        raise RequestRefused.for_field("body", RequestProblem.TOO_MANY_VALUES(maximum=max_values))
    if is_deeper_than(max_depth, structure):
        raise RequestRefused.for_field("body", RequestProblem.NESTED_TOO_DEEPLY(maximum=max_depth))
    return Outline(text=bytes(rest), images=MappingProxyType(images)) if images else Outline(text=text)


def _large_images(text: Text) -> Iterator[tuple[int, int]]:
    """Yield where strings that are large images begin and end."""
    end = 0  # a quote before `data:` begins a string unless a backslash is before it
    while opening := _IMAGE.search(text, end):
        start = opening.start() + 1
        end = text.find(b'"', start)
        if end < 0:
            return
        is_quoted = b"\\" in (text[start - 2 : start - 1], text[end - 1 : end])
        if end - start > MIN_EXTRACTED_IMAGE_BYTES and not is_quoted:
            yield start, end


def is_deeper_than(limit: int, structure: bytes) -> bool:
    """``structure`` is JSON without its strings, of at most `MAX_VALUES` brackets."""
    marks = structure.translate(_BRACES_AS_BRACKETS, _NOT_BRACKETS)
    for _ in range(limit):
        shorter = marks.replace(b"[]", b"")
        if len(shorter) == len(marks):
            break
        marks = shorter
    return b"[]" in marks or marks.count(b"[") > limit


# ---------------------------------------------------------------- one body

MAX_INLINE_READ_BYTES = 16 * 1024  # parsed on the event loop; a larger body is parsed in a thread
_MAX_CONCURRENT_LARGE_BODIES = 8  # parsed at a time; the others wait
_LATE_LINGER_SECONDS = 1.0  # a client that was too slow already is not drained for long
BODY = "imagegen.body"  # the key of the `BufferedBody` in the scope
BODY_ARRIVED = "imagegen.body_arrived"  # that of whether the server had all of it when it began


class BufferedBody:
    """A body, in memory only once."""

    _thread: ThreadPoolExecutor | None = None

    def __init__(self, text: Text) -> None:
        self._fill(text)

    def _fill(self, text: Text) -> None:
        self.text = text
        self.outline = Outline(text=text) if text else _NO_OUTLINE

    @classmethod
    def from_scope(cls, scope: Scope) -> "BufferedBody":
        """Return the body that the guard attached; an empty one without a guard."""
        body: BufferedBody | None = scope.get(BODY)
        return BufferedBody(b"") if body is None else body

    async def read(self, reading: Callable[[], T]) -> T:
        """Return the result of ``reading``, which runs in the thread for a large body."""
        if len(self.text) <= MAX_INLINE_READ_BYTES:
            return reading()
        return await asyncio.get_running_loop().run_in_executor(self._thread, reading)

    def drop(self) -> None:
        """Discard the bytes but keep their part of the budget, for the values that were parsed from them."""
        if not self.text:
            return
        if isinstance(self.text, bytearray):  # cleared, since frames of a traceback may refer to it
            with contextlib.suppress(BufferError):  # a thread still reads it; it is freed when that ends
                self.text.clear()
        self._fill(b"")

    def release(self) -> None:
        """Discard the body once nothing that was parsed from it is in use."""
        self.drop()


class BodyPool:
    """What all bodies share. The thread parses large ones in turn, so that only one is there twice.

    A slot is for all that is parsed from a large one, which takes several times its size.
    """

    def __init__(self, rules: asgi.GuardRules) -> None:
        self.rules = rules
        self.budget = BodyBudget(
            max(rules.max_bytes_in_flight, rules.max_upload_bytes), reserve=rules.reserved_bytes
        )
        self.slots = asyncio.Semaphore(_MAX_CONCURRENT_LARGE_BODIES)
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="body-reader")


class IncomingBody(BufferedBody):
    """The body of a request: received completely within its limits and replayed, or drained."""

    def __init__(
        self, request: InboundRequest, receive: Receive, pool: BodyPool, *, has_arrived: bool = False
    ) -> None:
        super().__init__(b"")
        self._has_arrived = has_arrived
        self._request, self._receive, self._pool, self._rules = request, receive, pool, pool.rules
        self._thread, self._lease = pool.thread, BodyLease(pool.budget)
        most = self._rules.max_upload_bytes if request.path in UPLOADS else self._rules.max_body_bytes
        if request.path in BATCHES:
            most = min(MAX_BATCH_BODY_MB * asgi.MIB, self._rules.max_upload_bytes)
        self._max_bytes = _MAX_FORM_BYTES if request.path in FORMS else most
        self._has_begun = self._is_complete = self._timed_out = False
        self._declared_bytes = 0
        self._is_replayed = self._has_slot = False

    def check_head(self) -> None:
        """Refuse a body by its head, before any of it is received."""
        self._declared_bytes = content_length(self._request) or 0
        if self._declared_bytes:
            _check_type(self._request)
        if self._declared_bytes > self._max_bytes:
            raise RequestRefused("body_too_large", {"max_bytes": self._max_bytes})
        if not self._pool.budget.has_room(self._declared_bytes):
            raise _no_room()

    async def load(self) -> None:
        """Receive the body, check what it contains, and wait for a slot if it is large; `drop` frees that."""
        if self._has_body() and not self._has_arrived:
            try:
                async with asyncio.timeout(self._rules.body_seconds):
                    await self._load()
            except TimeoutError as error:
                self._timed_out = True
                reason = RequestProblem.BODY_TOO_SLOW(seconds=self._rules.body_seconds)
                raise RequestRefused.for_field("body", reason) from error
        else:  # a deadline costs as much as all other checks
            await self._load()
        if media_type(self._request) == JSON:
            path, rules = self._request.path, {"max_depth": self._rules.max_json_depth}
            if path in BATCHES:
                rules |= {"max_values": MAX_BATCH_VALUES, "max_bytes": self._max_bytes}
            self.outline = await self.read(
                lambda: outline(self.text, extract_images=path in UPLOADS, **rules)
            )
        if len(self.text) > MAX_SMALL_BODY_BYTES:
            self._has_slot = await self._pool.slots.acquire()

    async def receive(self) -> asgi.AsgiMessage:
        """Return a copy of the body, and then the server's own messages."""
        if self._is_replayed:
            return await self._receive()
        self._is_replayed = True
        return {"type": "http.request", "body": bytes(self.text), "more_body": False}

    def drop(self) -> None:
        super().drop()
        if self._has_slot:
            self._has_slot = False
            self._pool.slots.release()

    def release(self) -> None:
        super().release()
        self._lease.release()

    @property
    def is_unread(self) -> bool:
        """Whether part of the body is unread, so that the connection cannot serve another request."""
        return self._has_body() and not self._is_complete

    async def drain(self) -> None:
        """Discard the rest for some time: closing with unread bytes would lose the response."""
        # A client that waits for "100 Continue" sends no body after a refusal.
        if not (self._has_begun or "100-continue" not in self._request.header(b"expect").lower()):
            return
        seconds = self._rules.linger_seconds
        with contextlib.suppress(TimeoutError, asgi.RequestAborted):
            async with asyncio.timeout(min(seconds, _LATE_LINGER_SECONDS) if self._timed_out else seconds):
                while not self._is_complete:
                    await self._chunk()

    def _has_body(self) -> bool:
        length = self._request.header(b"content-length")
        return bool(self._request.header(b"transfer-encoding")) or length not in ("", "0")

    async def _load(self) -> None:
        body = bytearray()
        try:
            while not self._is_complete:
                chunk = await self._chunk()
                if chunk and not (body or self._declared_bytes):
                    _check_type(self._request)
                if len(body) + len(chunk) > self._max_bytes:
                    raise RequestRefused("body_too_large", {"max_bytes": self._max_bytes})
                if not self._lease.grow(len(body) + len(chunk)):
                    raise _no_room()
                body += chunk
        except BaseException:
            body.clear()  # the traceback would keep it alive while the rest is drained
            raise
        self._fill(body)

    async def _chunk(self) -> bytes:
        self._has_begun = True
        message = await self._receive()
        if message["type"] != "http.request":
            raise asgi.RequestAborted
        self._is_complete = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _no_room() -> RequestRefused:
    return RequestRefused("unavailable", headers={"retry-after": "5"})
