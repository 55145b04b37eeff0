"""JSON responses: a short one is read whole, a long one without its images, which stay in the spooled file.

Ten images of 20 MB are 270 MB of text. So each string above 64 KiB is replaced by its start and a marker:
parsing takes kilobytes of memory, and an image is decoded from the file in chunks. A short response in
memory is read on the event loop, since a thread would cost more.
"""

import asyncio
import binascii
import contextlib
import io
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, BinaryIO, TypeVar

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import (
    CUT_OFF,
    ResponseCode,
    as_object,
    call_timeout,
    failure_of_status,
    is_from_upstream,
    parse_http_date,
    parse_retry_after,
    read_at_most,
    streamed_response,
    visible_text,
    with_model_warning,
)
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message
from imagegen_core.models import Model
from imagegen_core.values import valid_json

T = TypeVar("T")

# Of a JSON text. A million take a hundred megabytes, and the parser holds the GIL: a thread would not help
MAX_VALUES = 100_000
# JSON escapes of half a surrogate pair, or of NUL; only a response with one needs a pass over its tree
_MAY_BE_INVALID = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
MAX_INLINE_STRING_BYTES = 64 * 1024  # the longest string that is read into memory
MAX_JSON_BYTES = 4 * 1024 * 1024  # JSON without its long strings: no response with images has more
BLOCK_BYTES = 512 * 1024
_LINE_NAME = re.compile(rb'(?:custom_id|key)"\s{0,2}:\s{0,2}"([\w-]{36})"')
_DOWNLOAD_SECONDS = 12 * 3600.0
_PREVIEW_BYTES = 64
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_WHOLE_ESCAPES = re.compile(rb"(?:[^\\]++|\\u.{4}|\\[^u])*+", re.DOTALL)
_PLAIN = re.compile(rb"[ -\[\]-~]*+")
_UP_TO_QUOTE = re.compile(rb'(?:[^"\\]++|\\.)*+\\?', re.DOTALL)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_SPACE = b" \t\r\n"
_DATA_URI_HEAD = re.compile(rb"\s*data:[^,]*,", re.IGNORECASE)
_MAX_DATA_URI_HEAD_BYTES = 256


def parse_json(text: bytes) -> Any:
    """Parse a short response; all text in the result is valid Unicode."""
    if not text.strip():
        raise bad_response(ResponseCode.RESPONSE_EMPTY())
    if sum(map(text.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise bad_response(ResponseCode.RESPONSE_VALUES())
    try:
        tree = json.loads(text.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace"))
        return valid_json(tree) if _MAY_BE_INVALID.search(text) else tree
    except (ValueError, RecursionError) as error:
        excerpt = visible_text(text[:2000].decode("utf-8", "replace"))[:200]
        raise bad_response(ResponseCode.RESPONSE_NOT_JSON(text=excerpt)) from error


def bad_response(reason: Message) -> CallError:
    """Return the error for a response that cannot be read; the call may have been charged."""
    return CallError(FailureCode.BAD_RESPONSE, reason)


# ---------------------------------------------------------------- a server that answers in JSON


@attrs.frozen(kw_only=True)
class Answer:
    """A server's answer, or the start of it. No message made of it repeats any of the ``secrets``."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = attrs.field(default=b"", repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def is_success(self) -> bool:
        return httpx.codes.is_success(self.status)

    @cached_property
    def tree(self) -> Any:
        """The body; None unless it is JSON."""
        try:
            return parse_json(self.body)
        except CallError:
            return None

    def object(self, name: str) -> Mapping[str, Any]:
        """Return the object of that name, or an empty one."""
        return as_object(as_object(self.tree).get(name))

    def error(self, reason: Message, name: str | None, model: Model | None = None) -> CallError:
        """Return the error of a paid call; ``name`` is the server's own of it.

        Only 429 proves that nothing started: a 503 may come from a proxy that lost the response. A date to
        wait for is compared with the response's own.
        """
        code, now = failure_of_status(self.status), parse_http_date(self.headers.get("date", ""))
        is_rate_limited = code is FailureCode.RATE_LIMITED
        seconds = parse_retry_after(self.headers.get("retry-after"), now) if is_rate_limited else None
        return CallError(
            code,
            with_model_warning(model, code, reason),
            not_started=is_rate_limited,
            retry_after=seconds,
            upstream_status=self.status,
            upstream_code=name,
        )


@attrs.frozen(kw_only=True)
class Api:
    """One configuration's server; requests raise `CallError` as `map_transport_errors` does."""

    outbound: Outbound
    config: ProviderConfig
    base: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    seconds: float  # for a request that starts nothing
    max_bytes: int  # of an answer to it

    async def ask(self, method: str, path: str, **content: Any) -> Answer:
        """Send a request that starts nothing, with ``json`` or a form of ``data`` and ``files``."""
        async with self.response_to(method, path, **content) as response:
            return await self.answer_of(response)

    async def checked(
        self,
        method: str,
        path: str,
        *,
        error: Callable[[Answer], CallError],
        absent: tuple[int, ...] = (),
        **content: Any,
    ) -> Answer:
        """Return a success, or an answer of the provider's own with an ``absent`` status; else raise."""
        answer = await self.ask(method, path, **content)
        if answer.is_success and answer.body.strip():
            parse_json(answer.body)
        elif not answer.is_success and (
            answer.status not in absent or not is_from_upstream(answer.status, answer.body)
        ):
            raise error(answer)
        return answer

    def download(self, path: str) -> AsyncIterator[bytes]:
        """Yield a file, which may have gigabytes; one that stalls ends earlier than after hours."""
        return self.outbound.download(
            self.base + path,
            config=self.config,
            headers=self.headers,
            max_bytes=2**40,
            timeout=_DOWNLOAD_SECONDS,
        )

    def response_to(
        self,
        method: str,
        path: str,
        *,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
        """Yield the response, its body unread."""
        client, headers = self.outbound.api_client(self.config), {**self.headers, **(headers or {})}
        timeout = call_timeout(self.seconds if seconds is None else seconds)
        request = client.build_request(method, self.base + path, headers=headers, timeout=timeout, **content)
        return streamed_response(client, request)

    async def answer_of(self, response: httpx.Response) -> Answer:
        """Read an answer; the status of an error counts even if its body is cut off."""
        body = await read_at_most(response, self.max_bytes, cut_off=() if response.is_success else CUT_OFF)
        status, headers = response.status_code, response.headers
        return Answer(status=status, headers=headers, body=body, secrets=self.secrets)


# ---------------------------------------------------------------- long strings


@attrs.frozen(kw_only=True)
class SpooledString:
    """Where a string's text is in the file; ``length`` is in bytes, escapes included."""

    offset: int
    length: int


async def decode_chunks(open_file: Callable[[], BinaryIO], text: str | SpooledString) -> AsyncIterator[bytes]:
    """Yield a resolved base64 string's bytes in blocks of at most 512 KiB; a file is read in a thread."""
    if isinstance(text, str):
        for block in decode_base64([text.encode("utf-8", "replace")]):
            yield block
        return
    with open_file() as file:
        async for block in iterate_in_thread(decode_base64(read_string(file, text))):
            yield block


async def iterate_in_thread(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    iterator = iter(blocks)
    while (block := await asyncio.to_thread(next, iterator, None)) is not None:
        yield block


def read_string(file: BinaryIO, string: SpooledString) -> Iterator[bytes]:
    """Yield a spooled string's bytes, unescaped, in blocks of at most 512 KiB. Blocks while reading."""
    position, end, remainder = string.offset, string.offset + string.length, b""
    while position < end:
        file.seek(position)
        block = file.read(min(BLOCK_BYTES, end - position))
        if not block:
            break
        position += len(block)
        block, remainder = remainder + block, b""
        if b"\\" in block:
            if position < end and (whole := _WHOLE_ESCAPES.match(block)):
                block, remainder = whole[0], block[whole.end() :]
            block = _ESCAPE.sub(_unescaped, block)
        yield block


def _unescaped(match: "re.Match[bytes]") -> bytes:
    if match[1] is not None:
        return chr(int(match[1], 16)).encode("utf-8", "replace")
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}.get(match[2], match[2])


def decode_base64(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Decode base64, a block at a time: both alphabets, padding or none, white space.

    A data URI's head, ``data:image/png;base64,``, is skipped; the first block has all of it.
    """
    remainder, size = b"", 0
    for number, block in enumerate(blocks):
        head = None if number else _DATA_URI_HEAD.match(block, 0, _MAX_DATA_URI_HEAD_BYTES)
        rest = block[head.end() :] if head else block
        text = remainder + rest.translate(_URL_SAFE, _SPACE).rstrip(b"=")
        size += len(text)
        remainder = text[len(text) // 4 * 4 :]
        if len(text) > len(remainder):
            yield _decoded(text[: len(text) - len(remainder)])
    if remainder:
        yield _decoded(remainder + b"=" * (-len(remainder) % 4))
    if not size:
        raise bad_response(ResponseCode.RESPONSE_IMAGE_EMPTY())


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise bad_response(ResponseCode.RESPONSE_IMAGE_NOT_BASE64()) from error


@attrs.frozen(kw_only=True)
class SpooledJson:
    """A parsed response with a marker, which `resolve` reads, in place of each long string."""

    tree: Any
    _nonce: str

    def resolve(self, text: str) -> str | SpooledString:
        """Return a string of the tree unchanged, or its place in the file if it was shortened."""
        _, marker, location = text.partition(self._nonce)
        if not marker:
            return text
        offset, _, length = location.partition(":")
        return SpooledString(offset=int(offset), length=int(length))

    def resolved(self) -> Any:
        """Return the tree with a `SpooledString` in place of each shortened string."""
        try:
            return self._resolved(self.tree)
        except RecursionError as error:
            raise bad_response(ResponseCode.RESPONSE_TOO_DEEP()) from error

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._resolved(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item) for item in value]
        return self.resolve(value) if isinstance(value, str) else value

    def display_text(self, text: str) -> str:
        """Return a shortened string without its marker."""
        return text.partition(self._nonce)[0]


def parse_spooled(file: BinaryIO) -> SpooledJson:
    """Parse a JSON file, with nonce, offset and length in place of long strings. Blocks."""
    nonce = f"<{secrets.token_hex(16)}:"
    text = file.read(MAX_INLINE_STRING_BYTES)
    if len(text) == MAX_INLINE_STRING_BYTES:  # else it is too short for a long string
        file.seek(0)
        text = _shortened(file, nonce)
    return SpooledJson(tree=parse_json(text), nonce=nonce)


def _shortened(file: BinaryIO, nonce: str) -> bytes:
    output, string = bytearray(), bytearray()  # the string that is read, until it is known to be long
    offset, start = 0, -1  # of the block, and of the string's first byte: -1 between strings
    while block := file.read(BLOCK_BYTES):
        if (len(block) - len(block.rstrip(b"\\"))) % 2:
            block += file.read(1)  # what the last backslash escapes
        position = 0
        while position < len(block):
            end = _next_quote(block, position)
            if start < 0:
                output += block[position : end + 1]
            elif len(string) <= MAX_INLINE_STRING_BYTES:
                string += block[position:end]
            if end < len(block) and start < 0:
                start = offset + end + 1
            elif end < len(block):
                length = offset + end - start
                if length > MAX_INLINE_STRING_BYTES:
                    head = _PLAIN.match(string, 0, _PREVIEW_BYTES)
                    string[head.end() if head else 0 :] = f"{nonce}{start}:{length}".encode()
                output += string + b'"'
                string.clear()
                start = -1
            position = end + 1
        offset += len(block)
        if len(output) > MAX_JSON_BYTES:
            raise bad_response(ResponseCode.RESPONSE_JSON())
    return bytes(output + string)


def _next_quote(block: bytes, position: int) -> int:
    """Return the position of the next quote that is not escaped, or the length of the block."""
    quote = block.find(b'"', position)
    end = len(block) if quote < 0 else quote
    if block.find(b"\\", position, end) < 0:
        return end
    text = _UP_TO_QUOTE.match(block, position)
    return text.end() if text else end


def parse_line(file: BinaryIO, *, is_whole: bool) -> Mapping[str, Any]:
    """Parse a line of a batch job's answers; of one that ``is_whole`` all the same, return at least the name.

    That one counts as a success, so that it is kept with its task once no image is found in it. Blocks.
    """
    try:
        return as_object(parse_spooled(file).tree)
    except CallError:
        file.seek(0)
        tail = b""
        while is_whole and (block := file.read(BLOCK_BYTES)):
            if match := _LINE_NAME.search(tail + block):
                name = match[1].decode()
                return {"custom_id": name, "key": name, "response": {"status_code": 200}}
            tail = block[-_PREVIEW_BYTES:]
        raise


def part_of(tree: Any, names: Iterable[str]) -> Any:
    """Return the part of a tree that is under these names, one in the other; None if there is none."""
    for name in names:
        tree = as_object(tree).get(name)
    return tree


async def read_spooled(open_file: Callable[[], BinaryIO], read: Callable[[BinaryIO], T]) -> T:
    """Return what ``read`` returns for a response; in a thread, unless that is short and in memory."""
    with open_file() as file:
        return read(file) if _is_short(file) else await asyncio.to_thread(read, file)


async def read_blocks(open_file: Callable[[], BinaryIO]) -> AsyncIterator[bytes]:
    """Yield a spooled response in blocks of at most 512 KiB, each read as by `read_spooled`."""
    with open_file() as file:
        if _is_short(file):
            yield file.read(BLOCK_BYTES)
            return
        async for block in iterate_in_thread(iter(lambda: file.read(BLOCK_BYTES), b"")):
            yield block


def _is_short(file: BinaryIO) -> bool:
    return isinstance(file, io.BytesIO) and file.getbuffer().nbytes <= MAX_INLINE_RESPONSE_BYTES


def read_text(file: BinaryIO, text: Any) -> str | None:
    """Return a string of the response, inline or spooled; None for any other type. Blocks."""
    if not isinstance(text, SpooledString):
        return text if isinstance(text, str) else None
    if text.length > MAX_JSON_BYTES:
        raise bad_response(ResponseCode.RESPONSE_TEXT_TOO_LONG())
    file.seek(text.offset)
    return str(parse_json(b'"' + file.read(text.length) + b'"'))
