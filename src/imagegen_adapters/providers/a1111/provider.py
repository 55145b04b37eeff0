"""A self-hosted Stable Diffusion server: A1111's WebUI, Forge, SD.Next."""

import asyncio
import base64
import contextlib
from functools import partial
from typing import Any, BinaryIO

import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.a1111.requests import (
    PATHS,
    SHIPPED_MODELS,
    JsonBody,
    Options,
    StableDiffusionCode,
    body,
    model_of,
    result_size,
    source_of,
)
from imagegen_adapters.providers.a1111.results import call_error, parse_result
from imagegen_adapters.providers.common.calls import (
    OneShot,
    call_timeout,
    configured_headers,
    malformed_key,
    read_at_most,
    read_error,
    streamed_response,
    two_part_key_problem,
)
from imagegen_adapters.providers.common.images import MaskPolarity, map_refusals, mask_for
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    bad_response,
    parse_json,
    read_spooled,
)
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.models import Model, ProviderProfile, check_result_size, check_upscaled
from imagegen_core.operations import Operation
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall, ProviderResult
from imagegen_core.requests import ImageRequest

API_BASE = "http://127.0.0.1:7860"
PROGRESS_SECONDS = 1.0
"""SD.Next's rate limit allows one address 300 points a minute; a progress request costs one."""

_RESPONSE_FILE = "answer.json"
_UNPAID_CALL_SECONDS = 5.0
"""Time-out of the small calls that generate nothing."""

MAX_UNPAID_RESPONSE_BYTES = 1024 * 1024
"""Limit of the response to such a call; a list of a thousand checkpoints takes half of it."""


class A1111(OneShot):
    """One call at a time: the server has a global lock, and each waiting call holds a connection."""

    def __init__(self, outbound: Outbound, *, progress_seconds: float = PROGRESS_SECONDS) -> None:
        self._outbound = outbound
        self._progress_seconds = progress_seconds
        self._running: set[str] = set()
        self._interrupted: set[str] = set()

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        Options.from_config(config)
        configured_headers(config)
        entries = config.models or SHIPPED_MODELS
        return ProviderProfile(
            models=tuple(map(model_of, entries)),
            display_name="Stable Diffusion WebUI",
            default_api_base=API_BASE,
            needs_api_key=False,
            billed=False,
            max_concurrency=1,
            key_problem=two_part_key_problem(config, "user:password"),
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        body(request, model, task="", options=Options.from_config(config))
        check_result_size(request.params, *result_size(request))
        if request.operation is Operation.UPSCALE and request.image is not None:
            check_upscaled(request.image, request.params)
        return (request,)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> Receipt:
        with map_refusals():
            mask = await mask_for(call.request, exchange, MaskPolarity.WHITE_IS_EDIT)
            document = body(
                call.request,
                call.model,
                task=call.call_id,
                options=Options.from_config(call.config),
                image=source_of(call.request),
                mask=mask,
            )
            json_body = JsonBody(document, exchange.input_chunks)
        self._running.add(call.call_id)
        watcher = asyncio.create_task(self._watch(call, exchange))
        try:
            await self._send(call, json_body, exchange)
            return Receipt(data={"file": _RESPONSE_FILE, "interrupted": call.call_id in self._interrupted})
        finally:
            watcher.cancel()
            await asyncio.wait({watcher})
            self._running.discard(call.call_id)
            self._interrupted.discard(call.call_id)

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        open_file = partial(exchange.open_spooled, str(receipt.data.get("file", _RESPONSE_FILE)))
        interrupted = bool(receipt.data.get("interrupted", False))

        def parse(file: BinaryIO) -> ProviderResult:
            return parse_result(file, open_file, call.request, interrupted=interrupted)

        return await read_spooled(open_file, parse)

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Interrupt the server, unless this call is over or the server says that it works on another one."""
        if call.call_id not in self._running:
            return
        with contextlib.suppress(CallError, httpx.HTTPError, ValueError):
            current = (await self._progress(call.config)).get("current_task")
            if current in (None, call.call_id) and call.call_id in self._running:
                # Set before the request, because the image may arrive before the response to it.
                self._interrupted.add(call.call_id)
                response = await self._send_unpaid(call.config, "POST", "/sdapi/v1/interrupt")
                if not response.is_success:
                    self._interrupted.discard(call.call_id)

    async def probe(self, config: ProviderConfig) -> Probe:
        try:
            models = await self._get_json(config, "/sdapi/v1/sd-models")
            settings = await self._get_json(config, "/sdapi/v1/options")
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        count = len(models) if isinstance(models, list) else 0
        loaded = settings.get("sd_model_checkpoint") if isinstance(settings, dict) else None
        detail = StableDiffusionCode.CHECKPOINTS(count=count, loaded=(str(loaded),) if loaded else ())
        return Probe(ok=True, detail=detail)

    async def _send(self, call: ProviderCall, content: JsonBody, exchange: Exchange) -> None:
        config, path = call.config, PATHS[call.request.operation]
        headers = _headers(config) | {
            "content-type": "application/json",
            "content-length": str(content.length),
        }
        client = self._outbound.api_client(config)
        request = client.build_request(
            "POST", _url(config, path), content=content, headers=headers, timeout=call_timeout(config.timeout)
        )
        async with streamed_response(client, request) as response:
            exchange.mark_response_started()
            if response.status_code != httpx.codes.OK:
                raise call_error(
                    response.status_code,
                    response.headers,
                    await read_error(response),
                    path=response.request.url.path,
                    secrets=_secrets(config),
                    model=call.model,
                )
            await exchange.spool(_RESPONSE_FILE, response.aiter_bytes(), max_bytes=_max_bytes(call.request))

    async def _watch(self, call: ProviderCall, exchange: Exchange) -> None:
        """Report progress while the call runs. No failure here may affect the call."""
        furthest = 0.0
        while True:
            await asyncio.sleep(self._progress_seconds)
            with contextlib.suppress(CallError, httpx.HTTPError, ValueError, TypeError):
                progress = await self._progress(call.config)
                fraction = min(1.0, float(progress.get("progress", 0.0)))
                if progress.get("current_task") in (None, call.call_id) and fraction > furthest:
                    furthest = fraction
                    await exchange.progress(fraction)

    async def _progress(self, config: ProviderConfig) -> dict[str, Any]:
        progress = await self._get_json(config, "/sdapi/v1/progress?skip_current_image=true")
        return progress if isinstance(progress, dict) else {}

    async def _get_json(self, config: ProviderConfig, path: str) -> Any:
        response = await self._send_unpaid(config, "GET", path)
        if response.status_code != httpx.codes.OK:
            secrets = _secrets(config)
            raise call_error(
                response.status_code, response.headers, response.content, path=path, secrets=secrets
            )
        return parse_json(response.content)

    async def _send_unpaid(self, config: ProviderConfig, method: str, path: str) -> httpx.Response:
        client, headers = self._outbound.api_client(config), _headers(config)
        request = client.build_request(
            method, _url(config, path), headers=headers, timeout=_UNPAID_CALL_SECONDS
        )
        async with streamed_response(client, request) as response:
            content = await read_at_most(response, MAX_UNPAID_RESPONSE_BYTES + 1)
        if len(content) > MAX_UNPAID_RESPONSE_BYTES:
            raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=MAX_UNPAID_RESPONSE_BYTES))
        return httpx.Response(response.status_code, headers=response.headers, content=content)


def _url(config: ProviderConfig, path: str) -> str:
    base = (config.api_base or "").rstrip("/")
    return base.removesuffix("/sdapi/v1").removesuffix("/sdapi") + path


def _headers(config: ProviderConfig) -> dict[str, str]:
    """Return the configured headers and the key, which A1111 and SD.Next take as user and password."""
    headers = configured_headers(config)
    if config.api_key is None:
        return headers
    key = config.api_key.reveal()
    if ":" not in key:
        raise CallError(FailureCode.AUTH_FAILED, malformed_key("user:password"))
    return headers | {"authorization": "Basic " + base64.b64encode(key.encode()).decode()}


def _secrets(config: ProviderConfig) -> tuple[str, ...]:
    if config.api_key is None:
        return ()
    key = config.api_key.reveal()
    password = key.partition(":")[2]
    return tuple(secret for secret in (key, password) if secret)


def _max_bytes(request: ImageRequest) -> int:
    """Return room for all images in base64, a grid, and the JSON around them."""
    return (request.num + 1) * (MAX_IMAGE_BYTES * 4 // 3 + 4) + MAX_JSON_BYTES
