"""Stability AI's hosted API, v2beta."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs
import httpx

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.call_limits import call_timeout, read_at_most, read_error
from imagegen_adapters.providers.configured_headers import configured_headers
from imagegen_adapters.providers.json_responses import bad_response, parse_json
from imagegen_adapters.providers.long_strings import MAX_JSON_BYTES, decode_chunks
from imagegen_adapters.providers.masks import MaskPolarity, mask_for
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.poll_failures import PollFailures, is_from_upstream, may_be_json
from imagegen_adapters.providers.preflight import map_refusals
from imagegen_adapters.providers.spooled_json import read_spooled
from imagegen_adapters.providers.stable_diffusion import failures
from imagegen_adapters.providers.stable_diffusion import stability_routes as routes
from imagegen_adapters.providers.stable_diffusion import stability_wire as wire
from imagegen_adapters.providers.stable_diffusion.messages import StableDiffusionCode
from imagegen_adapters.providers.stable_diffusion.requests import api_url, fetch_unpaid, response_error
from imagegen_adapters.providers.stable_diffusion.stability_models import SHIPPED_MODELS, model
from imagegen_adapters.providers.streamed_responses import streamed_response
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.failures import FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.problems import ProblemCode
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.providers.profile import ProviderProfile
from imagegen_core.requests.image_request import ImageRequest
from imagegen_core.tasks.attempt import Receipt, UpstreamJob

API_BASE = "https://api.stability.ai"
POLL_SECONDS = 10.0
"""Stability asks clients not to poll a job more often."""

JOB_SECONDS = 900.0
"""The minimum time for which a job is polled; Stability keeps results for 24 hours."""

_MAX_POLL_SECONDS = 60.0
_RESPONSE_FILE = "answer.json"
_MAX_RESPONSE_BYTES = MAX_IMAGE_BYTES * 4 // 3 + MAX_JSON_BYTES
_SUFFIXES = ("/v2beta", "/v1")
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""A job id becomes part of a URL, so nothing else is accepted as one."""

_TRANSIENT_CODES = frozenset({FailureCode.TIMEOUT, FailureCode.OUTCOME_UNKNOWN, FailureCode.RATE_LIMITED})


class Stability:
    """One image a call; creative upscaling and new backgrounds are jobs, which are polled."""

    def __init__(
        self,
        outbound: Outbound,
        *,
        poll_seconds: float = POLL_SECONDS,
        job_seconds: float = JOB_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbound = outbound
        self._poll_seconds = poll_seconds
        self._job_seconds = job_seconds
        self._sleep = sleep

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        configured_headers(config)
        models = tuple(map(model, config.models or SHIPPED_MODELS))
        return ProviderProfile(models=models, display_name="Stability AI", default_api_base=API_BASE)

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        routes.check(request, model.upstream_id)
        return request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        client = self._outbound.api_client(call.config)
        with map_refusals():
            routes.check(call.request, call.model.upstream_id)
            route = routes.route(call.request, call.model.upstream_id)
            request = await self._request(client, call, route, exchange)
        async with streamed_response(client, request) as response:
            exchange.mark_response_started()
            if response.status_code != httpx.codes.OK:
                raise await response_error(response, failures.STABILITY, _secrets(call.config), call.model)
            if route.is_job:
                return UpstreamJob(id=_job_id(await read_at_most(response)))
            await exchange.spool(_RESPONSE_FILE, response.aiter_bytes(), max_bytes=_MAX_RESPONSE_BYTES)
        return Receipt(data={"file": _RESPONSE_FILE})

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        seconds = max(self._job_seconds, call.config.timeout)
        delay, done, failures_so_far = self._poll_seconds, False, PollFailures()
        try:
            async with asyncio.timeout(seconds):
                while not done:
                    # Whatever Retry-After says, at least one more poll fits in before the deadline.
                    await self._sleep(min(delay, seconds / 2))
                    done, delay = await self._poll_once(call, job, exchange, failures_so_far, delay)
        except TimeoutError as error:
            raise failures_so_far.timeout_error(seconds) from error
        return Receipt(data={"file": _RESPONSE_FILE})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        name = str(receipt.data.get("file", _RESPONSE_FILE))
        result = await read_spooled(lambda: exchange.open_spooled(name), wire.parse_result)
        image = GeneratedImage(
            chunks=lambda: decode_chunks(lambda: exchange.open_spooled(name), result.image),
            metadata=result.metadata,
        )
        route = routes.route(call.request, call.model.upstream_id)
        return ProviderResult(images=(image,), warnings=wire.warnings(call.request, route))

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Do nothing: Stability cannot stop what it has begun."""

    async def probe(self, config: ProviderConfig) -> Probe:
        url = api_url(config, "/v1/user/balance", suffixes=_SUFFIXES)
        client = self._outbound.api_client(config)
        request = client.build_request("GET", url, headers=_headers(config), timeout=call_timeout(10.0))
        try:
            response = await fetch_unpaid(client, request)
            if response.status_code != httpx.codes.OK:
                raise failures.STABILITY.error(
                    response.status_code,
                    response.headers,
                    response.content,
                    path=request.url.path,
                    secrets=_secrets(config),
                )
            credits_left = parse_json(response.content)["credits"]
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        except (ValueError, TypeError, LookupError):
            return Probe(ok=False, detail=StableDiffusionCode.NO_BALANCE())
        return Probe(ok=True, detail=StableDiffusionCode.CREDITS_LEFT(credits=str(credits_left)))

    async def _poll_once(
        self,
        call: ProviderCall,
        job: UpstreamJob,
        exchange: Exchange,
        failures_so_far: PollFailures,
        delay: float,
    ) -> tuple[bool, float]:
        """Return whether the job's result is spooled, and how long to wait before the next poll if not."""
        try:
            outcome = await self._fetch_result(call.config, job, exchange)
        except CallError as error:
            if not is_transport_error(error):
                raise
            outcome = _PollError(error=error)
        if not isinstance(outcome, _PollError):
            failures_so_far.clear()
            return outcome, self._poll_seconds
        failures_so_far.tolerate(outcome.error, from_upstream=outcome.from_upstream)
        backoff = max(self._poll_seconds, min(delay * 2, _MAX_POLL_SECONDS))
        return False, max(outcome.error.retry_after or 0.0, backoff)

    async def _fetch_result(
        self, config: ProviderConfig, job: UpstreamJob, exchange: Exchange
    ) -> "bool | _PollError":
        """Return whether the job's result is spooled, or the error that came instead."""
        url = api_url(config, f"/v2beta/results/{job.id}", suffixes=_SUFFIXES)
        client = self._outbound.api_client(config)
        request = client.build_request(
            "GET", url, headers=_headers(config), timeout=call_timeout(config.timeout)
        )
        async with streamed_response(client, request) as response:
            status = response.status_code
            if status == httpx.codes.ACCEPTED:
                return False
            if status != httpx.codes.OK:
                return await _PollError.from_response(response, _secrets(config))
            head, chunks = await _peek(response.aiter_bytes())
            if not may_be_json(head):
                return _PollError(error=bad_response(ResponseCode.PAGE_INSTEAD()))
            await exchange.spool(_RESPONSE_FILE, chunks, max_bytes=_MAX_RESPONSE_BYTES)
        return True

    async def _request(
        self, client: httpx.AsyncClient, call: ProviderCall, route: routes.Route, exchange: Exchange
    ) -> httpx.Request:
        request, config = call.request, call.config
        source = request.references[0] if request.references else request.image
        image = None if source is None else await exchange.read_input(source)
        mask = await mask_for(request, exchange, MaskPolarity.WHITE_IS_EDIT)
        upload = client.build_request(
            "POST",
            api_url(config, route.path, suffixes=_SUFFIXES),
            files=wire.form(request, route, image=image, mask=mask),
            headers=_headers(config),
            timeout=call_timeout(config.timeout),
        )
        # Checked again after `routes.check`, because a mask may grow when it is converted.
        if int(upload.headers["content-length"]) > routes.MAX_BODY_BYTES:  # a mask grows when it is converted
            reason = ProblemCode.TOO_MANY_BYTES(maximum=routes.MAX_BODY_BYTES)
            raise ValidationFailed.for_field("mask" if mask else "image", reason)
        return upload


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


def _headers(config: ProviderConfig) -> dict[str, str]:
    key = {} if config.api_key is None else {"authorization": f"Bearer {config.api_key.reveal()}"}
    return configured_headers(config) | {"accept": "application/json"} | key


def _secrets(config: ProviderConfig) -> tuple[str, ...]:
    return () if config.api_key is None else (config.api_key.reveal(),)


def _job_id(body: bytes) -> str:
    try:
        job_id = json.loads(body)["id"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise bad_response(ResponseCode.NO_JOB()) from error
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise bad_response(ResponseCode.NO_JOB())
    return job_id
