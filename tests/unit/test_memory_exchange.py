"""The exchange of the providers' tests."""

import pytest

from imagegen_core.errors import BlobMissing, CallError, FailureCode
from tests.contracts.provider import MemoryExchange

pytestmark = pytest.mark.anyio


async def parts(*chunks):
    for chunk in chunks:
        yield chunk


async def test_keeps_what_is_spooled():
    """What is spooled can be opened, and its size is told."""
    exchange = MemoryExchange()
    size = await exchange.spool("answer", parts(b"ab", b"c"), max_bytes=3)

    with exchange.open_spooled("answer") as file:
        assert (3, b"abc") == (size, file.read())


async def test_refuses_too_much():
    """More than allowed is a bad answer, and nothing of it is kept."""
    exchange = MemoryExchange()
    with pytest.raises(CallError) as caught:
        await exchange.spool("answer", parts(b"ab", b"cd"), max_bytes=3)

    assert FailureCode.BAD_RESPONSE == caught.value.failure.code
    with pytest.raises(BlobMissing):
        exchange.open_spooled("answer")
