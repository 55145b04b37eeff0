"""Sends a request and reads its response, in the same way for both dialects."""

import httpx

from imagegen_adapters.providers.common.calls import read_at_most, read_error, streamed_response
from imagegen_adapters.providers.common.json_files import bad_response
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.stable_diffusion.failures import FailureTable
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError
from imagegen_core.models import Model

MAX_UNPAID_RESPONSE_BYTES = 1024 * 1024
"""Limit of the response to an unpaid call; a list of a thousand checkpoints takes half of it."""


def api_url(config: ProviderConfig, path: str, *, suffixes: tuple[str, ...]) -> str:
    """Return the URL of ``path``; ``api_base`` may already end in one of ``suffixes``."""
    base = (config.api_base or "").rstrip("/")
    for suffix in suffixes:
        base = base.removesuffix(suffix)
    return base + path


async def fetch_unpaid(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send a request that costs nothing, and return the whole response.

    Raises:
        CallError: ``bad_response`` if it exceeds `MAX_UNPAID_RESPONSE_BYTES`; else as `streamed_response`.
    """
    async with streamed_response(client, request) as response:
        content = await read_at_most(response, MAX_UNPAID_RESPONSE_BYTES + 1)
    if len(content) > MAX_UNPAID_RESPONSE_BYTES:
        raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=MAX_UNPAID_RESPONSE_BYTES))
    return httpx.Response(response.status_code, headers=response.headers, content=content)


async def response_error(
    response: httpx.Response, table: FailureTable, secrets: tuple[str, ...], model: Model | None = None
) -> CallError:
    """Return the error for a response; ``model`` is the requested one, None for a free call."""
    body = await read_error(response)
    path = response.request.url.path
    return table.error(response.status_code, response.headers, body, path=path, secrets=secrets, model=model)
