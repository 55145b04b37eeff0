"""Stability AI's hosted API, v2beta."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import attrs
import httpx

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.outbound.errors import is_line_trouble
from imagegen_adapters.providers.calling import call_timeout, read_at_most, read_error
from imagegen_adapters.providers.job_patience import JobPatience, is_vendors_word, may_be_json
from imagegen_adapters.providers.masks import MaskPolarity, mask_for
from imagegen_adapters.providers.own_headers import own_headers
from imagegen_adapters.providers.preflight import refused_late
from imagegen_adapters.providers.spooled_json import MOST_JSON, bad_response, decoded, parse_json
from imagegen_adapters.providers.stable_diffusion import failures
from imagegen_adapters.providers.stable_diffusion import stability_wire as wire
from imagegen_adapters.providers.stable_diffusion.sending import answered, api_url, refusal, side_answer
from imagegen_adapters.providers.stable_diffusion.stability_models import SHIPPED, model
from imagegen_core.attempts import Receipt, UpstreamJob
from imagegen_core.capabilities import Model
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.failures import FailureCode
from imagegen_core.images import MAX_BYTES
from imagegen_core.operations import PictureRequest
from imagegen_core.ports.provider import Exchange, Harvest, Picture, Probe, ProviderCall, ProviderProfile
from imagegen_core.provider_configs import ProviderConfig

API_BASE = "https://api.stability.ai"
POLL_SECONDS = 10.0
"""Stability asks not to poll a job more often."""

JOB_SECONDS = 900.0
"""How long a job is polled at least; Stability keeps results for 24 hours."""

_SLOWEST_POLL = 60.0
_ANSWER = "answer.json"
_ANSWER_BYTES = MAX_BYTES * 4 // 3 + MOST_JSON
_SUFFIXES = ("/v2beta", "/v1")
_JOB_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""It becomes part of an address, so nothing else is taken for one."""

_WORTH_ANOTHER_LOOK = frozenset({FailureCode.TIMEOUT, FailureCode.OUTCOME_UNKNOWN, FailureCode.RATE_LIMITED})


class Stability:
    """One picture a call; creative upscaling and new backgrounds are jobs that are polled."""

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
        own_headers(config)
        models = tuple(map(model, config.models or SHIPPED))
        return ProviderProfile(models=models, default_api_base=API_BASE)

    def split(
        self, request: PictureRequest, model: Model, config: ProviderConfig
    ) -> tuple[PictureRequest, ...]:
        wire.check(request, model.upstream_id)
        return request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        client = self._outbound.api_client(call.config)
        with refused_late():
            wire.check(call.request, call.model.upstream_id)
            route = wire.route(call.request, call.model.upstream_id)
            request = await self._request(client, call, route, exchange)
        async with answered(client, request) as response:
            exchange.mark_arrival()
            if response.status_code != httpx.codes.OK:
                raise await refusal(response, failures.STABILITY, _secrets(call.config), call.model)
            if route.is_job:
                return UpstreamJob(id=_job_id(await read_at_most(response)))
            await exchange.spool(_ANSWER, response.aiter_bytes(), max_bytes=_ANSWER_BYTES)
        return Receipt(data={"file": _ANSWER})

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        seconds = max(self._job_seconds, call.config.timeout)
        wait, done, patience = self._poll_seconds, False, JobPatience()
        try:
            async with asyncio.timeout(seconds):
                while not done:
                    await self._sleep(min(wait, seconds / 2))  # it is asked again, whatever Retry-After says
                    done, wait = await self._look(call, job, exchange, patience, wait)
        except TimeoutError as error:
            raise patience.out_of_time(f"the job was not done within {seconds:g} s") from error
        return Receipt(data={"file": _ANSWER})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> Harvest:
        name = str(receipt.data.get("file", _ANSWER))

        def read() -> wire.Answer:
            with exchange.open_spooled(name) as file:
                return wire.answer(file)

        found = await asyncio.to_thread(read)
        picture = Picture(
            chunks=lambda: decoded(lambda: exchange.open_spooled(name), found.picture),
            metadata=found.metadata,
        )
        route = wire.route(call.request, call.model.upstream_id)
        return Harvest(pictures=(picture,), warnings=wire.warnings(call.request, route))

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Do nothing: Stability has no way to stop what it has begun."""

    async def probe(self, config: ProviderConfig) -> Probe:
        url = api_url(config, "/v1/user/balance", suffixes=_SUFFIXES)
        client = self._outbound.api_client(config)
        request = client.build_request("GET", url, headers=_headers(config), timeout=call_timeout(10.0))
        try:
            answer = await side_answer(client, request)
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

    async def _look(
        self,
        call: ProviderCall,
        job: UpstreamJob,
        exchange: Exchange,
        patience: JobPatience,
        waited: float,
    ) -> tuple[bool, float]:
        """Return whether the job's answer is spooled, else how long to wait before the next look."""
        try:
            trouble = await self._fetch(call.config, job, exchange)
        except CallError as error:
            if not is_line_trouble(error):
                raise
            trouble = _Trouble(error=error)
        if not isinstance(trouble, _Trouble):
            patience.note_progress()
            return trouble, self._poll_seconds
        patience.bear(trouble.error, vendors_word=trouble.vendors_word)
        slower = max(self._poll_seconds, min(waited * 2, _SLOWEST_POLL))
        return False, max(trouble.error.retry_after or 0.0, slower)

    async def _fetch(self, config: ProviderConfig, job: UpstreamJob, exchange: Exchange) -> "bool | _Trouble":
        """Return whether the job's answer is spooled, or what came in its place."""
        url = api_url(config, f"/v2beta/results/{job.id}", suffixes=_SUFFIXES)
        client = self._outbound.api_client(config)
        request = client.build_request(
            "GET", url, headers=_headers(config), timeout=call_timeout(config.timeout)
        )
        async with answered(client, request) as response:
            status = response.status_code
            if status == httpx.codes.ACCEPTED:
                return False
            if status != httpx.codes.OK:
                return await _Trouble.of(response, _secrets(config))
            head, chunks = await _peeked(response.aiter_bytes())
            if not may_be_json(head):
                return _Trouble(error=bad_response("a page came in the place of the job's result"))
            await exchange.spool(_ANSWER, chunks, max_bytes=_ANSWER_BYTES)
        return True

    async def _request(
        self, client: httpx.AsyncClient, call: ProviderCall, route: wire.Route, exchange: Exchange
    ) -> httpx.Request:
        request, config = call.request, call.config
        source = request.references[0] if request.references else request.image
        picture = None if source is None else await exchange.read_input(source)
        mask = await mask_for(request, exchange, MaskPolarity.WHITE_IS_EDIT)
        built = client.build_request(
            "POST",
            api_url(config, route.path, suffixes=_SUFFIXES),
            files=wire.form(request, route, picture=picture, mask=mask),
            headers=_headers(config),
            timeout=call_timeout(config.timeout),
        )
        if int(built.headers["content-length"]) > wire.BODY_BYTES:  # a mask grows when it is converted
            raise ValidationFailed.of(
                "mask" if mask else "image", f"a request to Stability has at most {wire.BODY_BYTES} bytes"
            )
        return built


@attrs.frozen(kw_only=True)
class _Trouble:
    """What came in the place of a job's state, and whether it ends the job if it comes from the vendor."""

    error: CallError
    vendors_word: bool = False

    @classmethod
    async def of(cls, response: httpx.Response, secrets: tuple[str, ...]) -> "_Trouble":
        status, body = response.status_code, await read_error(response)
        error = failures.STABILITY.error(status, response.headers, body, secrets=secrets)
        if error.failure.code in _WORTH_ANOTHER_LOOK:
            return cls(error=error)
        if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            gone = "Stability no longer knows the job"
            error = CallError(FailureCode.RESULT_EXPIRED, gone, upstream_status=status)
        return cls(error=error, vendors_word=is_vendors_word(status, body))


async def _peeked(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
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
    return own_headers(config) | {"accept": "application/json"} | key


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
