"""Clients that leave before they have their answer."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from imagegen_core.errors import Unavailable
from imagegen_http.asgi import Receive

T = TypeVar("T")


async def leaving(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_left(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return what ``work`` returns; it is broken off when the client leaves first.

    Raises:
        Unavailable: the client has left; nobody will read this.
    """
    working, left = asyncio.create_task(work), asyncio.create_task(leaving(receive))
    try:
        await asyncio.wait({working, left}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Unavailable("broken off: nobody waits for it any more")
        return working.result()
    finally:
        working.cancel()
        left.cancel()
        await asyncio.gather(working, left, return_exceptions=True)
