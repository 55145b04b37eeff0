"""OSS's checksum, by either library."""

import pytest

from imagegen_adapters.blob_stores.crc64 import CrcmodCrc64, LzmaCrc64


@pytest.mark.parametrize("kind", [CrcmodCrc64, LzmaCrc64])
@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([], 0),
        ([b""], 0),
        ([b"123456789"], 0x995DC9BBDF1939FA),
        ([b"1", b"", b"2345", b"6789"], 0x995DC9BBDF1939FA),
        ([b"\0" * 300_000, b"x"], 0xBC86DA5BECDBFCF2),
    ],
)
def test_the_checksum_is_crc_64_xz(kind, pieces, expected):
    """Both compute the same, however the bytes are cut."""
    crc = kind()
    for piece in pieces:
        crc.update(piece)

    assert expected == crc.value()
