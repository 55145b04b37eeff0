"""When a response counts as delivered."""

import asyncio

import pytest

from imagegen_http.guard.delivery import CONNECTION, OpenConnection, wait_for_delivery

pytestmark = pytest.mark.anyio


class Line:
    """A transport whose peer acknowledges its bytes step by step, one step for each poll."""

    def __init__(self, *unconfirmed):
        self.unconfirmed = list(unconfirmed)
        self.closing = False

    def get_write_buffer_size(self):
        return self.unconfirmed.pop(0) if len(self.unconfirmed) > 1 else self.unconfirmed[0]

    def is_closing(self):
        return self.closing

    def get_extra_info(self, name):
        return None


async def arrives(*unconfirmed, before=lambda connection, disconnect: None, meanwhile=None, seconds=9.0):
    connection, disconnect = OpenConnection(Line(*unconfirmed)), asyncio.get_running_loop().create_future()
    before(connection, disconnect)
    if meanwhile is not None:
        asyncio.get_running_loop().call_soon(meanwhile, connection, disconnect)
    return await wait_for_delivery({CONNECTION: connection}, disconnect, seconds)


def goes(connection, disconnect):
    connection.end(reset=False)
    disconnect.set_result(None)


def resets(connection, disconnect):
    connection.end(reset=True)
    disconnect.set_result(None)


def fails_to_write(connection, disconnect):
    connection._transport.closing = True
    connection._transport.unconfirmed = [0]


async def test_acknowledged_bytes_have_arrived():
    """At once or after a while."""
    assert [True, True] == [await arrives(0), await arrives(9, 5, 0)]


async def test_unacknowledged_bytes_have_not_arrived():
    """After a time-out."""
    assert not await arrives(9, seconds=0.0)


@pytest.mark.parametrize("end", [goes, resets])
async def test_a_disconnect_before_everything_was_written_is_no_delivery(end):
    """Although nothing is unacknowledged: the rest was never sent."""
    assert not await arrives(0, before=end)


async def test_a_disconnect_after_everything_is_a_delivery():
    """As curl does: its last acknowledgement and its end arrive together."""
    assert [True, False] == [await arrives(9, 0, meanwhile=goes), await arrives(9, meanwhile=goes)]


async def test_a_reset_is_no_delivery():
    """The peer's system had received more than its program read."""
    assert not await arrives(9, 0, meanwhile=resets)


async def test_what_could_not_be_written_has_not_arrived():
    """The peer reset the connection; the transport is empty, and notifies its protocol later."""
    assert [False, False] == [
        await arrives(0, before=fails_to_write),
        await arrives(9, 9, 9, meanwhile=fails_to_write),
    ]


async def test_without_an_open_connection_only_a_disconnect_counts():
    """In unit tests, and if the application is mounted elsewhere."""
    connected, disconnected = (asyncio.get_running_loop().create_future() for _ in range(2))
    disconnected.set_result(None)

    assert [True, False] == [
        await wait_for_delivery({}, connected),
        await wait_for_delivery({}, disconnected),
    ]
