"""Clients that leave before they have their answer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from imagegen_core.errors import Unavailable
from imagegen_http.asgi.types import Receive

T = TypeVar("T")


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_disconnected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns; it is broken off when the client leaves first.

    Raises:
        Unavailable: the client has left; nobody will read this.
    """
    working, disconnect = asyncio.create_task(work), asyncio.create_task(wait_for_disconnect(receive))
    try:
        await asyncio.wait({working, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Unavailable("broken off: nobody waits for it any more")
        return working.result()
    finally:
        working.cancel()
        disconnect.cancel()
        await asyncio.gather(working, disconnect, return_exceptions=True)
