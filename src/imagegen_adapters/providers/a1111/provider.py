"""A self-hosted Stable Diffusion server (A1111's WebUI, Forge, SD.Next): its calls and answers."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.a1111.requests import (
    PATHS,
    SHIPPED_MODELS,
    Options,
    StableDiffusionCode,
    body,
    model_of,
    result_size,
    warnings,
)
from imagegen_adapters.providers.common.calls import (
    OneShot,
    ResponseCode,
    as_list,
    as_object,
    basic_auth,
    configured_headers,
    json_or_none,
    malformed_key,
    shorten,
    two_part_key_problem,
)
from imagegen_adapters.providers.common.images import Body, BodyImage, input_parts, json_body, map_refusals
from imagegen_adapters.providers.common.json_files import (
    MAX_JSON_BYTES,
    Answer,
    Api,
    SpooledString,
    bad_response,
    decode_chunks,
    parse_json,
    parse_spooled,
    read_spooled,
    read_text,
)
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import FailureReason, upstream_text
from imagegen_core.models import Model, ProviderProfile, check_result_size, check_upscaled
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.requests import ImageRequest, Operation

PROGRESS_SECONDS = 1.0  # SD.Next allows an address 300 points a minute; a progress request costs one
_RESPONSE_FILE = "answer.json"
_FREE_CALL_SECONDS = 5.0
_MAX_FREE_BYTES = 1024 * 1024  # for calls that generate nothing; a list of a thousand checkpoints takes half


@attrs.frozen(eq=False)
class A1111(OneShot):
    """One call at a time: the server has a global lock, and each waiting call holds a connection."""

    _outbound: Outbound
    _progress_seconds: float
    _interrupted: dict[str, bool] = attrs.field(factory=dict, init=False)  # by the id of a running call

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        Options.from_config(config)
        configured_headers(config)
        return ProviderProfile(
            models=tuple(map(model_of, config.models or SHIPPED_MODELS)),
            display_name="Stable Diffusion WebUI",
            default_api_base="http://127.0.0.1:7860",
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
        request = call.request
        with map_refusals():
            images = [BodyImage(part, "") for part in await input_parts(request, exchange)]
            options = Options.from_config(call.config)
            document = body(request, call.model, task=call.call_id, options=options, images=images)
        self._interrupted[call.call_id] = False
        watcher = asyncio.create_task(self._watch(call, exchange))
        try:
            await self._send(call, json_body(document), exchange)
            return Receipt(data={"file": _RESPONSE_FILE, "interrupted": self._interrupted[call.call_id]})
        finally:
            watcher.cancel()
            await asyncio.wait({watcher})
            del self._interrupted[call.call_id]

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        open_file = partial(exchange.open_spooled, str(receipt.data.get("file", _RESPONSE_FILE)))
        interrupted = bool(receipt.data.get("interrupted", False))
        parse = partial(parse_result, open_file=open_file, request=call.request, interrupted=interrupted)
        return await read_spooled(open_file, parse)

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Interrupt the server, unless this call is over or the server reports another one as running."""
        if call.call_id not in self._interrupted:
            return
        with contextlib.suppress(CallError, httpx.HTTPError, ValueError):
            current = (await self._progress(call.config)).get("current_task")
            if current in (None, call.call_id) and call.call_id in self._interrupted:
                # Set before the request, because the image may arrive before the response to it.
                self._interrupted[call.call_id] = True
                answer = await self._api(call.config).ask("POST", "/sdapi/v1/interrupt")
                if not answer.is_success and call.call_id in self._interrupted:
                    self._interrupted[call.call_id] = False

    async def probe(self, config: ProviderConfig) -> Probe:
        try:
            models = await self._get_json(config, "/sdapi/v1/sd-models")
            settings = await self._get_json(config, "/sdapi/v1/options")
        except CallError as error:
            return Probe(ok=False, detail=error.failure.reason)
        loaded = as_object(settings).get("sd_model_checkpoint")
        detail = StableDiffusionCode.CHECKPOINTS(
            count=len(as_list(models)), loaded=(str(loaded),) if loaded else ()
        )
        return Probe(ok=True, detail=detail)

    async def _send(self, call: ProviderCall, body: Body, exchange: Exchange) -> None:
        api, path = self._api(call.config), PATHS[call.request.operation]
        headers = {"content-type": body.content_type, "content-length": str(body.length)}
        # Room for all images in base64, a grid, and the JSON around them.
        max_bytes = (call.request.num + 1) * (MAX_IMAGE_BYTES * 4 // 3 + 4) + MAX_JSON_BYTES
        async with api.response_to(
            "POST", path, seconds=call.config.timeout, headers=headers, content=body.stream(exchange)
        ) as response:
            exchange.mark_response_started()
            if response.status_code != httpx.codes.OK:
                path = response.request.url.path
                raise call_error(await api.answer_of(response), path=path, model=call.model)
            await exchange.spool(_RESPONSE_FILE, response.aiter_bytes(), max_bytes=max_bytes)

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

    async def _progress(self, config: ProviderConfig) -> Mapping[str, Any]:
        return as_object(await self._get_json(config, "/sdapi/v1/progress?skip_current_image=true"))

    async def _get_json(self, config: ProviderConfig, path: str) -> Any:
        answer = await self._api(config).ask("GET", path)
        if answer.status != httpx.codes.OK:
            raise call_error(answer, path=path)
        if len(answer.body) == _MAX_FREE_BYTES:
            raise bad_response(ResponseCode.RESPONSE_TOO_LONG(maximum=_MAX_FREE_BYTES))
        return parse_json(answer.body)

    def _api(self, config: ProviderConfig) -> Api:
        """A1111 and SD.Next take the key as user and password."""
        key = None if config.api_key is None else config.api_key.reveal()
        if key is not None and ":" not in key:
            raise CallError(FailureCode.AUTH_FAILED, malformed_key("user:password"))
        return Api(
            outbound=self._outbound,
            config=config,
            base=(config.api_base or "").rstrip("/").removesuffix("/sdapi/v1").removesuffix("/sdapi"),
            headers={**configured_headers(config), **(basic_auth(key) if key else {})},
            secrets=tuple(filter(None, (key, (key or "").partition(":")[2]))),
            seconds=_FREE_CALL_SECONDS,
            max_bytes=_MAX_FREE_BYTES,
        )


# ---------------------------------------------------------------- images in a response

_METADATA_NAMES = {"sd_model_name": "model", "sd_model_hash": "model_hash", "sampler_name": "sampler_name"}


def parse_result(
    file: BinaryIO, open_file: Callable[[], BinaryIO], request: ImageRequest, *, interrupted: bool
) -> ProviderResult:
    """Return the images of a spooled response, without grids and what extensions appended.

    It reads the file; each image opens it again. Without images an interrupted call is ``cancelled``.
    """
    document = parse_spooled(file).resolved()
    if not isinstance(document, dict):
        raise bad_response(ResponseCode.RESPONSE_NOT_AN_OBJECT())
    info = as_object(json_or_none(read_text(file, document.get("info")) or ""))  # JSON inside a JSON string
    if request.operation is Operation.UPSCALE:
        candidates, info = [document.get("image")], {}
    else:
        candidates = _generated_images(document.get("images"), info)
    encoded_images = [value for value in candidates if isinstance(value, (str, SpooledString)) and value]
    if not encoded_images and interrupted:
        raise CallError(FailureCode.CANCELLED, StableDiffusionCode.SERVER_INTERRUPTED())
    if not encoded_images:
        raise bad_response(FailureReason.NO_IMAGE_IN_RESPONSE())
    images = tuple(
        GeneratedImage(
            chunks=partial(decode_chunks, open_file, value),
            metadata=_metadata(info, position, interrupted=interrupted),
        )
        for position, value in enumerate(encoded_images)
    )
    is_enlarged = bool(request.params.get("enable_hr"))
    return ProviderResult(images=images, warnings=tuple(warnings(request)), keeps_size=not is_enlarged)


def _generated_images(images: object, info: Mapping[str, Any]) -> list[Any]:
    if not isinstance(images, list):
        raise bad_response(ResponseCode.NO_IMAGES_NAMED())
    first, seeds = info.get("index_of_first_image", 0), info.get("all_seeds")
    first = first if isinstance(first, int) and 0 <= first < len(images) else 0
    return images[first : first + len(seeds)] if isinstance(seeds, list) and seeds else images[first:]


def _metadata(info: Mapping[str, Any], position: int, *, interrupted: bool) -> dict[str, Any]:
    named = ((name, info.get(upstream_name)) for upstream_name, name in _METADATA_NAMES.items())
    metadata: dict[str, Any] = {name: value for name, value in named if isinstance(value, str)}
    seeds = info.get("all_seeds")
    if isinstance(seeds, list) and position < len(seeds) and isinstance(seeds[position], int):
        metadata["seed"] = seeds[position]
    return metadata | ({"interrupted": True} if interrupted else {})


# ---------------------------------------------------------------- error responses


def call_error(answer: Answer, *, path: str, model: Model | None = None) -> CallError:
    text, name, is_about_the_path = _read_error(answer.body.decode("utf-8", "replace"))
    if answer.status == httpx.codes.NOT_FOUND and is_about_the_path:
        reason = StableDiffusionCode.NO_ROUTE(path=path)
        return CallError(FailureCode.REJECTED, reason, upstream_status=answer.status)
    reason = ResponseCode.RESPONSE_STATUS(status=answer.status)
    return answer.error(upstream_text(shorten(text, answer.secrets)) if text.strip() else reason, name, model)


def _read_error(text: str) -> tuple[str, str | None, bool]:
    """Return the sentence, the server's own code, and whether only the path is unknown.

    The sentence is ``detail`` or its first ``msg``, else ``errors``, ``error``, or the body.
    """
    body = json_or_none(text)
    if not isinstance(body, dict):  # sd-server's 404 has no body at all, that of a proxy a page
        return text, None, True
    detail, error = body.get("detail"), body.get("error")
    name = error if isinstance(error, str) and error else None
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        location, message = detail[0].get("loc"), str(detail[0].get("msg", ""))
        parts = location if isinstance(location, list) else ()
        field = ".".join(str(part) for part in parts if part != "body")
        return f"{field}: {message}" if field else message, name, False
    texts = (detail, body.get("errors"), error)
    sentence = next((words for words in texts if isinstance(words, str) and words.strip()), text)
    return sentence, name, detail == "Not Found"  # FastAPI's message for an unknown path
