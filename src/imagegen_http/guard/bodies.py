"""The limits of a request body: its type, its size, the time that it takes to arrive."""

import asyncio

from imagegen_core.operations import OPENAI_EDITS, OPERATIONS
from imagegen_http.asgi.types import Message, Receive
from imagegen_http.guard.body_budget import BodyBudget, BodyLease
from imagegen_http.guard.buffered_body import BufferedBody
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.guard.refusals import RequestAborted, RequestRefused
from imagegen_http.guard.rules import GuardRules
from imagegen_http.problems.messages import RequestProblem

JSON = "application/json"
VARIATIONS = "/v1/images/variations"
MULTIPART = frozenset({OPENAI_EDITS, VARIATIONS})
"""Where images come as files of a form, too, as OpenAI's clients send them."""

UPLOADS = MULTIPART | {rules.path for rules in OPERATIONS.values() if rules.has_input_images}
"""Where a body holds images."""

FORMS = frozenset({"/login", "/logout"})

_MAX_FORM_BYTES = 16 * 1024
_LATE_LINGER_SECONDS = 1.0
"""A client that was too slow already is not drained for as long as one that was refused early."""


def max_bytes(request: InboundRequest, rules: GuardRules) -> int:
    """Return the maximum size of this request's body, in bytes."""
    if request.path in FORMS:
        return _MAX_FORM_BYTES
    return rules.max_upload_bytes if request.path in UPLOADS else rules.max_body_bytes


def media_type(request: InboundRequest) -> str:
    """Return the declared media type in lower case, without parameters; ``""`` if none is declared."""
    return request.header(b"content-type").partition(";")[0].strip().lower()


def has_wrong_type(request: InboundRequest) -> bool:
    """Return whether the declared type and content coding are not those that the path accepts.

    A page of another site can send plain text, a form or multipart without a CORS preflight, but not JSON.
    """
    if request.header(b"content-encoding").lower() not in ("", "identity"):
        return True
    if request.path in FORMS:
        return media_type(request) != "application/x-www-form-urlencoded"
    if not request.is_api:
        return False
    accepted = (JSON, "multipart/form-data") if request.path in MULTIPART else (JSON,)
    return media_type(request) not in accepted


def content_length(request: InboundRequest) -> int | None:
    """Return the Content-Length, 0 without a body, None for a chunked body.

    Raises:
        RequestRefused: the Content-Length is no number, or the body is chunked as well: a proxy in front of
            us may have gone by the other header and would take the rest for a second request, which is
            request smuggling (RFC 9112, section 6.3).
    """
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


class IncomingBody:
    """The body of one request: read completely within its limits and replayed, or drained."""

    def __init__(self, request: InboundRequest, receive: Receive) -> None:
        self._request = request
        self._receive = receive
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
            raise RequestRefused("unsupported_media_type")
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
                    raise RequestRefused("unsupported_media_type")
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


def _no_room() -> RequestRefused:
    return RequestRefused("unavailable", headers={"retry-after": "5"})
