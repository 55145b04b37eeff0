"""A write is tried again while the server does not answer or has no room, and only then."""

import pytest

from imagegen_adapters.stores.postgresql.files import retried
from imagegen_core.errors import StorageError, StorageFull, StorageUnreachable
from tests.contracts.clock import ManualClock

pytestmark = pytest.mark.anyio


class Server:
    """Takes a write once it has raised its errors."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.tries = 0

    async def write(self):
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "written"


async def test_a_server_that_is_back_in_time_gets_the_write():
    """After the waits in between."""
    clock, server = ManualClock(), Server(StorageUnreachable("away"), StorageFull("no room"))

    written = await retried(server.write, clock.sleep, (0.5, 1.0, 2.0))

    assert ("written", 3, 1.5) == (written, server.tries, clock.monotonic())


async def test_a_server_that_stays_away_is_an_error():
    """After all waits and one more try."""
    clock, server = ManualClock(), Server(*[StorageUnreachable("away")] * 9)

    with pytest.raises(StorageUnreachable):
        await retried(server.write, clock.sleep)

    assert (7, 31.5) == (server.tries, clock.monotonic())


async def test_a_refusal_is_raised_at_once():
    """It would be repeated."""
    server = Server(StorageError("refused"))

    with pytest.raises(StorageError):
        await retried(server.write, ManualClock().sleep)

    assert 1 == server.tries
