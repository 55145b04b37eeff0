"""Decodes a chunked body, and finds its end in the bytes of its connection."""

import re

from imagegen_http.problems.messages import RequestProblem
from imagegen_http.server.request_head import InvalidRequest

_CRLF = b"\r\n"
_MAX_TINY_CHUNK_BYTES = 255
_MAX_TINY_CHUNKS = 256
_MAX_LINE_BYTES = 16 * 1024
"""For a chunk's size with its extensions, which are ignored, and for all trailers together."""

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_TRAILER = re.compile(
    rb"(?!(?i:content-length|transfer-encoding|host):)"
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n"
)


class ChunkedBody:
    """A body in chunks (RFC 9112, section 7.1); its trailers are dropped.

    Many chunks of a few bytes are refused: each costs as much work as a large one.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self._missing_bytes = 0
        self._line = bytearray()
        self._trailer_bytes = 0
        self._take_line = self._take_size

    def feed(self, data: bytearray, content: bytearray) -> int:
        """Add what ``data`` contains of the body to ``content``; return how many bytes of ``data`` it took.

        Raises:
            InvalidRequest: it is not chunked as HTTP/1.1 has it.
        """
        position = tiny_chunks = 0
        while position < len(data) and not self.is_complete:
            if self._missing_bytes:
                piece = data[position : position + self._missing_bytes]
                content += piece
                self._missing_bytes -= len(piece)
                position += len(piece)
            else:
                position = self._read_line(data, position)
                tiny_chunks += 0 < self._missing_bytes <= _MAX_TINY_CHUNK_BYTES
                if tiny_chunks > _MAX_TINY_CHUNKS:
                    raise InvalidRequest(RequestProblem.CHUNKS_TOO_SMALL())
        return position

    def _read_line(self, data: bytearray, position: int) -> int:
        """Add to the line that is being received; return the position of what follows."""
        end = data.find(b"\n", position) + 1 or len(data)
        self._line += data[position:end]
        if len(self._line) > _MAX_LINE_BYTES:
            raise _invalid()
        if self._line.endswith(b"\n"):
            line, self._line = bytes(self._line), bytearray()
            self._take_line(line)
        elif self._take_line == self._take_data_end and not _CRLF.startswith(self._line):
            raise _invalid()
        return end

    def _take_size(self, line: bytes) -> None:
        size = _SIZE_LINE.fullmatch(line)
        if size is None:
            raise _invalid()
        self._missing_bytes = int(size[1], 16)
        self._take_line = self._take_data_end if self._missing_bytes else self._take_trailer

    def _take_data_end(self, line: bytes) -> None:
        if line != _CRLF:
            raise _invalid()
        self._take_line = self._take_size

    def _take_trailer(self, line: bytes) -> None:
        self.is_complete = line == _CRLF
        self._trailer_bytes += len(line)
        if not self.is_complete and _TRAILER.fullmatch(line) is None:
            raise _invalid()
        if self._trailer_bytes > _MAX_LINE_BYTES:
            raise _invalid()


def _invalid() -> InvalidRequest:
    return InvalidRequest(RequestProblem.NOT_AN_HTTP_REQUEST())
