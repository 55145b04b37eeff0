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
from imagegen_adapters.providers.masks import MaskPolarity, mask_for
from imagegen_adapters.providers.poll_failures import PollFailures, is_from_upstream, may_be_json
from imagegen_adapters.providers.preflight import map_refusals
from imagegen_adapters.providers.spooled_json import MAX_JSON_BYTES, bad_response, decode_chunks, parse_json
from imagegen_adapters.providers.stable_diffusion import failures
from imagegen_adapters.providers.stable_diffusion import stability_wire as wire
from imagegen_adapters.providers.stable_diffusion.requests import (
    api_url,
    fetch_unpaid,
    response_error,
    streamed_response,
)
from imagegen_adapters.providers.stable_diffusion.stability_models import SHIPPED, model
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.failures import FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.operations import ImageRequest
from imagegen_core.ports.provider import (
    Exchange,
    GeneratedImage,
    Probe,
    ProviderCall,
    ProviderProfile,
    ProviderResult,
)
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.tasks.attempt import Receipt, UpstreamJob

API_BASE = "https://api.stability.ai"
POLL_SECONDS = 10.0
"""Stability asks not to poll a job more often."""

JOB_SECONDS = 900.0
"""How long a job is polled at least; Stability keeps results for 24 hours."""

_MAX_POLL_SECONDS = 60.0
_RESPONSE_FILE = "answer.json"
_MAX_RESPONSE_BYTES = MAX_IMAGE_BYTES * 4 // 3 + MAX_JSON_BYTES
_SUFFIXES = ("/v2beta", "/v1")
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""It becomes part of an address, so nothing else is taken for one."""

_TRANSIENT_CODES = frozenset({FailureCode.TIMEOUT, FailureCode.OUTCOME_UNKNOWN, FailureCode.RATE_LIMITED})


class Stability:
    """One image a call; creative upscaling and new backgrounds are jobs that are polled."""

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
        models = tuple(map(model, config.models or SHIPPED))
        return ProviderProfile(models=models, default_api_base=API_BASE)

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        wire.check(request, model.upstream_id)
        return request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        client = self._outbound.api_client(call.config)
        with map_refusals():
            wire.check(call.request, call.model.upstream_id)
            route = wire.route(call.request, call.model.upstream_id)
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
        wait, done, patience = self._poll_seconds, False, PollFailures()
        try:
            async with asyncio.timeout(seconds):
                while not done:
                    await self._sleep(min(wait, seconds / 2))  # it is asked again, whatever Retry-After says
                    done, wait = await self._poll_once(call, job, exchange, patience, wait)
        except TimeoutError as error:
            raise patience.timeout_error(f"the job was not done within {seconds:g} s") from error
        return Receipt(data={"file": _RESPONSE_FILE})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        name = str(receipt.data.get("file", _RESPONSE_FILE))

        def read() -> wire.StabilityResult:
            with exchange.open_spooled(name) as file:
                return wire.answer(file)

        found = await asyncio.to_thread(read)
        image = GeneratedImage(
            chunks=lambda: decode_chunks(lambda: exchange.open_spooled(name), found.image),
            metadata=found.metadata,
        )
        route = wire.route(call.request, call.model.upstream_id)
        return ProviderResult(images=(image,), warnings=wire.warnings(call.request, route))

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Do nothing: Stability has no way to stop what it has begun."""

    async def probe(self, config: ProviderConfig) -> Probe:
        url = api_url(config, "/v1/user/balance", suffixes=_SUFFIXES)
        client = self._outbound.api_client(config)
        request = client.build_request("GET", url, headers=_headers(config), timeout=call_timeout(10.0))
        try:
            answer = await fetch_unpaid(client, request)
            if answer.status_code != httpx.codes.OK:
                raise failures.STABILITY.error(
                    answer.status_code, answer.headers, answer.content, secrets=_secrets(config)
                )
            credits_left = parse_json(answer.content)["credits"]
        except CallError as error:
            return Probe(ok=False, detail=str(error))
        except (ValueError, TypeError, LookupError):
            return Probe(ok=False, detail="the answer names no balance")
        return Probe(ok=True, detail=f"{credits_left} credits left")

    async def _poll_once(
        self,
        call: ProviderCall,
        job: UpstreamJob,
        exchange: Exchange,
        patience: PollFailures,
        waited: float,
    ) -> tuple[bool, float]:
        """Return whether the job's answer is spooled, else how long to wait before the next look."""
        try:
            trouble = await self._fetch_result(call.config, job, exchange)
        except CallError as error:
            if not is_transport_error(error):
                raise
            trouble = _PollError(error=error)
        if not isinstance(trouble, _PollError):
            patience.clear()
            return trouble, self._poll_seconds
        patience.tolerate(trouble.error, from_upstream=trouble.from_upstream)
        slower = max(self._poll_seconds, min(waited * 2, _MAX_POLL_SECONDS))
        return False, max(trouble.error.retry_after or 0.0, slower)

    async def _fetch_result(
        self, config: ProviderConfig, job: UpstreamJob, exchange: Exchange
    ) -> "bool | _PollError":
        """Return whether the job's answer is spooled, or what came in its place."""
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
                return await _PollError.of(response, _secrets(config))
            head, chunks = await _peek(response.aiter_bytes())
            if not may_be_json(head):
                return _PollError(error=bad_response("a page came in the place of the job's result"))
            await exchange.spool(_RESPONSE_FILE, chunks, max_bytes=_MAX_RESPONSE_BYTES)
        return True

    async def _request(
        self, client: httpx.AsyncClient, call: ProviderCall, route: wire.Route, exchange: Exchange
    ) -> httpx.Request:
        request, config = call.request, call.config
        source = request.references[0] if request.references else request.image
        image = None if source is None else await exchange.read_input(source)
        mask = await mask_for(request, exchange, MaskPolarity.WHITE_IS_EDIT)
        built = client.build_request(
            "POST",
            api_url(config, route.path, suffixes=_SUFFIXES),
            files=wire.form(request, route, image=image, mask=mask),
            headers=_headers(config),
            timeout=call_timeout(config.timeout),
        )
        if int(built.headers["content-length"]) > wire.MAX_BODY_BYTES:  # a mask grows when it is converted
            raise ValidationFailed.of(
                "mask" if mask else "image", f"a request to Stability has at most {wire.MAX_BODY_BYTES} bytes"
            )
        return built


@attrs.frozen(kw_only=True)
class _PollError:
    """What came in the place of a job's state, and whether it ends the job if it comes from the provider."""

    error: CallError
    from_upstream: bool = False

    @classmethod
    async def of(cls, response: httpx.Response, secrets: tuple[str, ...]) -> "_PollError":
        status, body = response.status_code, await read_error(response)
        error = failures.STABILITY.error(status, response.headers, body, secrets=secrets)
        if error.failure.code in _TRANSIENT_CODES:
            return cls(error=error)
        if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            gone = "Stability no longer knows the job"
            error = CallError(FailureCode.RESULT_EXPIRED, gone, upstream_status=status)
        return cls(error=error, from_upstream=is_from_upstream(status, body))


async def _peek(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Return the first piece that is not empty, and the whole again."""
    head = b""
    async for head in chunks:
        if head:
            break

    async def whole() -> AsyncIterator[bytes]:
        yield head
        async for chunk in chunks:
            yield chunk

    return head, whole()


def _headers(config: ProviderConfig) -> dict[str, str]:
    key = {} if config.api_key is None else {"authorization": f"Bearer {config.api_key.reveal()}"}
    return configured_headers(config) | {"accept": "application/json"} | key


def _secrets(config: ProviderConfig) -> tuple[str, ...]:
    return () if config.api_key is None else (config.api_key.reveal(),)


def _job_id(body: bytes) -> str:
    try:
        found = json.loads(body)["id"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise bad_response("the answer names no job") from error
    if not isinstance(found, str) or not _JOB_ID.fullmatch(found):
        raise bad_response("the answer names no job")
    return found
