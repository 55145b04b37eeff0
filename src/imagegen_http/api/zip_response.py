"""A response with a zip file of any size, made while it is sent."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from imagegen_core.errors import ImagegenError
from imagegen_http.asgi.delivery import CONNECTION, OpenConnection
from imagegen_http.asgi.disconnects import wait_for_disconnect
from imagegen_http.asgi.types import Receive, Scope, Send

MEDIA_TYPE = "application/zip"

_HEADERS = (
    (b"content-type", MEDIA_TYPE.encode()),
    (b"content-disposition", b'attachment; filename="images.zip"'),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_log = structlog.get_logger("imagegen.zip")


class ZipResponse:
    """An ASGI response of pieces, whose number nobody knows before.

    The first one is there before the status is sent, so what is refused yields an error. If a later one
    cannot be had, the connection is reset: a client must not take for whole what ends early. After a
    disconnect nothing more is read.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        async with aclosing(self._pieces) as pieces:
            first = await anext(pieces)
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS]})
            disconnect = asyncio.create_task(wait_for_disconnect(receive))
            try:
                await _send_body(first, pieces, disconnect, send)
            except ImagegenError as error:
                _log.error("a zip file broke off", reason=str(error))
                connection: OpenConnection | None = scope.get(CONNECTION)
                if connection is None:
                    raise
                connection.reset()
                await disconnect
            finally:
                disconnect.cancel()


async def _send_body(
    piece: bytes | None, rest: AsyncGenerator[bytes, None], disconnect: "asyncio.Task[None]", send: Send
) -> None:
    """Send the pieces, as long as the client is there."""
    while piece is not None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if disconnect.done():
            return
        piece = await anext(rest, None)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
