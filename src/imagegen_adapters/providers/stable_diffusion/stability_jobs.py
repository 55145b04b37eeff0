"""Jobs of Stability AI: creative upscaling and new backgrounds, which are polled."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.common.calls import (
    PollFailures,
    call_timeout,
    is_from_upstream,
    may_be_json,
    read_error,
    streamed_response,
)
from imagegen_adapters.providers.common.json_files import bad_response
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.stable_diffusion import failures
from imagegen_adapters.providers.stable_diffusion import stability_wire as wire
from imagegen_adapters.providers.stable_diffusion.requests import api_url
from imagegen_core.attempt import UpstreamJob
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.ports.provider import Exchange, ProviderCall

POLL_SECONDS = 10.0
"""Stability asks clients not to poll a job more often."""

JOB_SECONDS = 900.0
"""The minimum time for which a job is polled; Stability keeps results for 24 hours."""

_MAX_POLL_SECONDS = 60.0
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""A job id becomes part of a URL, so nothing else is accepted as one."""

_TRANSIENT_CODES = frozenset({FailureCode.TIMEOUT, FailureCode.OUTCOME_UNKNOWN, FailureCode.RATE_LIMITED})


@attrs.frozen(kw_only=True)
class JobWatcher:
    """Polls a job to its end. ``sleep`` waits between two polls."""

    outbound: Outbound
    call: ProviderCall
    job: UpstreamJob
    exchange: Exchange
    poll_seconds: float
    job_seconds: float
    sleep: Callable[[float], Awaitable[None]]

    async def wait(self) -> None:
        """Return when the result is spooled.

        Raises:
            CallError: the job failed, or did not end in time.
        """
        seconds = max(self.job_seconds, self.call.config.timeout)
        delay, done, failures_so_far = self.poll_seconds, False, PollFailures()
        try:
            async with asyncio.timeout(seconds):
                while not done:
                    # Whatever Retry-After says, at least one more poll fits in before the deadline.
                    await self.sleep(min(delay, seconds / 2))
                    done, delay = await self._poll_once(failures_so_far, delay)
        except TimeoutError as error:
            raise failures_so_far.timeout_error(seconds) from error

    async def _poll_once(self, failures_so_far: PollFailures, delay: float) -> tuple[bool, float]:
        """Return whether the job's result is spooled, and how long to wait before the next poll if not."""
        try:
            outcome = await self._fetch_result()
        except CallError as error:
            if not is_transport_error(error):
                raise
            outcome = _PollError(error=error)
        if not isinstance(outcome, _PollError):
            failures_so_far.clear()
            return outcome, self.poll_seconds
        failures_so_far.tolerate(outcome.error, from_upstream=outcome.from_upstream)
        backoff = max(self.poll_seconds, min(delay * 2, _MAX_POLL_SECONDS))
        return False, max(outcome.error.retry_after or 0.0, backoff)

    async def _fetch_result(self) -> "bool | _PollError":
        """Return whether the job's result is spooled, or the error that came instead."""
        config = self.call.config
        url = api_url(config, f"/v2beta/results/{self.job.id}", suffixes=wire.SUFFIXES)
        client = self.outbound.api_client(config)
        request = client.build_request(
            "GET", url, headers=wire.headers(config), timeout=call_timeout(config.timeout)
        )
        async with streamed_response(client, request) as response:
            status = response.status_code
            if status == httpx.codes.ACCEPTED:
                return False
            if status != httpx.codes.OK:
                return await _PollError.from_response(response, wire.secrets(config))
            head, chunks = await _peek(response.aiter_bytes())
            if not may_be_json(head):
                return _PollError(error=bad_response(ResponseCode.PAGE_INSTEAD()))
            await self.exchange.spool(wire.RESPONSE_FILE, chunks, max_bytes=wire.MAX_RESPONSE_BYTES)
        return True


@attrs.frozen(kw_only=True)
class _PollError:
    """A response instead of a job's state; it ends the job if it is the provider's own."""

    error: CallError
    from_upstream: bool = False

    @classmethod
    async def from_response(cls, response: httpx.Response, secrets: tuple[str, ...]) -> "_PollError":
        status, body = response.status_code, await read_error(response)
        path = response.request.url.path
        error = failures.STABILITY.error(status, response.headers, body, path=path, secrets=secrets)
        if error.failure.code in _TRANSIENT_CODES:
            return cls(error=error)
        if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            message = ResponseCode.JOB_UNKNOWN()
            error = CallError(FailureCode.RESULT_EXPIRED, message, upstream_status=status)
        return cls(error=error, from_upstream=is_from_upstream(status, body))


async def _peek(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return the first chunk that is not empty, and an iterator over the whole body again."""
    head = b""
    async for head in chunks:
        if head:
            break

    async def body() -> AsyncIterator[bytes]:
        yield head
        async for chunk in chunks:
            yield chunk

    return head, body()


def parse_job_id(body: bytes) -> str:
    """Return the id of the job that a response names.

    Raises:
        CallError: ``bad_response``; it names none.
    """
    try:
        job_id = json.loads(body)["id"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise bad_response(ResponseCode.NO_JOB()) from error
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise bad_response(ResponseCode.NO_JOB())
    return job_id
