"""CRC-64/XZ, the checksum that OSS keeps of every object (header ``x-oss-hash-crc64ecma``).

crcmod does some 350 MB/s with its C extension. Without a compiler pip installs it without that and it
does 12 MB/s while holding the interpreter lock. The XZ container has the very same checksum, so then we let
liblzma compute it: as slow, but other threads go on. The check value of ``b"123456789"`` is
0x995DC9BBDF1939FA.
"""

import lzma
import sys
from typing import Protocol

_POLYNOMIAL = 0x142F0E1EBA9EA3693
_ALL_ONES = 0xFFFFFFFFFFFFFFFF
_CHEAPEST = {
    "id": lzma.FILTER_LZMA2,
    "dict_size": 4096,
    "mode": lzma.MODE_FAST,
    "mf": lzma.MF_HC3,
    "nice_len": 3,
    "depth": 1,
    "lc": 0,
    "lp": 0,
    "pb": 0,
}


class Crc64(Protocol):
    """A running checksum."""

    def update(self, data: bytes) -> None:
        """Take the next bytes in."""
        ...

    def value(self) -> int:
        """Return the checksum of all bytes; nothing may be taken in after that."""
        ...


def fast_crc64_available() -> bool:
    """Tell whether crcmod is there with its C extension, so that a checksum costs next to nothing."""
    try:
        import crcmod.crcmod  # noqa: F401 - its module-level flag is read below
    except ImportError:
        return False
    return bool(getattr(sys.modules["crcmod.crcmod"], "_usingExtension", False))


def new_crc64() -> Crc64:
    """Return a fresh checksum, by the quickest way that does not hold the interpreter lock for long."""
    return CrcmodCrc64() if fast_crc64_available() else LzmaCrc64()


class CrcmodCrc64:
    """The checksum by crcmod."""

    def __init__(self) -> None:
        import crcmod

        self._crc = crcmod.Crc(_POLYNOMIAL, initCrc=0, rev=True, xorOut=_ALL_ONES)

    def update(self, data: bytes) -> None:
        """Take the next bytes in."""
        self._crc.update(data)

    def value(self) -> int:
        """Return the checksum of all bytes."""
        return int(self._crc.crcValue)


class LzmaCrc64:
    """The checksum that liblzma writes behind the block of an ``.xz`` file.

    The end of the file is: padded block, check (8 bytes), index, footer (12 bytes), where bytes 4 to 7
    of the footer hold the index's length / 4 - 1. [The .xz File Format, sections 2.1.2, 3.4 and 4]
    """

    _FOOTER = 12
    _KEPT = 128  # more than check, index of one block and footer ever take

    def __init__(self) -> None:
        self._xz = lzma.LZMACompressor(lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, filters=[_CHEAPEST])
        self._tail = b""
        self._empty = True

    def update(self, data: bytes) -> None:
        """Take the next bytes in."""
        if data:
            self._empty = False
            self._tail = (self._tail + self._xz.compress(data))[-self._KEPT :]

    def value(self) -> int:
        """Return the checksum of all bytes."""
        if self._empty:  # a file without a block has no check
            return 0
        tail = self._tail + self._xz.flush()
        footer = tail[-self._FOOTER :]
        index = (int.from_bytes(footer[4:8], "little") + 1) * 4
        end = len(tail) - self._FOOTER - index
        return int.from_bytes(tail[end - 8 : end], "little")
