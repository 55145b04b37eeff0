"""Sending a request and reading its answer, the same for both dialects."""

import contextlib
from collections.abc import AsyncIterator, Mapping

import httpx

from imagegen_adapters.outbound import map_transport_errors
from imagegen_adapters.providers.stable_diffusion.failures import ERROR_BODY_BYTES, FailureTable
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.provider_configs import ProviderConfig

_CONNECT_SECONDS = 10.0


def api_url(config: ProviderConfig, path: str, *, suffixes: tuple[str, ...]) -> str:
    """Return the address of ``path``; an ``api_base`` that already ends in one of ``suffixes`` is fine."""
    base = (config.api_base or "").rstrip("/")
    for suffix in suffixes:
        base = base.removesuffix(suffix)
    return base + path


def own_headers(config: ProviderConfig) -> dict[str, str]:
    """Return the headers that the operator wants on each call.

    Raises:
        ValidationFailed: they are not an object of strings.
    """
    headers = config.extra_config.get("headers", {})
    if not isinstance(headers, Mapping) or not all(isinstance(v, str) for v in headers.values()):
        raise ValidationFailed.of("extra_config.headers", "must be an object of strings")
    return {str(name).lower(): value for name, value in headers.items()}


def call_timeout(seconds: float) -> httpx.Timeout:
    """Return time-outs within which connecting fails first, since that proves that nothing was started."""
    connect = min(_CONNECT_SECONDS, seconds / 2)
    return httpx.Timeout(seconds, connect=connect, pool=connect)


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


async def refusal(response: httpx.Response, table: FailureTable, secrets: tuple[str, ...]) -> CallError:
    """Return the error that the answer is; its status counts even when its body cannot be read."""
    body = b""
    with contextlib.suppress(httpx.HTTPError):
        body = await read_short(response)
    return table.error(response.status_code, response.headers, body, secrets=secrets)


async def read_short(response: httpx.Response) -> bytes:
    """Return the body, or as much of it as an error message ever takes."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ERROR_BODY_BYTES:
            break
    return bytes(body[:ERROR_BODY_BYTES])
