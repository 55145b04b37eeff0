"""What a body may be: its type, its size, the time it takes."""

import asyncio

from imagegen_http.asgi import Message, Receive
from imagegen_http.guard.body_budget import BodyBudget, BodyLease
from imagegen_http.guard.held_body import HeldBody
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.guard.refused import ClientGone, Refused
from imagegen_http.guard.rules import GuardRules

JSON = "application/json"
EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"
UPLOADS = frozenset(
    {
        "/api/v1/images/generate-with-references",
        "/api/v1/images/edit",
        "/api/v1/images/upscale",
        "/api/v1/images/recontext",
        "/api/v1/images/segment",
        EDITS,
        VARIATIONS,
    }
)
FORMS = frozenset({"/login", "/logout"})

_FORM_BYTES = 16 * 1024
_LATE_LINGER_SECONDS = 1.0


def max_bytes(request: InboundRequest, rules: GuardRules) -> int:
    """Return how many bytes this request's body may have."""
    if request.path in FORMS:
        return _FORM_BYTES
    return rules.max_upload_bytes if request.path in UPLOADS else rules.max_body_bytes


def media_type(request: InboundRequest) -> str:
    """Return the declared type in lower case, without parameters; ``""`` when there is none."""
    return request.header(b"content-type").partition(";")[0].strip().lower()


def has_wrong_type(request: InboundRequest) -> bool:
    """Return whether a body of the declared type and coding must not be read as what the path takes.

    A page of another site can send plain text, a form or multipart without asking first; JSON it cannot.
    """
    if request.header(b"content-encoding").lower() not in ("", "identity"):
        return True
    if request.path in FORMS:
        return media_type(request) != "application/x-www-form-urlencoded"
    if not request.is_api:
        return False
    accepted = (JSON, "multipart/form-data") if request.path in (EDITS, VARIATIONS) else (JSON,)
    return media_type(request) not in accepted


def announced_bytes(request: InboundRequest) -> int | None:
    """Return the Content-Length, 0 without a body, None when only its end will tell.

    Raises:
        Refused: the Content-Length is no number, or there are chunks as well: a proxy in front of us may
            have gone by the other one, and would take the rest for a request (RFC 9112, section 6.3).
    """
    length = request.header(b"content-length")
    if request.header(b"transfer-encoding"):
        if length:
            raise Refused.for_body("has both a Content-Length and a Transfer-Encoding")
        return None
    if not length:
        return 0
    if not (length.isascii() and length.isdigit() and len(length) < 20):  # noqa: PLR2004 - more than 2**64
        raise Refused.for_body("Content-Length is not a number")
    return int(length)


class IncomingBody:
    """One request's body: read whole within its bounds and replayed, or dropped."""

    def __init__(self, request: InboundRequest, receive: Receive) -> None:
        self._request = request
        self._receive = receive
        self._begun = False
        self._complete = False
        self._late = False

    def check_head(self, rules: GuardRules, budget: BodyBudget) -> None:
        """Refuse what the head alone shows to be wrong.

        Raises:
            Refused: the type or the announced size is wrong, or there is no room now.
        """
        announced = announced_bytes(self._request)
        if announced and has_wrong_type(self._request):
            raise Refused("unsupported_media_type")
        limit = max_bytes(self._request, rules)
        if announced is not None and announced > limit:
            raise Refused("body_too_large", {"max_bytes": limit})
        if announced is not None and not budget.has_room(announced):
            raise _no_room()

    async def read(self, rules: GuardRules, lease: BodyLease) -> bytearray:
        """Return the whole body.

        Raises:
            Refused: it is too large, of a wrong type, too slow, or there is no room for it.
            ClientGone: it will never be complete.
        """
        try:
            async with asyncio.timeout(rules.body_seconds):
                return await self._read(max_bytes(self._request, rules), lease)
        except TimeoutError as error:
            self._late = True
            raise Refused.for_body(f"was not complete after {rules.body_seconds:g} seconds") from error

    def replayed(self, held: HeldBody) -> Receive:
        """Return a ``receive`` that gives this body as one message, and afterwards what the server says.

        What is made for the message is a copy; whoever reads large bodies takes the `HeldBody` instead.
        """
        told = False

        async def receive() -> Message:
            nonlocal told
            if told:
                return await self._receive()
            told = True
            return {"type": "http.request", "body": bytes(held.text), "more_body": False}

        return receive

    @property
    def must_be_drained(self) -> bool:
        """Whether bytes are still to come that nobody will read.

        A client that waits for "100 Continue" sends none after a refusal.
        """
        if self._complete or not self._is_announced():
            return False
        return self._begun or "100-continue" not in self._request.header(b"expect").lower()

    async def drain(self, seconds: float) -> None:
        """Read and drop the rest, for so long: closing on unread bytes would take the answer with it."""
        try:
            async with asyncio.timeout(min(seconds, _LATE_LINGER_SECONDS) if self._late else seconds):
                while not self._complete:
                    await self._chunk()
        except (TimeoutError, ClientGone):
            return

    @property
    def is_unread(self) -> bool:
        """Whether the connection cannot be used for another request."""
        return self._is_announced() and not self._complete

    def _is_announced(self) -> bool:
        length = self._request.header(b"content-length")
        return bool(self._request.header(b"transfer-encoding")) or length not in ("", "0")

    async def _read(self, limit: int, lease: BodyLease) -> bytearray:
        body = bytearray()
        try:
            while not self._complete:
                chunk = await self._chunk()
                if chunk and not body and has_wrong_type(self._request):
                    raise Refused("unsupported_media_type")
                if len(body) + len(chunk) > limit:
                    raise Refused("body_too_large", {"max_bytes": limit})
                if not lease.grow(len(body) + len(chunk)):
                    raise _no_room()
                body += chunk
        except BaseException:
            body.clear()  # the traceback keeps it, while the rest is read and dropped
            raise
        return body

    async def _chunk(self) -> bytes:
        self._begun = True
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientGone
        self._complete = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk


def _no_room() -> Refused:
    return Refused("unavailable", headers={"retry-after": "5"})
