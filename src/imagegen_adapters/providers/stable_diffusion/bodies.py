"""JSON bodies with pictures inside, encoded while they are sent."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.base64_stream import encode_base64, encoded_length

_MARK = "\x00picture\x00"
_ESCAPED_MARK = json.dumps(_MARK)


@attrs.frozen(repr=False)
class Inline:
    """A picture that stands in the body as base64."""

    data: bytes


class JsonBody:
    """A JSON document, in which `Inline` values become base64 one piece after another.

    ``length`` is the size in bytes of all that iterating yields.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._pictures: list[bytes] = []
        encoded = json.dumps(document, ensure_ascii=True, default=self._mark)
        self._parts = [part.encode() for part in encoded.split(_ESCAPED_MARK)]
        coded = sum(encoded_length(len(picture)) + 2 for picture in self._pictures)
        self.length = sum(map(len, self._parts)) + coded
        if len(self._parts) != len(self._pictures) + 1:
            raise ValueError("a text of the document looks like the mark of a picture")

    def _mark(self, value: object) -> str:
        if not isinstance(value, Inline):
            raise TypeError(f"{type(value).__name__} has no place in JSON")
        self._pictures.append(value.data)
        return _MARK

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._parts[0]
        for picture, part in zip(self._pictures, self._parts[1:], strict=True):
            yield b'"'
            for piece in encode_base64(picture):
                yield piece
            yield b'"' + part
