"""Sending a request and reading its answer, the same for both dialects."""

import contextlib
from collections.abc import AsyncIterator

import httpx

from imagegen_adapters.outbound import map_transport_errors
from imagegen_adapters.providers.calling import read_error
from imagegen_adapters.providers.stable_diffusion.failures import FailureTable
from imagegen_core.capabilities import Model
from imagegen_core.errors import CallError
from imagegen_core.provider_configs import ProviderConfig


def api_url(config: ProviderConfig, path: str, *, suffixes: tuple[str, ...]) -> str:
    """Return the address of ``path``; an ``api_base`` that already ends in one of ``suffixes`` is fine."""
    base = (config.api_base or "").rstrip("/")
    for suffix in suffixes:
        base = base.removesuffix(suffix)
    return base + path


@contextlib.asynccontextmanager
async def answered(client: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[httpx.Response]:
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


async def refusal(
    response: httpx.Response, table: FailureTable, secrets: tuple[str, ...], model: Model | None = None
) -> CallError:
    """Return the error that the answer is; ``model`` is what was asked for, unless the call was free."""
    body = await read_error(response)
    return table.error(response.status_code, response.headers, body, secrets=secrets, model=model)
