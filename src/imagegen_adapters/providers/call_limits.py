"""Limits of every call: time-outs, and how much of a response is read."""

import contextlib

import httpx

MAX_ERROR_BYTES = 64 * 1024
"""The part of an error response that is read."""

_CONNECT_SECONDS = 10.0


def call_timeout(seconds: float) -> httpx.Timeout:
    """Return time-outs of which connecting expires first, since that proves that nothing was started."""
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
    """Return as much of an error body as arrives: the status counts even if the body is cut off."""
    body = bytearray()
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        await _fill(body, response, MAX_ERROR_BYTES)
    return bytes(body)


async def _fill(body: bytearray, response: httpx.Response, max_bytes: int) -> None:
    async for chunk in response.aiter_bytes():
        body += chunk[: max_bytes - len(body)]
        if len(body) >= max_bytes:
            return
