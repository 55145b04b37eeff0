"""Receives server-sent events: shows partial images, and spools the data of the event with the final one.

https://html.spec.whatwg.org/multipage/server-sent-events.html, without ``id`` and ``retry``. The data of an
event may be an image of megabytes, so it is passed on in pieces.
"""

import asyncio
import codecs
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import BinaryIO, Literal

import attrs

from imagegen_adapters.providers.common.calls import ResponseCode
from imagegen_adapters.providers.common.json_files import (
    bad_response,
    decode_base64,
    parse_spooled,
    read_blocks,
    read_spooled,
    read_string,
)
from imagegen_adapters.providers.document.calls import DocumentCall
from imagegen_adapters.providers.document.expressions import UpstreamResponse
from imagegen_adapters.providers.document.operations import StreamSpec
from imagegen_adapters.providers.document.responses import (
    RESPONSE_FILE,
    PartialResponse,
    parse_response,
    read_start,
    stream_error,
)
from imagegen_adapters.providers.document.results import find_images
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.limits import MAX_PARTIAL_IMAGE_BYTES, MAX_PARTIAL_IMAGES
from imagegen_core.ports.blobs import joined
from imagegen_core.ports.provider import Exchange
from imagegen_core.values import ByteBudget

MAX_HEAD_BYTES = 4096  # how much of an event's data is read before the event is shown
MAX_BUFFERED_BYTES = 32 * 1024 * 1024  # of partial images, over all calls; more are dropped
_MAX_PARTIAL_EVENT_BYTES = MAX_PARTIAL_IMAGE_BYTES * 4 // 3 + 64 * 1024
_MAX_ERROR_BYTES = 64 * 1024
# A bracket, the type of an object, or any other string
_TOKEN = re.compile(rb'([\[\]{}])|"type"\s*:\s*"([^"\\]{1,128})"|"(?:[^"\\]|\\.)*"', re.DOTALL)
_UNNAMED = "message"  # what an event is called that has no name, by the standard
_MAX_NAME_BYTES = 128
Role = Literal["partial", "completed", "failed", "other"]  # of an event
_BOM = b"\xef\xbb\xbf"
_MAX_LINE_BYTES = len(_BOM) + len("event: ") + _MAX_NAME_BYTES


@attrs.frozen
class StreamedResponse:
    """One response of server-sent events."""

    call: DocumentCall
    spec: StreamSpec
    start: PartialResponse
    exchange: Exchange
    buffers: ByteBudget  # memory of partial images, over all calls

    async def receive(self) -> None:
        """Show partial images, and spool the completing event. Every other end leaves the charge unknown."""
        partial_count = 0
        async with aclosing(read_events(self._limited())) as events:
            async for event in events:
                role, data, is_spooled = self._role(event.own_name), joined(event.head, event.rest), False
                if role is None and event.is_complete:
                    role = await asyncio.to_thread(self._role_of_content, io.BytesIO(event.head))
                elif role is None:  # its type may come after its image
                    await self._spool(data)
                    role = await read_spooled(self._open_file, self._role_of_content)
                    data, is_spooled = read_blocks(self._open_file), True
                if role == "partial":
                    if partial_count < MAX_PARTIAL_IMAGES:
                        await self._show(data, partial_count)
                    partial_count += 1
                elif role == "completed":
                    if not is_spooled:
                        await self._spool(data)
                    return
                elif role == "failed":
                    raise await self._error(data, has_begun=partial_count > 0)
        reason = ResponseCode.STREAM_WITHOUT_IMAGE()
        raise CallError(FailureCode.BAD_RESPONSE, reason, upstream_status=self.start.status)

    async def _limited(self) -> AsyncIterator[bytes]:
        """Yield the body, as long as a response and its partial images may be together."""
        maximum, size = 2 * self.call.document.egress.max_json_bytes, 0
        async for chunk in joined(self.start.head, self.start.rest):
            size += len(chunk)
            if size > maximum:
                raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=maximum))
            yield chunk

    async def _spool(self, data: AsyncIterator[bytes]) -> None:
        maximum = self.call.document.egress.max_json_bytes
        await self.exchange.spool(RESPONSE_FILE, data, max_bytes=maximum)

    def _open_file(self) -> BinaryIO:
        return self.exchange.open_spooled(RESPONSE_FILE)

    def _role(self, name: str) -> Role | None:
        """Return what an event of this name is; None if it has none."""
        roles: dict[str, Role] = {
            **dict.fromkeys(self.spec.failed, "failed"),
            **dict.fromkeys(self.spec.completed, "completed"),
            **dict.fromkeys(self.spec.partial.events, "partial"),
        }
        return roles.get(name, "other" if name else None)

    def _role_of_content(self, file: BinaryIO) -> Role:
        """Return an event's role by its data: by its ``type``, else by an image or an error in it."""
        errors, spec = self.call.document.errors, self.call.operation.response
        try:
            tree = parse_spooled(file).tree
            kind = tree.get("type") if isinstance(tree, dict) else None
            if isinstance(kind, str) and kind:
                return self._role(kind) or "other"
            response = UpstreamResponse(status=self.start.status, headers={}, tree=tree)
            if any(item.base64 or item.url for item in find_images(response, spec, "")):
                return "completed"
        except CallError:
            return "other"
        return "failed" if any(response.text_at(each) for each in (errors.code, errors.message)) else "other"

    async def _show(self, data: AsyncIterator[bytes], position: int) -> None:
        """Show the partial image of an event, if it has one and there is room for it."""
        buffer, size = io.BytesIO(), 0
        try:
            async for piece in data:
                if size + len(piece) > _MAX_PARTIAL_EVENT_BYTES or not self.buffers.take(len(piece)):
                    return
                size += len(piece)
                buffer.write(piece)
            partial = await asyncio.to_thread(self._partial_image, buffer, position)
            if partial is not None:
                self.exchange.partial_image(*partial)
        finally:
            self.buffers.give_back(size)

    def _partial_image(self, file: BinaryIO, position: int) -> tuple[int, bytes] | None:
        """Return the number of a partial image and its bytes; None if there is none to be decoded."""
        spec = self.spec.partial
        file.seek(0)
        try:
            parsed = parse_spooled(file)
            response = UpstreamResponse(status=self.start.status, headers={}, tree=parsed.tree)
            text = response.text_at(spec.base64)
            if text is None:
                return None
            string = parsed.resolve(text)
            blocks = [string.encode()] if isinstance(string, str) else read_string(file, string)
            content = b"".join(decode_base64(blocks))
        except CallError:
            return None
        index = response.find(spec.index)
        return index if isinstance(index, int) else position, content

    async def _error(self, data: AsyncIterator[bytes], *, has_begun: bool) -> CallError:
        text, _ = await read_start(data, _MAX_ERROR_BYTES)
        status, headers = self.start.status, self.start.headers
        response = parse_response(status, headers, text[:_MAX_ERROR_BYTES], self.call.secret)
        return stream_error(self.call.classify(response), response, has_begun=has_begun)


# Splitting a body into events while it arrives, wherever it is cut and however long they are


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
            head, is_complete = await read_start(data, MAX_HEAD_BYTES)
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
        self._in_data = self._may_be_space = False
        self._decoder = io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder("latin-1")(), translate=True
        )

    async def pieces(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
        """Yield the data of all events; None ends one. Some servers forget the empty line after the last."""
        async for chunk in chunks:
            for piece in self._feed(chunk):
                yield piece
        for piece in self._feed(b"\n\n"):
            yield piece

    def _feed(self, chunk: bytes) -> Iterator[bytes | None]:
        lines = self._decoder.decode(chunk).encode("latin-1").split(b"\n")
        for position, text in enumerate(lines):
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
