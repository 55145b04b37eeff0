"""Reads HTTP/1.1: the request line by one expression, the header fields by llhttp, and chunked bodies.

Whatever a proxy could read differently is refused; else request smuggling is possible (RFC 9112, 11.2).
"""

import re
from types import SimpleNamespace
from urllib.parse import unquote

import attrs
import httptools

from imagegen_core.messages import Message, ProblemCode
from imagegen_http.errors import RequestProblem
from imagegen_http.guard.asgi import Scope

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100  # more are refused unparsed: 32 KiB of one-letter headers would take two megabytes

_SPACE = 0x20
_HEAD_END = re.compile(rb"\n\r?\n")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/(1\.[01])\r\n")
_ANY_REQUEST_LINE = b"GET / HTTP/1.1\r\n"  # for llhttp, which does not take every method
_LENGTH = re.compile(rb"[0-9]{1,19}")
_FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"})


class InvalidRequest(Exception):
    """The input is not HTTP/1.1 as we read it."""

    def __init__(self, reason: Message | None = None) -> None:
        self.reason = reason or RequestProblem.NOT_AN_HTTP_REQUEST()
        super().__init__(str(self.reason))


@attrs.frozen(kw_only=True)
class RequestHead:
    """The ASGI scope but for the fields of the connection; ``content_length`` is None for a chunked body."""

    scope: Scope
    content_length: int | None
    keep_alive: bool
    expects_continue: bool


def find_head(received: bytearray, searched_bytes: int) -> int:
    """Return the length of the head, 0 if it is not complete. ``searched_bytes`` hold no end of it."""
    if received[0] <= _SPACE:
        raise InvalidRequest
    end = _HEAD_END.search(received, max(0, searched_bytes - len(b"\n\r")))
    if received.count(b"\n", 0, end.start() if end else len(received)) > MAX_HEADERS:
        raise InvalidRequest(RequestProblem.TOO_MANY_HEADERS(maximum=MAX_HEADERS))
    if (end.end() if end else len(received)) > MAX_HEAD_BYTES:
        raise InvalidRequest(ProblemCode.TOO_MANY_BYTES(maximum=MAX_HEAD_BYTES))
    return end.end() if end else 0


def parse_head(head: bytes) -> RequestHead:
    """Names of headers are in lower case."""
    head = _with_crlf(head)
    line = _REQUEST_LINE.match(head)
    if line is None:
        is_ascii = head.partition(b"\r\n")[0].isascii()
        raise InvalidRequest(None if is_ascii else RequestProblem.ADDRESS_NOT_ENCODED())
    headers = _header_fields(head[line.end() :])
    framing: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _FRAMING:
            framing.setdefault(name, []).append(value)
    method, target, version = line.groups()
    is_current = version == b"1.1"
    if len(framing.get(b"host", ())) > 1 or (is_current and b"host" not in framing):
        raise InvalidRequest
    raw_path, _, query = target.partition(b"?")
    path = raw_path.decode("ascii")
    return RequestHead(
        scope={
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version.decode(),
            "scheme": "http",
            "method": method.decode(),
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": headers,
        },
        content_length=_content_length(framing, may_be_chunked=is_current),
        keep_alive=is_current and b"close" not in _tokens(framing.get(b"connection", [])),
        expects_continue=is_current and b"100-continue" in _tokens(framing.get(b"expect", [])),
    )


def _with_crlf(head: bytes) -> bytes:
    """Return the head with CRLF for each bare LF, which RFC 9112 lets a server accept."""
    line_ends = head.count(b"\r\n")
    if head.count(b"\r") != line_ends:
        raise InvalidRequest
    if head.count(b"\n") == line_ends:
        return head
    return head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _header_fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []

    def on_header(name: bytes, value: bytes) -> None:
        headers.append((name.lower(), value.rstrip(b" \t")))

    try:
        httptools.HttpRequestParser(SimpleNamespace(on_header=on_header)).feed_data(_ANY_REQUEST_LINE + lines)
    except httptools.HttpParserUpgrade:
        pass  # an upgrade is ignored, as RFC 9110 allows: there are no websockets here
    except httptools.HttpParserError as error:
        raise InvalidRequest from error
    return headers


def _content_length(framing: dict[bytes, list[bytes]], *, may_be_chunked: bool) -> int | None:
    """Return the length of the body, None if it is chunked; two lengths are refused."""
    lengths, codings = framing.get(b"content-length", []), framing.get(b"transfer-encoding", [])
    if not codings and not lengths:
        return 0
    if not codings and len(lengths) == 1 and _LENGTH.fullmatch(lengths[0]):
        return int(lengths[0])
    if may_be_chunked and not lengths and [coding.lower() for coding in codings] == [b"chunked"]:
        return None
    raise InvalidRequest


def _tokens(values: list[bytes]) -> list[bytes]:
    return [token.strip() for value in values for token in value.lower().split(b",")]


_CRLF = b"\r\n"
_MAX_TINY_CHUNK_BYTES = 255
_MAX_TINY_CHUNKS = 256  # in one read
_MAX_LINE_BYTES = 16 * 1024  # of a chunk's size with its extensions, and of all trailers together
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n")
_TRAILER = re.compile(
    rb"(?!(?i:content-length|transfer-encoding|host):)"
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n"
)


class RequestBody:
    """A body, in chunks if ``length`` is None (RFC 9112, 7.1). Many tiny chunks are refused: each is work."""

    def __init__(self, length: int | None) -> None:
        self._is_chunked = length is None
        self._missing_bytes = length or 0
        self.is_complete = length == 0
        self._line = bytearray()
        self._trailer_bytes = 0
        self._take_line = RequestBody._take_size  # a bound method would be a cycle for the garbage collector

    def feed(self, data: bytearray, content: bytearray) -> int:
        """Add the body's bytes of ``data`` to ``content``; return how many bytes of it were read."""
        position = tiny_chunks = 0
        while position < len(data) and not self.is_complete:
            if self._missing_bytes:
                end = min(position + self._missing_bytes, len(data))
                content += memoryview(data)[position:end]
                self._missing_bytes -= end - position
                position = end
                self.is_complete = not (self._is_chunked or self._missing_bytes)
            else:
                position = self._read_line(data, position)
                tiny_chunks += 0 < self._missing_bytes <= _MAX_TINY_CHUNK_BYTES
                if tiny_chunks > _MAX_TINY_CHUNKS:
                    raise InvalidRequest(RequestProblem.CHUNKS_TOO_SMALL())
        return position

    def _read_line(self, data: bytearray, position: int) -> int:
        end = data.find(b"\n", position) + 1 or len(data)
        self._line += data[position:end]
        if len(self._line) > _MAX_LINE_BYTES:
            raise InvalidRequest
        if self._line.endswith(b"\n"):
            line, self._line = bytes(self._line), bytearray()
            self._take_line(self, line)
        elif self._take_line is RequestBody._take_data_end and not _CRLF.startswith(self._line):
            raise InvalidRequest
        return end

    def _take_size(self, line: bytes) -> None:
        size = _SIZE_LINE.fullmatch(line)
        if size is None:
            raise InvalidRequest
        self._missing_bytes = int(size[1], 16)
        has_data = self._missing_bytes > 0
        self._take_line = RequestBody._take_data_end if has_data else RequestBody._take_trailer

    def _take_data_end(self, line: bytes) -> None:
        if line != _CRLF:
            raise InvalidRequest
        self._take_line = RequestBody._take_size

    def _take_trailer(self, line: bytes) -> None:
        self.is_complete = line == _CRLF
        self._trailer_bytes += len(line)
        is_trailer = self.is_complete or _TRAILER.fullmatch(line) is not None
        if not is_trailer or self._trailer_bytes > _MAX_LINE_BYTES:
            raise InvalidRequest
