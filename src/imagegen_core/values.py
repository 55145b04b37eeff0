"""Small values and functions for every module."""

import math
import re
import struct
import unicodedata
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import IO, Any, Generic, TypeVar
from zipfile import ZipFile, ZipInfo

import attrs

__path__: list[str] = []  # whoever imports what was here is told what moved
T = TypeVar("T")


async def in_batches(items: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """Yield the items in lists of ``size``; the last may be shorter."""
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class ByteBudget:
    """Limits the bytes held in memory at once; for one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0

    def take(self, size: int) -> bool:
        """Reserve bytes if they fit; return whether they did."""
        if self.held_bytes + size > self.max_bytes:
            return False
        self.held_bytes += size
        return True

    def give_back(self, size: int) -> None:
        self.held_bytes -= size


_MAX_FILE_NAME_CHARS = 60
_MAX_FILE_NAME_BYTES = 200  # of 255 that file systems take: number and ending follow
_UNSAFE = frozenset('/\\:*?"<>|')
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that end lines, reverse the reading direction, or are not characters."""

_JOINERS = "\u200c\u200d"  # invisible too, but Persian words and emoji need them


def file_name(prompt: str, image_id: int, extension: str) -> str:
    """Return a safe file name for a download, from a prompt in any script."""
    words = " ".join("".join(map(_plain, prompt[: 8 * _MAX_FILE_NAME_CHARS])).split())
    short = words[:_MAX_FILE_NAME_CHARS].encode()[:_MAX_FILE_NAME_BYTES].decode(errors="ignore")
    return f"{short.strip(f' .{_JOINERS}') or 'image'}-{image_id}.{extension}"


def _plain(character: str) -> str:
    """Replace a character that file systems refuse, or that could deceive a reader, by a space."""
    if character in _JOINERS:
        return character
    return " " if character in _UNSAFE or unicodedata.category(character) in _INVISIBLE else character


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MAX_DEPTH = 64  # maximum nesting of stored JSON; deeper values would overflow the stack when serialised
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """Return the text with NUL and lone surrogates replaced by U+FFFD."""
    text = text.replace("\x00", REPLACEMENT)
    try:
        text.encode()  # ten times faster than the pattern: texts of a megabyte are common
    except UnicodeEncodeError:
        return _SURROGATE.sub(REPLACEMENT, text)
    return text


def valid_json(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return storable JSON: texts made valid, NaN, infinity and all below ``depth`` as None."""
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, Mapping):
        return {valid_text(str(k)): valid_json(v, depth - 1) for k, v in value.items()} if depth > 0 else None
    if isinstance(value, (list, tuple)):
        return [valid_json(item, depth - 1) for item in value] if depth > 0 else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Apply ``change`` to every string and key, at any depth."""
    if isinstance(value, str):
        return change(value)
    if value is None or isinstance(value, (int, float)):  # a tenth of what the next question costs
        return value
    if isinstance(value, Mapping):
        return {change(str(name)): map_texts(item, change) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [map_texts(item, change) for item in value]
    return value


_EMPTY: Mapping[str, Any] = MappingProxyType({})


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy; an attrs converter."""
    return MappingProxyType(dict(value)) if value else _EMPTY


def frozen_json(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy of a provider's JSON, every string made valid."""
    return MappingProxyType(valid_json(value))


class IdentityCache(Generic[T]):
    """Caches a pure function by the identity of its arguments.

    Comparing configurations would open their keys. An entry goes with the first of its arguments, so that no
    secret outlives its configuration. A result must not refer to its own arguments.
    """

    def __init__(self) -> None:
        self._results: dict[tuple[int, ...], tuple[T, tuple[weakref.ref[object], ...]]] = {}

    def result_for(self, objects: Sequence[object], make: Callable[[], T]) -> T:
        """Return the cached or the new result; errors are not cached."""
        key = tuple(map(id, objects))
        entry = self._results.get(key)
        if entry is None:
            result = make()
            references = tuple(weakref.ref(each, lambda _: self._results.pop(key, None)) for each in objects)
            entry = self._results[key] = (result, references)
        return entry[0]


QUARTER_SECONDS = 900  # every time zone's days begin at a quarter of an hour


def quarter_of(moment: datetime) -> int:
    """Return the quarter of an hour of a time, counted since 1970."""
    return int(moment.timestamp() // QUARTER_SECONDS)


@attrs.frozen(kw_only=True)
class CalendarDays:
    """Days of a time zone in order; ``bounds`` are the quarters at which they begin, and the end.

    The first and the last day are cut off where the span ends.
    """

    days: tuple[date, ...]
    bounds: tuple[int, ...]

    @classmethod
    def between(cls, first: int, last: int, zone: tzinfo) -> "CalendarDays":
        """Return the days from the first to the last quarter, both included."""
        if first > last:
            return cls(days=(), bounds=())
        day, end = (
            datetime.fromtimestamp(quarter * QUARTER_SECONDS, zone).date() for quarter in (first, last)
        )
        days = tuple(day + timedelta(days=number) for number in range((end - day).days + 1))
        midnights = (datetime.combine(each, time(), zone) for each in days[1:])
        return cls(days=days, bounds=(first, *map(quarter_of, midnights), last + 1))


_UNIX = 3
_READABLE = 0o644 << 16
_EARLIEST_YEAR, _LATEST_YEAR = 1980, 2107
_TIMESTAMP = struct.Struct("<HHBi")
_TIMESTAMP_TAG, _TIMESTAMP_BYTES, _HAS_MODIFICATION_TIME = 0x5455, 5, 1
_MAX_TIMESTAMP = 2**31 - 1


class ZipStream:
    """Writes a zip file piece by piece; `take` returns what was written since the last call.

    Files are stored uncompressed, with size and checksum after each. Only names and numbers stay in memory.
    """

    def __init__(self) -> None:
        self._output = _ZipBuffer()
        self._zip = ZipFile(self._output, "w")  # type: ignore[call-overload] # nothing else is needed of it
        self._file: IO[bytes] | None = None
        self.is_empty = True

    def begin(self, name: str, at: datetime) -> None:
        """Begin a file dated ``at``, after ending the one before."""
        self.end()
        at = at.astimezone(UTC)
        year = min(max(at.year, _EARLIEST_YEAR), _LATEST_YEAR)
        # In UTC: to two seconds where every program reads it, to one in the field that Unix reads.
        info = ZipInfo(name, (year, at.month, at.day, at.hour, at.minute, at.second))
        info.create_system, info.external_attr = _UNIX, _READABLE
        seconds = min(max(int(at.timestamp()), 0), _MAX_TIMESTAMP)
        info.extra = _TIMESTAMP.pack(_TIMESTAMP_TAG, _TIMESTAMP_BYTES, _HAS_MODIFICATION_TIME, seconds)
        self._file = self._zip.open(info, "w")
        self.is_empty = False

    def write(self, data: bytes) -> None:
        if self._file is None:
            raise ValueError("no file was begun")
        self._file.write(data)

    def end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def close(self) -> None:
        """End the zip file with its directory, without which it counts as truncated."""
        self.end()
        self._zip.close()

    def take(self) -> bytes:
        return self._output.take()


class _ZipBuffer:
    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: what was written is there."""

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


@attrs.define(kw_only=True)
class PassProgress:
    """How far a pass is; ``total`` is None while it is not known."""

    name: str = ""
    done: int = 0
    total: int | None = None

    def add(self, count: int = 1) -> None:
        """Count what the pass has dealt with."""
        self.done += count
        if self.total is not None:
            self.total = max(self.total, self.done)
