"""Receives a response of server-sent events: shows partial images, and spools what has the final one.

What is spooled is the data of one event, which `collect` reads as any other response in JSON.
"""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.providers.http.budgets import Reading
from imagegen_adapters.providers.http.classification import stream_error
from imagegen_adapters.providers.http.document_call import DocumentCall
from imagegen_adapters.providers.http.responses import RESPONSE_FILE, PartialResponse, parse_response
from imagegen_adapters.providers.http.schema.stream import StreamSpec
from imagegen_adapters.providers.http.server_sent_events import ServerSentEvent, read_events
from imagegen_adapters.providers.json_responses import bad_response
from imagegen_adapters.providers.long_strings import decode_base64, read_string
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.spooled_json import parse_spooled
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.limits import MAX_PARTIAL_IMAGE_BYTES, MAX_PARTIAL_IMAGES
from imagegen_core.ports.provider import Exchange
from imagegen_core.values.byte_budget import ByteBudget

MAX_BUFFERED_BYTES = 32 * 1024 * 1024
"""Text of partial images that is being received, of all calls; what is more is dropped."""

_MAX_PARTIAL_EVENT_BYTES = MAX_PARTIAL_IMAGE_BYTES * 4 // 3 + 64 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_TYPE = re.compile(rb'"type"\s*:\s*"([^"\\]{1,128})"')


@attrs.frozen(kw_only=True)
class StreamedResponse:
    """One response. ``buffers`` limits what is in memory of partial images, over all calls.

    ``reading`` is what expressions may take for all its events without a name.
    """

    document_call: DocumentCall
    spec: StreamSpec
    start: PartialResponse
    exchange: Exchange
    buffers: ByteBudget
    reading: Reading = attrs.field(factory=Reading)

    async def receive(self) -> None:
        """Spool the data of the event that completes the response, and show partial images until then.

        Raises:
            CallError: an event is an error, or the stream ends without an image. What was charged by then,
                nobody knows.
            httpx.HTTPError: the connection broke.
        """
        partial_count = 0
        async with aclosing(read_events(self._limited())) as events:
            async for event in events:
                name = _name(event)
                if name in self.spec.partial.events:
                    if partial_count < MAX_PARTIAL_IMAGES:
                        await self._show(event, partial_count)
                    partial_count += 1
                elif name in self.spec.completed or (not name and not event.is_complete):
                    maximum = self.document_call.document.egress.max_json_bytes
                    await self.exchange.spool(RESPONSE_FILE, event.data(), max_bytes=maximum)
                    return
                elif name in self.spec.failed or (not name and self._is_error(event)):
                    raise await self._error(event, has_begun=partial_count > 0)
        raise CallError(
            FailureCode.BAD_RESPONSE, ResponseCode.STREAM_WITHOUT_IMAGE(), upstream_status=self.start.status
        )

    async def _limited(self) -> AsyncIterator[bytes]:
        """Yield the body, as long as an answer and its partial images may be together."""
        maximum = 2 * self.document_call.document.egress.max_json_bytes
        size = 0
        async for chunk in self.start.chunks():
            size += len(chunk)
            if size > maximum:
                raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=maximum))
            yield chunk

    async def _show(self, event: ServerSentEvent, position: int) -> None:
        """Show the partial image of an event, if it has one and there is room for it."""
        buffer, size = io.BytesIO(), 0
        try:
            async for piece in event.data():
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
            text = spec.base64.search_text(parsed.tree, optional=True)
            if text is None:
                return None
            string = parsed.resolve(text)
            blocks = [string.encode()] if isinstance(string, str) else read_string(file, string)
            content = b"".join(decode_base64(blocks))
        except CallError:
            return None
        index = None if spec.index is None else spec.index.search(parsed.tree, optional=True)
        return index if isinstance(index, int) else position, content

    def _is_error(self, event: ServerSentEvent) -> bool:
        """Return whether an event without a name says where the document's errors say what is wrong."""
        errors, tree = self.document_call.document.errors, _parsed(event)
        places = {"reading": self.reading, "optional": True}
        return any(e is not None and e.search_text(tree, **places) for e in (errors.code, errors.message))

    async def _error(self, event: ServerSentEvent, *, has_begun: bool) -> CallError:
        text = bytearray()
        async for piece in event.data():
            text += piece[: _MAX_ERROR_BYTES - len(text)]
        secret = self.document_call.secret
        response = parse_response(self.start.status, self.start.headers, bytes(text), secret)
        return stream_error(self.document_call.classify(response), response, has_begun=has_begun)


def _name(event: ServerSentEvent) -> str:
    """Return the event's name, or the ``type`` in its data: some servers only have one of them."""
    if event.name:
        return event.name
    if event.is_complete:
        tree = _parsed(event)
        kind = tree.get("type") if isinstance(tree, dict) else None
        return kind if isinstance(kind, str) else ""
    match = _TYPE.search(event.head)
    return match[1].decode("utf-8", "replace") if match else ""


def _parsed(event: ServerSentEvent) -> Any:
    """Return the JSON of an event that is complete; None if it is none."""
    try:
        return json.loads(event.head)
    except (ValueError, RecursionError):
        return None
