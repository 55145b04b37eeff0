"""Stability AI's hosted API, v2beta."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.a1111.requests import StableDiffusionCode
from imagegen_adapters.providers.common.calls import (
    call_timeout,
    configured_headers,
    read_at_most,
    streamed_response,
)
from imagegen_adapters.providers.common.images import MaskPolarity, map_refusals, mask_for
from imagegen_adapters.providers.common.json_files import decode_chunks, parse_json, read_spooled
from imagegen_adapters.providers.stable_diffusion import failures
from imagegen_adapters.providers.stable_diffusion import stability_routes as routes
from imagegen_adapters.providers.stable_diffusion import stability_wire as wire
from imagegen_adapters.providers.stable_diffusion.requests import api_url, fetch_unpaid, response_error
from imagegen_adapters.providers.stable_diffusion.stability_jobs import (
    JOB_SECONDS,
    POLL_SECONDS,
    JobWatcher,
    parse_job_id,
)
from imagegen_adapters.providers.stable_diffusion.stability_models import SHIPPED_MODELS, model
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.models import Model, ProviderProfile
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.problems import ProblemCode
from imagegen_core.requests import ImageRequest

API_BASE = "https://api.stability.ai"


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
        return ProviderProfile(
            models=models, display_name="Stability AI", default_api_base=API_BASE, default_timeout=180
        )

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
                raise await response_error(
                    response, failures.STABILITY, wire.secrets(call.config), call.model
                )
            if route.is_job:
                return UpstreamJob(id=parse_job_id(await read_at_most(response)))
            await exchange.spool(
                wire.RESPONSE_FILE, response.aiter_bytes(), max_bytes=wire.MAX_RESPONSE_BYTES
            )
        return Receipt(data={"file": wire.RESPONSE_FILE})

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        watcher = JobWatcher(
            outbound=self._outbound,
            call=call,
            job=job,
            exchange=exchange,
            poll_seconds=self._poll_seconds,
            job_seconds=self._job_seconds,
            sleep=self._sleep,
        )
        await watcher.wait()
        return Receipt(data={"file": wire.RESPONSE_FILE})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        name = str(receipt.data.get("file", wire.RESPONSE_FILE))
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
        url = api_url(config, "/v1/user/balance", suffixes=wire.SUFFIXES)
        client = self._outbound.api_client(config)
        request = client.build_request("GET", url, headers=wire.headers(config), timeout=call_timeout(10.0))
        try:
            response = await fetch_unpaid(client, request)
            if response.status_code != httpx.codes.OK:
                raise failures.STABILITY.error(
                    response.status_code,
                    response.headers,
                    response.content,
                    path=request.url.path,
                    secrets=wire.secrets(config),
                )
            credits_left = parse_json(response.content)["credits"]
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        except (ValueError, TypeError, LookupError):
            return Probe(ok=False, detail=StableDiffusionCode.NO_BALANCE())
        return Probe(ok=True, detail=StableDiffusionCode.CREDITS_LEFT(credits=str(credits_left)))

    async def _request(
        self, client: httpx.AsyncClient, call: ProviderCall, route: routes.Route, exchange: Exchange
    ) -> httpx.Request:
        request, config = call.request, call.config
        source = request.references[0] if request.references else request.image
        image = None if source is None else await exchange.read_input(source)
        mask = await mask_for(request, exchange, MaskPolarity.WHITE_IS_EDIT)
        upload = client.build_request(
            "POST",
            api_url(config, route.path, suffixes=wire.SUFFIXES),
            files=wire.form(request, route, image=image, mask=mask),
            headers=wire.headers(config),
            timeout=call_timeout(config.timeout),
        )
        # Checked again after `routes.check`, because a mask may grow when it is converted.
        if int(upload.headers["content-length"]) > routes.MAX_BODY_BYTES:  # a mask grows when it is converted
            reason = ProblemCode.TOO_MANY_BYTES(maximum=routes.MAX_BODY_BYTES)
            raise ValidationFailed.for_field("mask" if mask else "image", reason)
        return upload
