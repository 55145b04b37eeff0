"""Receives responses and events, and says what errors mean: by the document's table, then by our own."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

import attrs
import httpx

from imagegen_adapters.providers.common.calls import (
    ResponseCode,
    parse_retry_after,
    parse_seconds,
    read_error,
    shorten,
    visible_text,
    with_model_warning,
)
from imagegen_adapters.providers.common.json_files import parse_json
from imagegen_adapters.providers.document.expressions import UpstreamResponse, matches_glob, searched_chars
from imagegen_adapters.providers.document.operations import ErrorClass, ErrorSpec, ResponseSpec
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, upstream_text
from imagegen_core.models import Model
from imagegen_core.ports.blobs import joined
from imagegen_core.ports.provider import Exchange
from imagegen_core.secrets import Secret

# Up to this a response is classified before it is stored; errors sent as a 200 are smaller
MAX_HEAD_BYTES = 64 * 1024
RESPONSE_FILE = "answer"  # the name of the spooled response
CODES: Mapping[ErrorClass, tuple[FailureCode, bool]] = {
    "blocked": (FailureCode.CONTENT_POLICY, False),
    "quota": (FailureCode.QUOTA_EXHAUSTED, False),
    "auth": (FailureCode.AUTH_FAILED, False),
    "invalid": (FailureCode.REJECTED, False),
    "not_found": (FailureCode.REJECTED, False),
    # Nothing was started: the same call may be sent again.
    "rate_limited": (FailureCode.RATE_LIMITED, True),
    "not_admitted": (FailureCode.UNAVAILABLE, True),
    # The outcome is unknown: sending it again might pay twice.
    "transient": (FailureCode.OUTCOME_UNKNOWN, False),
}
"""The failure code of each class, and whether it proves that a submit started nothing."""

_BY_STATUS: Mapping[int, ErrorClass] = {
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    # The provider stopped waiting (408) or refused early data (425); whether it started is unknown.
    408: "transient",
    425: "transient",
    429: "rate_limited",
}
_EVENT_STREAM = "text/event-stream"
MAX_EVENT_HEAD_BYTES = 4096  # how much of an event's data is read before the event is shown
# A bracket, the type of an object, or any other string
_TOKEN = re.compile(rb'([\[\]{}])|"type"\s*:\s*"([^"\\]{1,128})"|"(?:[^"\\]|\\.)*"', re.DOTALL)
_UNNAMED = "message"  # what an event is called that has no name, by the standard
_LINE_END = re.compile(rb"\r\n?|\n")
_BOM = b"\xef\xbb\xbf"
_MAX_NAME_BYTES = 128
_MAX_LINE_BYTES = len(_BOM) + len("event: ") + _MAX_NAME_BYTES


# Receiving


@attrs.frozen(kw_only=True)
class PartialResponse(UpstreamResponse):
    """A response whose start was read: of one that is longer, only status and headers can be classified."""

    url: str  # the base of relative ones, without the query, which may contain the key
    head: bytes
    is_complete: bool  # there is no more than ``head``
    rest: AsyncIterator[bytes]

    def is_image(self, spec: ResponseSpec) -> bool:
        """Return whether the body is one image: by its type, or because the document says so."""
        patterns = ("image/*", *(spec.raw.content_types if spec.raw is not None else ()))
        return matches_glob(_media_type(self.headers), patterns)

    @property
    def is_event_stream(self) -> bool:
        """Whether the body is a stream of events; relays get its type or its start wrong."""
        if _media_type(self.headers) == _EVENT_STREAM:
            return not self.head.startswith((b"{", b"["))
        return self.head.startswith((b"event:", b"data:"))

    async def spool(self, exchange: Exchange, *, max_bytes: int) -> None:
        """Spool the whole response as `RESPONSE_FILE`; one that is empty or too long is a bad response."""
        if await exchange.spool(RESPONSE_FILE, joined(self.head, self.rest), max_bytes=max_bytes) == 0:
            reason = ResponseCode.RESPONSE_EMPTY()
            raise CallError(FailureCode.BAD_RESPONSE, reason, upstream_status=self.status)


async def read_head(
    response: httpx.Response, secret: Secret | None, skipped: dict[str, None]
) -> PartialResponse:
    """Read the start of a response; of a stream of events only what has arrived."""
    chunks = response.aiter_bytes()
    max_bytes = 0 if _media_type(response.headers) == _EVENT_STREAM else MAX_HEAD_BYTES
    head, is_complete = await read_start(chunks, max_bytes)
    return PartialResponse(
        status=response.status_code,
        headers=dict(response.headers),  # by lower-case name
        secret=secret,
        skipped=skipped,
        url=str(response.url).partition("#")[0].partition("?")[0],
        head=head,
        is_complete=is_complete,
        rest=chunks,
        **(_content(head) if is_complete else {}),
    )


async def read_start(chunks: AsyncIterator[bytes], max_bytes: int) -> tuple[bytes, bool]:
    """Read until there are more than ``max_bytes``; return them, and whether that is all."""
    head = bytearray()
    async for chunk in chunks:
        head += chunk
        if len(head) > max_bytes:
            return bytes(head), False
    return bytes(head), True


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_error_response(response: httpx.Response, secret: Secret | None) -> UpstreamResponse:
    """Return an error response, its body cut to 64 KiB."""
    return parse_response(response.status_code, response.headers, await read_error(response), secret)


def parse_response(
    status: int, headers: Mapping[str, str], body: bytes, secret: Secret | None
) -> UpstreamResponse:
    return UpstreamResponse(status=status, headers=headers, secret=secret, **_content(body))


def _content(body: bytes) -> dict[str, Any]:
    try:
        return {"tree": parse_json(body)}
    except CallError:
        return {"text": body.decode("utf-8", "replace")}


# Splitting a body into events while it arrives, wherever it is cut and however long they are: server-sent
# events (https://html.spec.whatwg.org/multipage/server-sent-events.html), without ``id`` and ``retry``


@attrs.frozen
class ServerSentEvent:
    """An event with data; ``head`` is its start, all of it if ``is_complete``. ``name`` may be empty."""

    name: str
    head: bytes
    is_complete: bool
    rest: AsyncIterator[bytes]

    @property
    def own_name(self) -> str:
        """Its name, or the ``type`` in its data, since some servers send only one; empty if unknown."""
        if self.name not in ("", _UNNAMED):
            return self.name
        depth = 0
        for token in _TOKEN.finditer(self.head):
            if token[1]:
                depth += 1 if token[1] in b"[{" else -1
            elif depth == 1 and token[2]:
                return token[2].decode("utf-8", "replace")
        return ""


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[ServerSentEvent, None]:
    """Yield the events of a body; what the reader leaves of one is skipped."""
    parser = _Parser()
    pieces = parser.pieces(chunks)
    async for piece in pieces:
        if piece is not None:
            data = _until_end(piece, pieces)
            head, is_complete = await read_start(data, MAX_EVENT_HEAD_BYTES)
            yield ServerSentEvent(parser.name.decode("utf-8", "replace"), head, is_complete, data)
            async for _ in data:
                pass


async def _until_end(piece: bytes | None, pieces: AsyncIterator[bytes | None]) -> AsyncIterator[bytes]:
    while piece is not None:
        yield piece
        piece = await anext(pieces, None)


class _Parser:
    """Parses lines that are cut anywhere and end in CR, LF or both; only the start of other lines is kept."""

    def __init__(self) -> None:
        self.name, self._line, self._data_lines = b"", b"", 0
        self._in_data = self._may_be_space = self._after_return = False

    async def pieces(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
        """Yield the data of all events; None ends one. Some servers forget the empty line after the last."""
        async for chunk in chunks:
            for piece in self._feed(chunk):
                yield piece
        for piece in self._feed(b"\n\n"):
            yield piece

    def _feed(self, chunk: bytes) -> Iterator[bytes | None]:
        if self._after_return:
            chunk = chunk.removeprefix(b"\n")
        self._after_return = chunk.endswith(b"\r")
        for position, text in enumerate(_LINE_END.split(chunk)):
            if position:
                yield from self._end_line()
            yield from self._text(text)

    def _text(self, text: bytes) -> Iterator[bytes]:
        if not self._in_data:
            self._line = (self._line + text).removeprefix(_BOM)
            if not self._line.startswith(b"data:"):
                self._line = self._line[:_MAX_LINE_BYTES]
                return
            text = self._line.removeprefix(b"data:")
            self._line, self._in_data, self._may_be_space = b"", True, True
            self._data_lines += 1
            if self._data_lines > 1:
                yield b"\n"
        if text and self._may_be_space:
            text, self._may_be_space = text.removeprefix(b" "), False
        if text:
            yield text

    def _end_line(self) -> Iterator[None]:
        if self._line.startswith(b"event:"):
            self.name = self._line.removeprefix(b"event:").removeprefix(b" ")[:_MAX_NAME_BYTES]
        elif not self._line and not self._in_data:
            if self._data_lines:
                yield None
            self._data_lines, self.name = 0, b""
        self._line, self._in_data = b"", False


# Errors


@attrs.frozen(kw_only=True)
class Classification:
    """What a response means; ``matched`` is False if no rule of the document applied."""

    response: UpstreamResponse
    kind: ErrorClass
    code: str | None
    message: str
    retry_after: float | None
    matched: bool

    def submit_error(self, model: Model | None = None) -> CallError:
        """Return the error of a submit; a refusal of a model that is being retired names its replacement."""
        code, not_started = CODES[self.kind]
        return CallError(
            code,
            with_model_warning(model, code, self._reason),
            not_started=not_started,
            retry_after=self.retry_after,
            upstream_status=self.response.status,
            upstream_code=self.code,
            is_gone=self.kind == "not_found",
        )

    def stream_error(self, *, has_begun: bool) -> CallError:
        """Return an event's error: possibly charged, unless a rule matches it before any part of an image."""
        kind = self.kind if self.matched else "transient"
        return attrs.evolve(self, kind=kind, matched=self.matched and not has_begun).job_error()

    def job_error(self) -> CallError:
        """Return the error of an accepted job: never "not started", and possibly charged."""
        code, is_retryable = CODES[self.kind]
        return CallError(
            FailureCode.OUTCOME_UNKNOWN if is_retryable else code,
            self._reason,
            upstream_status=self.response.status,
            upstream_code=self.code,
            possible_charge=None if self.matched else True,
        )

    @property
    def text(self) -> str:
        """The message on one line, without the secret."""
        secret = self.response.secret
        return shorten(self.message, () if secret is None else (secret.reveal(),))

    @property
    def _reason(self) -> Message:
        status = self.response.status
        if message := self.text:
            return upstream_text(message)
        if httpx.codes.is_redirect(status):
            return ResponseCode.RESPONSE_REDIRECT()
        if self.code is not None:
            return ResponseCode.RESPONSE_CODE(code=self.code)
        return ResponseCode.RESPONSE_STATUS(status=status)


def classify(
    response: UpstreamResponse,
    spec: ErrorSpec,
    now: datetime,
    code: str | None = None,
    message: str | None = None,
) -> Classification:
    """Return what an error means: codes before statuses. ``code`` and ``message`` replace the document's."""
    if code is None and message is None:
        code = response.text_at(spec.code) or None
        plain = response.tree if isinstance(response.tree, str) else visible_text(response.text)
        message = response.text_at(spec.message) or plain
    by_code = (r for r in spec.classify if code is not None and matches_glob(code, r.codes))
    statuses = {str(response.status), f"{response.status // 100}xx"}
    by_status = (r for r in spec.classify if not r.codes and not statuses.isdisjoint(r.status))
    rule = next(chain(by_code, by_status), None)
    wait = retry_after(response, spec, now)
    if not wait and rule is not None and rule.cooldown_s is not None:
        wait = rule.cooldown_s
    own: ErrorClass = "transient" if httpx.codes.is_server_error(response.status) else "invalid"
    return Classification(
        response=response,
        kind=_BY_STATUS.get(response.status, own) if rule is None else rule.as_,
        code=code,
        message=message or "",
        retry_after=wait,
        matched=rule is not None,
    )


def retry_after(response: UpstreamResponse, spec: ErrorSpec, now: datetime) -> float | None:
    """Return the seconds that the provider asks for, by the document's first rule that matches."""
    pattern_count = sum(rule.jmespath is not None for rule in spec.retry_after)
    for rule in spec.retry_after:
        seconds = None
        if rule.header is not None:
            seconds = parse_retry_after(response.headers.get(rule.header), now)
            if seconds is not None and rule.header.endswith("-ms"):
                seconds /= 1000
        elif rule.jmespath is not None:
            text = response.text_at(rule.jmespath) or ""
            match = re.search(rule.regex, text[: searched_chars(rule.regex, pattern_count)])
            seconds = parse_seconds(match[1] or "") if match else None
        if seconds is not None:
            return max(0.0, seconds)
    return None
