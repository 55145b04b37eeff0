"""Reads a JSON response without its images: long strings stay in the spooled file, as offset and length.

A response with ten images of 20 MB each is 270 MB of text. What is parsed is that text with every string
above 64 KiB replaced by its first characters and a marker, so parsing takes kilobytes of memory whatever
the provider sends. A short response in memory is read on the event loop, since a thread would cost more
than the reading.
"""

import asyncio
import io
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any, BinaryIO, TypeVar

import attrs

from imagegen_adapters.providers.json_responses import bad_response, parse_json
from imagegen_adapters.providers.long_strings import (
    BLOCK_BYTES,
    MAX_JSON_BYTES,
    SpooledString,
    iterate_in_thread,
    read_without_long_strings,
)
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.tasks.attempt import MAX_INLINE_RESPONSE_BYTES

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class SpooledJson:
    """A parsed response in which markers, resolved by `spooled_string`, replace the long strings."""

    tree: Any
    _nonce: str

    def spooled_string(self, text: str) -> SpooledString | None:
        """Return where a shortened string is stored, None if ``text`` is complete."""
        _, marker, location = text.partition(self._nonce)
        if not marker:
            return None
        offset, _, length = location.partition(":")
        return SpooledString(offset=int(offset), length=int(length))

    def resolve(self, text: str) -> "str | SpooledString":
        """Return a string of the tree unchanged, or its location in the file if it was shortened."""
        return self.spooled_string(text) or text

    def resolved(self) -> Any:
        """Return the tree with a `SpooledString` in place of each shortened string.

        Raises:
            CallError: ``bad_response``; it is nested too deeply.
        """
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
        """Return the text for display: a shortened string without its marker."""
        return text.partition(self._nonce)[0]


def parse_spooled(file: BinaryIO) -> SpooledJson:
    """Parse a JSON file; blocks, so call it by `read_spooled`.

    Raises:
        CallError: ``bad_response``; it is empty, not JSON, or has too much JSON beside its images.
    """
    nonce = f"<{secrets.token_hex(16)}:"
    text = read_without_long_strings(file, nonce.encode())
    return SpooledJson(tree=parse_json(text), nonce=nonce)


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
    """Return a text that is not an image, inline or spooled; None for any other type. Blocks.

    Raises:
        CallError: ``bad_response``; it is longer than `MAX_JSON_BYTES`, or not UTF-8.
    """
    if not isinstance(text, SpooledString):
        return text if isinstance(text, str) else None
    if text.length > MAX_JSON_BYTES:
        raise bad_response(ResponseCode.RESPONSE_TEXT_TOO_LONG())
    file.seek(text.offset)
    return str(parse_json(b'"' + file.read(text.length) + b'"'))
