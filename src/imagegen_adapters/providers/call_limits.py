"""What all providers' calls have in common: time-outs, and answers that are read only in part."""

import contextlib

import httpx

MAX_ERROR_BYTES = 64 * 1024
"""Most that is read of an error answer."""

_CONNECT_SECONDS = 10.0


def call_timeout(seconds: float) -> httpx.Timeout:
    """Return time-outs within which connecting fails first, since that proves that nothing was started."""
    connect = min(_CONNECT_SECONDS, seconds / 2)
    return httpx.Timeout(seconds, connect=connect, pool=seconds / 2)


async def read_at_most(response: httpx.Response, max_bytes: int = MAX_ERROR_BYTES) -> bytes:
    """Return the body, or its first ``max_bytes`` bytes.

    Raises:
        httpx.HTTPError: the connection broke.
    """
    body = bytearray()
    await _fill(body, response, max_bytes)
    return bytes(body)


async def read_error(response: httpx.Response) -> bytes:
    """Return as much of an error answer as comes: its status counts even when its body breaks off."""
    body = bytearray()
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        await _fill(body, response, MAX_ERROR_BYTES)
    return bytes(body)


async def _fill(body: bytearray, response: httpx.Response, max_bytes: int) -> None:
    async for chunk in response.aiter_bytes():
        body += chunk[: max_bytes - len(body)]
        if len(body) >= max_bytes:
            return
