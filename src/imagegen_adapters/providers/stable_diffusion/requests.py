"""Sending a request and reading its answer, the same for both dialects."""

import contextlib
from collections.abc import AsyncIterator

import httpx

from imagegen_adapters.outbound import map_transport_errors
from imagegen_adapters.providers.call_limits import read_at_most, read_error
from imagegen_adapters.providers.spooled_json import bad_response
from imagegen_adapters.providers.stable_diffusion.failures import FailureTable
from imagegen_core.errors import CallError
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ProviderConfig

MAX_UNPAID_RESPONSE_BYTES = 1024 * 1024
"""Longest answer to a call beside the paid one; a thousand checkpoints take half of it."""


def api_url(config: ProviderConfig, path: str, *, suffixes: tuple[str, ...]) -> str:
    """Return the address of ``path``; an ``api_base`` that already ends in one of ``suffixes`` is fine."""
    base = (config.api_base or "").rstrip("/")
    for suffix in suffixes:
        base = base.removesuffix(suffix)
    return base + path


@contextlib.asynccontextmanager
async def streamed_response(
    client: httpx.AsyncClient, request: httpx.Request
) -> AsyncIterator[httpx.Response]:
    """Send a request and give the answer's head; the body is read inside.

    Raises:
        CallError: as `map_transport_errors` says, while sending as well as while reading.
    """
    with map_transport_errors():
        response = await client.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()


async def fetch_unpaid(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send a request that costs nothing, and return its answer whole.

    Raises:
        CallError: ``bad_response`` when it is longer than `MAX_UNPAID_RESPONSE_BYTES`; else as `answered`.
    """
    async with streamed_response(client, request) as response:
        content = await read_at_most(response, MAX_UNPAID_RESPONSE_BYTES + 1)
    if len(content) > MAX_UNPAID_RESPONSE_BYTES:
        raise bad_response(f"the answer is longer than {MAX_UNPAID_RESPONSE_BYTES} bytes")
    return httpx.Response(response.status_code, headers=response.headers, content=content)


async def response_error(
    response: httpx.Response, table: FailureTable, secrets: tuple[str, ...], model: Model | None = None
) -> CallError:
    """Return the error that the answer is; ``model`` is what was asked for, unless the call was free."""
    body = await read_error(response)
    return table.error(response.status_code, response.headers, body, secrets=secrets, model=model)
