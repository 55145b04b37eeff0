"""JSON bodies with images inside, read and encoded while they are sent."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.common.images import encode_base64, encode_base64_chunks, encoded_length
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_core.errors import BlobMissing, CallError, FailureCode, StorageError
from imagegen_core.messages import Message
from imagegen_core.requests import InputImage

_MARKER = "\x00picture\x00"
_ESCAPED_MARKER = json.dumps(_MARKER)


ReadChunks = Callable[[InputImage], AsyncIterator[bytes]]
"""Reads an image of the request chunk by chunk."""


@attrs.frozen(repr=False)
class InlineImage:
    """An image inside the body as base64: its bytes, or an input image that is read later."""

    image: bytes | InputImage

    @property
    def size(self) -> int:
        """Its number of bytes."""
        return len(self.image) if isinstance(self.image, bytes) else self.image.size_bytes


class JsonBody:
    """A JSON document in which `InlineImage` values become base64, one chunk after another.

    ``length`` is the number of bytes that iterating yields.
    """

    def __init__(self, document: Mapping[str, Any], chunks: ReadChunks) -> None:
        self._chunks = chunks
        self._images: list[InlineImage] = []
        encoded = json.dumps(document, ensure_ascii=True, default=self._marker_for)
        self._parts = [part.encode() for part in encoded.split(_ESCAPED_MARKER)]
        base64_length = sum(encoded_length(image.size) + 2 for image in self._images)
        self.length = sum(map(len, self._parts)) + base64_length
        if len(self._parts) != len(self._images) + 1:
            raise ValueError("a text of the document looks like the mark of an image")

    def _marker_for(self, value: object) -> str:
        if not isinstance(value, InlineImage):
            raise TypeError(f"{type(value).__name__} has no place in JSON")
        self._images.append(value)
        return _MARKER

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._parts[0]
        for image, part in zip(self._images, self._parts[1:], strict=True):
            yield b'"'
            async for piece in self._encoded(image):
                yield piece
            yield b'"' + part

    async def _encoded(self, inline: InlineImage) -> AsyncIterator[bytes]:
        if isinstance(inline.image, bytes):
            for piece in encode_base64(inline.image):
                yield piece
            return
        length = 0
        try:
            async for piece in encode_base64_chunks(self._chunks(inline.image)):
                length += len(piece)
                yield piece
        except (BlobMissing, StorageError) as error:
            raise _unreadable(ResponseCode.INPUT_UNREADABLE()) from error
        if length != encoded_length(inline.size):
            raise _unreadable(ResponseCode.INPUT_CHANGED())


def _unreadable(reason: Message) -> CallError:
    """Return the error of a body that the server did not receive whole, and therefore does nothing with."""
    return CallError(FailureCode.STORAGE_FAILED, reason, possible_charge=False)
