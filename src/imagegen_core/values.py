"""Small values and functions that every module may use."""

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

T = TypeVar("T")


async def in_batches(items: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    """Yield the items in lists of ``size``; only the last one may be shorter."""
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class ByteBudget:
    """Counts the bytes that are held at once, of at most ``max_bytes``; for one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0

    def take(self, size: int) -> bool:
        """Count more bytes as held, unless that would be too many; return whether they are."""
        if self.held_bytes + size > self.max_bytes:
            return False
        self.held_bytes += size
        return True

    def give_back(self, size: int) -> None:
        """Count bytes that were taken as held no longer."""
        self.held_bytes -= size


_MAX_FILE_NAME_CHARS = 60
_MAX_FILE_NAME_BYTES = 200  # of 255 that file systems take: number and ending follow
_UNSAFE = frozenset('/\\:*?"<>|')
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that end lines, reverse the reading direction, or are not characters."""

_JOINERS = "\u200c\u200d"
"""Invisible too, but Persian words and emoji sequences fall apart without them."""


def file_name(prompt: str, image_id: int, extension: str) -> str:
    """Return a file name for a downloaded image, derived from its prompt in any script."""
    words = " ".join("".join(map(_plain, prompt[: 8 * _MAX_FILE_NAME_CHARS])).split())
    short = words[:_MAX_FILE_NAME_CHARS].encode()[:_MAX_FILE_NAME_BYTES].decode(errors="ignore")
    return f"{short.strip(f' .{_JOINERS}') or 'image'}-{image_id}.{extension}"


def _plain(character: str) -> str:
    """Return the character, or a space if file systems refuse it or it could deceive a reader."""
    if character in _JOINERS:
        return character
    unwanted = character in _UNSAFE or unicodedata.category(character) in _INVISIBLE
    return " " if unwanted else character


REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Replaces each invalid character."""

MAX_DEPTH = 64
"""Maximum nesting of stored JSON; deeper values would overflow the stack when they are serialised."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def valid_text(text: str) -> str:
    """Return the text with NUL and lone surrogates replaced by U+FFFD."""
    text = text.replace("\x00", REPLACEMENT)
    try:
        text.encode()  # ten times faster than the pattern: texts of a megabyte are common
    except UnicodeEncodeError:
        return _SURROGATE.sub(REPLACEMENT, text)
    return text


def valid_json(value: Any) -> Any:
    """Return plain values made storable, at any depth; mappings become dicts.

    Strings and keys are made valid. Non-finite numbers and anything nested deeper than `MAX_DEPTH` become
    None.
    """
    return _valid(value, MAX_DEPTH)


def _valid(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, Mapping):
        return {valid_text(str(k)): _valid(v, depth - 1) for k, v in value.items()} if depth > 0 else None
    if isinstance(value, list | tuple):
        return [_valid(item, depth - 1) for item in value] if depth > 0 else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return plain values with every string and key changed, at any depth."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(str(name)): map_texts(item, change) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [map_texts(item, change) for item in value]
    return value


_EMPTY: Mapping[str, Any] = MappingProxyType({})


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy; used as an attrs converter."""
    return MappingProxyType(dict(value)) if value else _EMPTY


def frozen_json(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a read-only copy of JSON that an adapter received from a provider, every string made valid."""
    return MappingProxyType(valid_json(value))


class IdentityCache(Generic[T]):
    """Keeps the result of a pure function for the very objects that it was called with.

    They are found by identity: to compare configurations would take longer than to use them, and would open
    their keys. A result is dropped with the first of its objects, so there are never more of them than the
    objects allow, and a secret in one does not outlive the configuration that it is from. A result must not
    refer to its own objects.
    """

    def __init__(self) -> None:
        self._results: dict[tuple[int, ...], tuple[T, tuple[weakref.ref[object], ...]]] = {}

    def result_for(self, objects: Sequence[object], make: Callable[[], T]) -> T:
        """Return what ``make`` returned for these objects before, or returns now; errors are not kept."""
        key = tuple(map(id, objects))
        entry = self._results.get(key)
        if entry is None:
            result = make()
            references = tuple(weakref.ref(each, lambda _: self._results.pop(key, None)) for each in objects)
            entry = self._results[key] = (result, references)
        return entry[0]


Progress = Callable[[int, int | None], None]
"""Called with the number of items done and the total; the total is None while it is unknown."""


def no_progress(done: int, total: int | None) -> None:
    """Ignore the report."""


QUARTER_SECONDS = 900
"""Every time zone's days begin with a quarter of an hour."""


def quarter_of(moment: datetime) -> int:
    """Return the quarter of an hour that a time is in, counted since 1970."""
    return int(moment.timestamp() // QUARTER_SECONDS)


@attrs.frozen(kw_only=True)
class CalendarDays:
    """Days of a time zone in their order, and the quarter with which each begins, followed by the end.

    The first one begins and the last one ends where the time does that they are of.
    """

    days: tuple[date, ...]
    bounds: tuple[int, ...]

    @classmethod
    def between(cls, first: int, last: int, zone: tzinfo) -> "CalendarDays":
        """Return the days from the first quarter to the last one, both included; none if it is earlier."""
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
    """Takes files one after the other; what has come of the zip file is taken in between.

    Images are compressed already, so they are stored as they are. Sizes and checksums follow each file, since
    nobody knows them before. Only names and numbers are kept, for the directory at the end.
    """

    def __init__(self) -> None:
        self._output = _Output()
        self._zip = ZipFile(self._output, "w")  # type: ignore[call-overload] # nothing else is needed of it
        self._file: IO[bytes] | None = None
        self.is_empty = True

    def begin(self, name: str, at: datetime) -> None:
        """Begin a file that was made at that time, after ending the one before."""
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
        """Add bytes to the file that was begun last; a `ValueError` if none was."""
        if self._file is None:
            raise ValueError("no file was begun")
        self._file.write(data)

    def end(self) -> None:
        """End the file that was begun last."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def close(self) -> None:
        """End the zip file with its directory, without which no program takes it for whole."""
        self.end()
        self._zip.close()

    def take(self) -> bytes:
        """Return what has come since the last time."""
        return self._output.take()


class _Output:
    """Holds what was written until it is taken."""

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
