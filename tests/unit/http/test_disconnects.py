"""A client's disconnect cancels the work that only it needs."""

import asyncio

import pytest

from imagegen_core.errors import Unavailable
from imagegen_http.guard.delivery import unless_disconnected

pytestmark = pytest.mark.anyio


async def never():
    await asyncio.Event().wait()


async def test_the_result_of_finished_work_is_returned():
    """And nothing waits for the client any more."""

    async def work():
        return 7

    assert 7 == await unless_disconnected(never, work())


async def test_work_is_cancelled_when_the_client_disconnects():
    """It has ended, and cleaned up, before the call returns."""
    ended = []

    async def receive():
        return {"type": "http.disconnect"}

    async def work():
        try:
            await never()
        finally:
            ended.append(True)

    with pytest.raises(Unavailable):
        await unless_disconnected(receive, work())
    assert [True] == ended


async def test_an_error_of_the_work_is_raised():
    """As if it had been awaited directly."""

    async def work():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await unless_disconnected(never, work())
