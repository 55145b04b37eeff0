"""Clients that disconnect before they have their response."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from imagegen_core.errors import Unavailable
from imagegen_http.asgi.types import Receive
from imagegen_http.problems.messages import ServiceCode

T = TypeVar("T")


async def wait_for_disconnect(receive: Receive) -> None:
    """Return once the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_disconnected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of ``work``, which is cancelled if the client disconnects first.

    Raises:
        Unavailable: the client disconnected, so nobody will read this.
    """
    working, disconnect = asyncio.create_task(work), asyncio.create_task(wait_for_disconnect(receive))
    try:
        await asyncio.wait({working, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Unavailable(ServiceCode.CALLER_LEFT())
        return working.result()
    finally:
        working.cancel()
        disconnect.cancel()
        await asyncio.gather(working, disconnect, return_exceptions=True)
