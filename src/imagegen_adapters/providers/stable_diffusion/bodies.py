"""JSON bodies with pictures inside, read and encoded while they are sent."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.base64_stream import encode_base64, encode_base64_chunks, encoded_length
from imagegen_core.errors import BlobMissing, CallError, StorageError
from imagegen_core.failures import FailureCode
from imagegen_core.operations import InputImage

_MARK = "\x00picture\x00"
_ESCAPED_MARK = json.dumps(_MARK)


Chunks = Callable[[InputImage], AsyncIterator[bytes]]
"""Reads a picture of the request piece by piece."""


@attrs.frozen(repr=False)
class Inline:
    """A picture that stands in the body as base64: its bytes, or one of the request's that is read later."""

    picture: bytes | InputImage

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.picture) if isinstance(self.picture, bytes) else self.picture.size_bytes


class JsonBody:
    """A JSON document, in which `Inline` values become base64 one piece after another.

    ``length`` is the size in bytes of all that iterating yields.
    """

    def __init__(self, document: Mapping[str, Any], chunks: Chunks) -> None:
        self._chunks = chunks
        self._pictures: list[Inline] = []
        encoded = json.dumps(document, ensure_ascii=True, default=self._mark)
        self._parts = [part.encode() for part in encoded.split(_ESCAPED_MARK)]
        coded = sum(encoded_length(picture.size) + 2 for picture in self._pictures)
        self.length = sum(map(len, self._parts)) + coded
        if len(self._parts) != len(self._pictures) + 1:
            raise ValueError("a text of the document looks like the mark of a picture")

    def _mark(self, value: object) -> str:
        if not isinstance(value, Inline):
            raise TypeError(f"{type(value).__name__} has no place in JSON")
        self._pictures.append(value)
        return _MARK

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._parts[0]
        for picture, part in zip(self._pictures, self._parts[1:], strict=True):
            yield b'"'
            async for piece in self._encoded(picture):
                yield piece
            yield b'"' + part

    async def _encoded(self, inline: Inline) -> AsyncIterator[bytes]:
        if isinstance(inline.picture, bytes):
            for piece in encode_base64(inline.picture):
                yield piece
            return
        length = 0
        try:
            async for piece in encode_base64_chunks(self._chunks(inline.picture)):
                length += len(piece)
                yield piece
        except (BlobMissing, StorageError) as error:
            raise _unreadable("a picture of the request cannot be read") from error
        if length != encoded_length(inline.size):
            raise _unreadable("a picture of the request changed while it was sent")


def _unreadable(why: str) -> CallError:
    """Return the error of a body that the server has not got whole, and so does nothing with."""
    return CallError(FailureCode.STORAGE_FAILED, why, possible_charge=False)
