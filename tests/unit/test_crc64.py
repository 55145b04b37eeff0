"""OSS's checksum."""

import pytest

from imagegen_adapters.archives.oss import Crc64


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
def test_the_checksum_is_crc_64_xz(pieces, expected):
    """However the bytes are cut."""
    crc = Crc64()
    for piece in pieces:
        crc.update(piece)

    assert expected == crc.value
