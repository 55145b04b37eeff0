"""CRC-64/XZ, the checksum that OSS keeps of every object (header ``x-oss-hash-crc64ecma``)."""

from fastcrc import crc64


class Crc64:
    """A running checksum; that of ``b"123456789"`` is 0x995DC9BBDF1939FA."""

    def __init__(self) -> None:
        self.value = 0

    @property
    def text(self) -> str:
        """The checksum as OSS's header has it."""
        return str(self.value)

    def update(self, data: bytes) -> None:
        """Take the next bytes in; other threads go on meanwhile."""
        self.value = crc64.xz(data, self.value)
