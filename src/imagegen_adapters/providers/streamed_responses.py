"""Sends a request and yields its response, whose body is still to be read."""

import contextlib
from collections.abc import AsyncIterator

import httpx

from imagegen_adapters.outbound import map_transport_errors


@contextlib.asynccontextmanager
async def streamed_response(
    client: httpx.AsyncClient, request: httpx.Request
) -> AsyncIterator[httpx.Response]:
    """Send a request and yield the response; its body is read inside the context.

    Raises:
        CallError: as `map_transport_errors` does, both while sending and while reading.
    """
    with map_transport_errors():
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()
