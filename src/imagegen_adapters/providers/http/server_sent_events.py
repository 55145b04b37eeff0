"""Splits a body into server-sent events while it arrives, wherever it is cut and however long they are.

The format is that of https://html.spec.whatwg.org/multipage/server-sent-events.html, of which ``id`` and
``retry`` mean nothing here. The data of an event may be an image of megabytes: it is passed on in pieces.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

MAX_HEAD_BYTES = 4096
"""How much of an event's data is read before the event is shown."""

_MAX_FIELD_BYTES = 16
_MAX_NAME_BYTES = 128
_LINE_END = re.compile(rb"[\r\n]")
_BOM = b"\xef\xbb\xbf"


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator["ServerSentEvent", None]:
    """Yield the events of a body. What was not read of one when the next is asked for is skipped.

    The last one counts even without the empty line that ends it, which some servers forget.
    """
    parser = _Parser()
    pieces = _pieces(parser, chunks)
    async for piece in pieces:
        if piece is None:
            continue
        event = ServerSentEvent(pieces)
        await event.read_head(piece)
        event.name = parser.name
        yield event
        async for _ in event.rest():
            pass


class ServerSentEvent:
    """An event with data; ``head`` is the beginning of it, and all of it if it ``is_complete``.

    ``name`` is empty if the event has none.
    """

    def __init__(self, pieces: AsyncIterator[bytes | None]) -> None:
        self._pieces = pieces
        self.name = ""
        self.head = b""
        self.is_complete = False

    async def read_head(self, piece: bytes) -> None:
        """Read `MAX_HEAD_BYTES` of the data, of which ``piece`` is the first, or all if there is less."""
        head = bytearray(piece)
        while len(head) < MAX_HEAD_BYTES and not self.is_complete:
            head += await self._next() or b""
        self.head = bytes(head)

    async def data(self) -> AsyncIterator[bytes]:
        """Yield the data, once."""
        yield self.head
        async for piece in self.rest():
            yield piece

    async def rest(self) -> AsyncIterator[bytes]:
        """Yield what follows the head."""
        while not self.is_complete:
            if piece := await self._next():
                yield piece

    async def _next(self) -> bytes | None:
        piece = await anext(self._pieces, None)
        self.is_complete = piece is None
        return piece


async def _pieces(parser: "_Parser", chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    """Yield the data of all events; None ends one."""
    async for chunk in chunks:
        for piece in parser.feed(chunk):
            yield piece
    for piece in parser.feed(b"\n\n"):
        yield piece


class _Parser:
    """Parses lines that may be cut anywhere, and end in CR, LF or both."""

    def __init__(self) -> None:
        self._name = bytearray()
        self._field = bytearray()  # of the current line: its name, up to the colon
        self._in_value = False
        self._at_value = False  # whether a space is next that does not count
        self._data_lines = 0
        self._skips_newline = False

    @property
    def name(self) -> str:
        """The name of the current event."""
        return self._name.decode("utf-8", "replace")

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """Yield pieces of the current event's data, and None at its end."""
        position = 0
        while position < len(chunk):
            if self._skips_newline:
                self._skips_newline = False
                if chunk.startswith(b"\n", position):
                    position += 1
                    continue
            line_end = _LINE_END.search(chunk, position)
            end = line_end.start() if line_end else len(chunk)
            if position < end:
                yield from self._text(chunk[position:end])
            if line_end:
                yield from self._end_of_line()
                self._skips_newline = line_end[0] == b"\r"
            position = end + 1

    def _text(self, text: bytes) -> Iterator[bytes]:
        if not self._in_value:
            field, colon, text = text.partition(b":")
            self._field += field[: _MAX_FIELD_BYTES - len(self._field)]
            if not colon:
                return
            yield from self._begin_value()
        if self._at_value and text:
            self._at_value = False
            text = text.removeprefix(b" ")
        if self._field == b"event":
            self._name += text[: _MAX_NAME_BYTES - len(self._name)]
        elif self._field == b"data" and text:
            yield text

    def _begin_value(self) -> Iterator[bytes]:
        self._in_value = self._at_value = True
        self._field = self._field.removeprefix(_BOM)
        if self._field == b"event":
            self._name.clear()
        elif self._field == b"data":
            self._data_lines += 1
            if self._data_lines > 1:
                yield b"\n"

    def _end_of_line(self) -> Iterator[None]:
        is_empty = not self._in_value and not self._field
        self._in_value = False
        self._field.clear()
        if is_empty:
            if self._data_lines:
                yield None
            self._data_lines = 0
            self._name.clear()
