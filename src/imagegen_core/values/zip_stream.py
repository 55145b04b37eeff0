"""A zip file that is made piece by piece, for a stream that nobody can go back in."""

import struct
from datetime import UTC, datetime
from typing import IO
from zipfile import ZipFile, ZipInfo

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
        self._file = self._zip.open(_info(name, at.astimezone(UTC)), "w")
        self.is_empty = False

    def write(self, data: bytes) -> None:
        """Add bytes to the file that was begun last.

        Raises:
            ValueError: none was.
        """
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


def _info(name: str, at: datetime) -> ZipInfo:
    """Return the entry of a file: its time in UTC to two seconds, and in the field that Unix reads."""
    year = min(max(at.year, _EARLIEST_YEAR), _LATEST_YEAR)
    info = ZipInfo(name, (year, at.month, at.day, at.hour, at.minute, at.second))
    info.create_system, info.external_attr = _UNIX, _READABLE
    seconds = min(max(int(at.timestamp()), 0), _MAX_TIMESTAMP)
    info.extra = _TIMESTAMP.pack(_TIMESTAMP_TAG, _TIMESTAMP_BYTES, _HAS_MODIFICATION_TIME, seconds)
    return info
