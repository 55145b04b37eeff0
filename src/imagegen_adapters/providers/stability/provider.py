"""``kind: stable_diffusion``: Stability AI's hosted API, v2beta, and the choice between it and a WebUI's."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import is_transport_error
from imagegen_adapters.providers.a1111.provider import A1111, PROGRESS_SECONDS
from imagegen_adapters.providers.a1111.requests import StableDiffusionCode
from imagegen_adapters.providers.a1111.results import retry_after
from imagegen_adapters.providers.common.calls import (
    PollFailures,
    call_timeout,
    configured_headers,
    is_from_upstream,
    may_be_json,
    read_at_most,
    read_error,
    shorten,
    streamed_response,
    with_model_warning,
)
from imagegen_adapters.providers.common.images import MaskPolarity, map_refusals, mask_for
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    SpooledString,
    bad_response,
    decode_chunks,
    parse_json,
    parse_spooled,
    read_spooled,
    read_text,
)
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.stability.routes import (
    MAX_BODY_BYTES,
    SHIPPED_MODELS,
    Route,
    check,
    form,
    model,
    route,
    source_of,
    warnings,
)
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import upstream_text
from imagegen_core.models import Model, ProviderProfile
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.problems import FailureReason, ProblemCode
from imagegen_core.requests import ImageRequest

API_BASE = "https://api.stability.ai"
POLL_SECONDS = 10.0
"""Stability asks clients not to poll a job more often."""

JOB_SECONDS = 900.0
"""The minimum time for which a job is polled; Stability keeps results for 24 hours."""

COOLDOWN_SECONDS = 60.0
"""Stability's penalty for more than 150 requests in 10 seconds."""

_RESPONSE_FILE = "answer.json"
_MAX_RESPONSE_BYTES = MAX_IMAGE_BYTES * 4 // 3 + MAX_JSON_BYTES
_MAX_UNPAID_RESPONSE_BYTES = 1024 * 1024
_MAX_POLL_SECONDS = 60.0
_CONTENT_FILTERED = "CONTENT_FILTERED"
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""A job id becomes part of a URL, so nothing else is accepted as one."""

# Responses


@attrs.frozen(kw_only=True)
class StabilityResult:
    """The one image of a response, in base64, and its metadata."""

    image: str | SpooledString
    metadata: Mapping[str, Any]


def parse_result(file: BinaryIO) -> StabilityResult:
    """Return the content of a spooled response, which it reads; blurred images are ``content_policy``."""
    parsed = parse_spooled(file).resolved()
    if not isinstance(parsed, dict):
        raise bad_response(ResponseCode.RESPONSE_NOT_AN_OBJECT())
    reason = read_text(file, parsed.get("finish_reason"))
    if reason == _CONTENT_FILTERED:
        raise CallError(
            FailureCode.CONTENT_POLICY,
            StableDiffusionCode.STABILITY_FILTERED(),
            upstream_code=_CONTENT_FILTERED,
            possible_charge=True,
        )
    image = parsed.get("image") or parsed.get("result")
    if not isinstance(image, (str, SpooledString)):
        raise bad_response(FailureReason.NO_IMAGE_IN_RESPONSE())
    seed = parsed.get("seed")
    metadata = {"finish_reason": reason, "seed": seed if isinstance(seed, int) else None}
    return StabilityResult(image=image, metadata={k: v for k, v in metadata.items() if v is not None})


def _job_id(body: bytes) -> str:
    try:
        job_id = json.loads(body)["id"]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise bad_response(ResponseCode.NO_JOB()) from error
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise bad_response(ResponseCode.NO_JOB())
    return job_id


_BY_CODE: Mapping[str, FailureCode] = MappingProxyType(
    {
        "content_moderation": FailureCode.CONTENT_POLICY,
        "payment_required": FailureCode.QUOTA_EXHAUSTED,
        "unauthorized": FailureCode.AUTH_FAILED,
    }
)
_BY_STATUS: Mapping[int, FailureCode] = MappingProxyType(
    {
        401: FailureCode.AUTH_FAILED,
        402: FailureCode.QUOTA_EXHAUSTED,
        403: FailureCode.AUTH_FAILED,
        407: FailureCode.AUTH_FAILED,
        408: FailureCode.OUTCOME_UNKNOWN,
        429: FailureCode.RATE_LIMITED,
    }
)
_BY_CLASS: Mapping[int, FailureCode] = MappingProxyType(
    {
        1: FailureCode.BAD_RESPONSE,
        2: FailureCode.BAD_RESPONSE,  # a success status without the requested result
        3: FailureCode.REJECTED,  # redirects are not followed: the body would be sent twice, or elsewhere
        4: FailureCode.REJECTED,
    }
)
_TRANSIENT_CODES = frozenset({FailureCode.TIMEOUT, FailureCode.OUTCOME_UNKNOWN, FailureCode.RATE_LIMITED})


def call_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secrets: tuple[str, ...],
    model: Model | None = None,
) -> CallError:
    """Return the error for a response: by Stability's own code first, then by status.

    Only 429 proves that nothing was started: a 503 may come from a proxy that lost the response of a call
    that ran. The message has none of ``secrets``. A refusal of a ``model`` that is being retired names its
    replacement.
    """
    text, name = _error_text(body)
    code = _BY_CODE.get(name or "") or _BY_STATUS.get(status)
    code = code or _BY_CLASS.get(status // 100, FailureCode.OUTCOME_UNKNOWN)
    is_rate_limited = code is FailureCode.RATE_LIMITED
    status_reason = ResponseCode.RESPONSE_STATUS(status=status)
    reason = upstream_text(shorten(text, secrets)) if text.strip() else status_reason
    return CallError(
        code,
        with_model_warning(model, code, reason),
        not_started=is_rate_limited,
        retry_after=(retry_after(headers) or COOLDOWN_SECONDS) if is_rate_limited else None,
        upstream_status=status,
        upstream_code=name,
    )


def _error_text(body: bytes) -> tuple[str, str | None]:
    """Return the sentence of an error body, and Stability's name of the error."""
    text = body.decode("utf-8", "replace")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        return text, None
    name, errors, message = parsed.get("name"), parsed.get("errors"), parsed.get("message")
    code = name if isinstance(name, str) and name else None
    details = "; ".join(str(e) for e in errors) if isinstance(errors, list) else ""
    return details or (message if isinstance(message, str) else "") or code or text, code


# Calls


class Stability:
    """One image a call; creative upscaling and new backgrounds are jobs, which are polled."""

    def __init__(
        self,
        outbound: Outbound,
        *,
        poll_seconds: float,
        job_seconds: float,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._outbound = outbound
        self._poll_seconds = poll_seconds
        self._job_seconds = job_seconds
        self._sleep = sleep

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        configured_headers(config)
        models = tuple(map(model, config.models or SHIPPED_MODELS))
        return ProviderProfile(
            models=models, display_name="Stability AI", default_api_base=API_BASE, default_timeout=180
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        check(request, model.upstream_id)
        return request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        with map_refusals():
            check(call.request, call.model.upstream_id)
            endpoint = route(call.request, call.model.upstream_id)
            upload = await self._upload(call, endpoint, exchange)
        async with streamed_response(self._outbound.api_client(call.config), upload) as response:
            exchange.mark_response_started()
            status = response.status_code
            if status != httpx.codes.OK:
                body, secrets = await read_error(response), _secrets(call.config)
                raise call_error(status, response.headers, body, secrets=secrets, model=call.model)
            if endpoint.is_job:
                return UpstreamJob(id=_job_id(await read_at_most(response)))
            await exchange.spool(_RESPONSE_FILE, response.aiter_bytes(), max_bytes=_MAX_RESPONSE_BYTES)
        return Receipt(data={"file": _RESPONSE_FILE})

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        """Return the receipt when the job's result is spooled."""
        seconds = max(self._job_seconds, call.config.timeout)
        delay, done, poll_failures = self._poll_seconds, False, PollFailures()
        try:
            async with asyncio.timeout(seconds):
                while not done:
                    # Whatever Retry-After says, at least one more poll fits in before the deadline.
                    await self._sleep(min(delay, seconds / 2))
                    outcome = await self._poll_once(call.config, job, exchange)
                    if isinstance(outcome, _FailedPoll):
                        poll_failures.tolerate(outcome.error, from_upstream=outcome.from_upstream)
                        backoff = max(self._poll_seconds, min(delay * 2, _MAX_POLL_SECONDS))
                        delay = max(outcome.error.retry_after or 0.0, backoff)
                    else:
                        poll_failures.clear()
                        done, delay = outcome, self._poll_seconds
        except TimeoutError as error:
            raise poll_failures.timeout_error(seconds) from error
        return Receipt(data={"file": _RESPONSE_FILE})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        name = str(receipt.data.get("file", _RESPONSE_FILE))
        result = await read_spooled(lambda: exchange.open_spooled(name), parse_result)
        image = GeneratedImage(
            chunks=lambda: decode_chunks(lambda: exchange.open_spooled(name), result.image),
            metadata=result.metadata,
        )
        endpoint = route(call.request, call.model.upstream_id)
        return ProviderResult(images=(image,), warnings=warnings(call.request, endpoint))

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Do nothing: Stability cannot stop what it has begun."""

    async def probe(self, config: ProviderConfig) -> Probe:
        request = self._request(config, "GET", "/v1/user/balance", seconds=10.0)
        try:
            async with streamed_response(self._outbound.api_client(config), request) as response:
                status, headers = response.status_code, response.headers
                content = await read_at_most(response, _MAX_UNPAID_RESPONSE_BYTES + 1)
            if len(content) > _MAX_UNPAID_RESPONSE_BYTES:
                raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=_MAX_UNPAID_RESPONSE_BYTES))
            if status != httpx.codes.OK:
                raise call_error(status, headers, content, secrets=_secrets(config))
            credits_left = parse_json(content)["credits"]
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        except (ValueError, TypeError, LookupError):
            return Probe(ok=False, detail=StableDiffusionCode.NO_BALANCE())
        return Probe(ok=True, detail=StableDiffusionCode.CREDITS_LEFT(credits=str(credits_left)))

    async def _upload(self, call: ProviderCall, endpoint: Route, exchange: Exchange) -> httpx.Request:
        source = source_of(call.request)
        image = None if source is None else await exchange.read_input(source)
        mask = await mask_for(call.request, exchange, MaskPolarity.WHITE_IS_EDIT)
        upload = self._request(
            call.config,
            "POST",
            endpoint.path,
            seconds=call.config.timeout,
            files=form(call.request, endpoint, image=image, mask=mask),
        )
        if int(upload.headers["content-length"]) > MAX_BODY_BYTES:  # a mask grows when it is converted
            reason = ProblemCode.TOO_MANY_BYTES(maximum=MAX_BODY_BYTES)
            raise ValidationFailed.for_field("mask" if mask else "image", reason)
        return upload

    async def _poll_once(
        self, config: ProviderConfig, job: UpstreamJob, exchange: Exchange
    ) -> "bool | _FailedPoll":
        try:
            return await self._fetch_result(config, job, exchange)
        except CallError as error:
            if not is_transport_error(error):
                raise
            return _FailedPoll(error=error)

    async def _fetch_result(
        self, config: ProviderConfig, job: UpstreamJob, exchange: Exchange
    ) -> "bool | _FailedPoll":
        """Return whether the job's result is spooled, or the error that came instead."""
        request = self._request(config, "GET", f"/v2beta/results/{job.id}", seconds=config.timeout)
        async with streamed_response(self._outbound.api_client(config), request) as response:
            status = response.status_code
            if status == httpx.codes.ACCEPTED:
                return False
            if status != httpx.codes.OK:
                body = await read_error(response)
                error = call_error(status, response.headers, body, secrets=_secrets(config))
                if error.failure.code in _TRANSIENT_CODES:
                    return _FailedPoll(error=error)
                if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                    reason = ResponseCode.JOB_UNKNOWN()
                    error = CallError(FailureCode.RESULT_EXPIRED, reason, upstream_status=status)
                return _FailedPoll(error=error, from_upstream=is_from_upstream(status, body))
            head, chunks = await _peek(response.aiter_bytes())
            if not may_be_json(head):
                return _FailedPoll(error=bad_response(ResponseCode.PAGE_INSTEAD()))
            await exchange.spool(_RESPONSE_FILE, chunks, max_bytes=_MAX_RESPONSE_BYTES)
        return True

    def _request(
        self, config: ProviderConfig, method: str, path: str, *, seconds: float, files: Any = None
    ) -> httpx.Request:
        """Return a request of a path; ``api_base`` may already end in the version of the API.

        Stability answers with JSON only if it is asked to.
        """
        base = (config.api_base or "").rstrip("/").removesuffix("/v2beta").removesuffix("/v1")
        key = {} if config.api_key is None else {"authorization": f"Bearer {config.api_key.reveal()}"}
        return self._outbound.api_client(config).build_request(
            method,
            base + path,
            files=files,
            headers=configured_headers(config) | {"accept": "application/json"} | key,
            timeout=call_timeout(seconds),
        )


@attrs.frozen(kw_only=True)
class _FailedPoll:
    """A response instead of a job's state; its error ends the job if it is the provider's own."""

    error: CallError
    from_upstream: bool = False


def _secrets(config: ProviderConfig) -> tuple[str, ...]:
    """Return what no message may show."""
    return () if config.api_key is None else (config.api_key.reveal(),)


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


class StableDiffusionProvider:
    """Implements the `Provider` port; ``extra_config.dialect`` chooses the protocol.

    ``a1111`` (the default) is the API of AUTOMATIC1111's WebUI, Forge and SD.Next, ``stability`` that of
    Stability AI.

    Args:
        outbound: sends all requests.
        poll_seconds: between two polls of a Stability job; Stability asks for 10.
        job_seconds: how long such a job is polled.
        progress_seconds: between two progress requests to a WebUI.
        sleep: waits between polls.
    """

    names = ("stable-diffusion*",)
    extra_keys = frozenset({"dialect", "upscaler", "allow_scripts"})

    def __init__(
        self,
        outbound: Outbound,
        *,
        poll_seconds: float = POLL_SECONDS,
        job_seconds: float = JOB_SECONDS,
        progress_seconds: float = PROGRESS_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dialects: Mapping[str, A1111 | Stability] = {
            "a1111": A1111(outbound, progress_seconds=progress_seconds),
            "stability": Stability(outbound, poll_seconds=poll_seconds, job_seconds=job_seconds, sleep=sleep),
        }

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        return self._dialect(config).describe(config)

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        return self._dialect(config).split(request, model, config)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        return await self._dialect(call.config).submit(call, exchange)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        return await self._dialect(call.config).poll(call, job, exchange)

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        return await self._dialect(call.config).collect(call, receipt, exchange)

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        await self._dialect(call.config).cancel(call, job)

    async def probe(self, config: ProviderConfig) -> Probe:
        return await self._dialect(config).probe(config)

    def _dialect(self, config: ProviderConfig) -> A1111 | Stability:
        name = config.extra_config.get("dialect", "a1111")
        if name in self._dialects:
            return self._dialects[name]
        choices = tuple(self._dialects)
        raise ValidationFailed.for_field("extra_config.dialect", ProblemCode.NOT_ONE_OF(choices=choices))
