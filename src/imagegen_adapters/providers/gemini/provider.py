"""The provider for Gemini and Imagen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.providers.common.calls import configured_headers
from imagegen_adapters.providers.common.images import check_total_bytes, map_refusals
from imagegen_adapters.providers.common.json_files import decode_chunks, parse_spooled, read_spooled
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.gemini import sdk
from imagegen_adapters.providers.gemini.credentials import load as load_credentials
from imagegen_adapters.providers.gemini.credentials import refresh
from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_adapters.providers.gemini.models import DEFAULT_MODELS, model_of, traits_of
from imagegen_adapters.providers.gemini.responses import ImageData, read_content, read_predictions
from imagegen_adapters.providers.gemini.sdk_calls import SdkCall, check_sdk_call, sdk_call_for, warnings_of
from imagegen_adapters.providers.gemini.sdk_errors import map_sdk_errors
from imagegen_adapters.providers.gemini.settings import EXTRA_KEYS, GeminiSettings
from imagegen_adapters.providers.gemini.transport import SdkTransport, UploadContext
from imagegen_adapters.providers.gemini.uploads import uploads_of
from imagegen_adapters.threads.detached import DetachedThreads
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ImagegenError
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.models import Model, ProviderProfile, check_upscaled
from imagegen_core.operations import Operation
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider import Exchange, GeneratedImage, Probe, ProviderCall, ProviderResult
from imagegen_core.problems import FailureReason
from imagegen_core.requests import RANDOM_SEED, ImageRequest

_RESPONSE_FILE = "answer.json"
_SLACK_BYTES = 32 * 1024 * 1024
"""Room in a response for drafts, signatures and text beside the images."""

_MAX_UPLOADS = 4
"""Calls that hold an image in memory at the same time, while they send it."""

_MAX_SIGN_INS = 4
"""Google's library waits two minutes for a token service that does not respond."""

_COUNTED_OPERATIONS = (Operation.GENERATE, Operation.EDIT, Operation.RECONTEXT)


class GeminiProvider:
    """Implements the `Provider` port with google-genai: one request a call, images never whole in memory.

    Args:
        outbound: makes all connections, except those that refresh Google's own credentials.
        clock: tells the time, for a ``Retry-After`` that is a date.
    """

    names = ("gemini*",)
    extra_keys = EXTRA_KEYS

    def __init__(self, outbound: Outbound, *, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock
        self._uploads = asyncio.Semaphore(_MAX_UPLOADS)
        self._credentials: dict[str | None, Any] = {}
        self._sign_in_threads = DetachedThreads("google-sign-in", _MAX_SIGN_INS)

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        settings = GeminiSettings.from_config(config)
        configured_headers(config)
        entries = DEFAULT_MODELS if config.models is None else config.models
        ambient = settings.credentials if config.api_key is None else None
        return ProviderProfile(
            models=tuple(model_of(entry, settings.backend) for entry in entries),
            display_name="Google Gemini",
            default_api_base=settings.default_api_base,
            default_timeout=180,  # a 4K image may take two minutes
            needs_api_base=False,
            needs_api_key=not settings.uses_credentials,
            key_hosts=settings.foreign_models(entry.id for entry in entries) if ambient else (),
            ambient_credentials=ambient,
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        check_sdk_call(request, model)
        limit = GeminiSettings.from_config(config).max_inline_bytes
        check_total_bytes(request.named_inputs, limit, code=GeminiCode.INLINE_IMAGES_TOO_HEAVY)
        if request.seed == RANDOM_SEED:
            request = request.with_params(seed=None)
        is_upscale = request.operation is Operation.UPSCALE and traits_of(model.id).imagen
        if is_upscale and request.image is not None:
            check_upscaled(request.image, request.params)
        if traits_of(model.id).imagen and request.operation in _COUNTED_OPERATIONS:
            return (request,)
        return request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        settings = GeminiSettings.from_config(call.config)
        with map_refusals():
            self.split(call.request, call.model, call.config)
            uploads = await uploads_of(call, exchange)
            await sdk.load()
            sdk_call = sdk_call_for(call.request, call.model, uploads)
        max_bytes = (MAX_IMAGE_BYTES * 4 // 3) * call.request.num + _SLACK_BYTES
        upload_context = UploadContext(
            uploads=uploads, exchange=exchange, name=_RESPONSE_FILE, max_bytes=max_bytes
        )
        try:
            async with asyncio.timeout(call.config.timeout) as upload_context.limit:
                await self._send(call, settings, sdk_call, upload_context)
        except TimeoutError as error:
            raise _timeout_error(call.config.timeout, has_started=upload_context.sending_started) from error
        return Receipt(data={"file": _RESPONSE_FILE})

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        raise CallError(FailureCode.RESULT_EXPIRED, ResponseCode.NO_JOBS())

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        name = str(receipt.data.get("file", _RESPONSE_FILE))
        document = await read_spooled(lambda: exchange.open_spooled(name), _parsed)
        response = (read_predictions if traits_of(call.model.id).imagen else read_content)(document)
        return ProviderResult(
            images=tuple(_image(image, exchange, name) for image in response.images),
            failures=response.failures,
            usage=response.usage,
            warnings=(*warnings_of(call.request, call.model), *response.warnings),
        )

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        """Do nothing: Google has no request to stop a call."""

    async def probe(self, config: ProviderConfig) -> Probe:
        profile = self.describe(config)
        config = attrs.evolve(config, api_base=config.api_base or profile.default_api_base)
        await sdk.load()
        try:
            async with asyncio.timeout(config.timeout):
                served = await self._served(config)
        except TimeoutError:
            return Probe(ok=False, detail=GeminiCode.PROBE_TOO_SLOW(seconds=config.timeout))
        except ImagegenError as error:
            return Probe(ok=False, detail=error.reason)
        missing = [m for m in profile.models if m.upstream_id.rpartition("models/")[2] not in served]
        if missing:
            return Probe(ok=False, detail=GeminiCode.MODEL_NOT_SERVED(model=missing[0].id))
        return Probe(ok=True, detail=GeminiCode.MODELS_SERVED(count=len(served)))

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _served(self, config: ProviderConfig) -> frozenset[str]:
        settings = GeminiSettings.from_config(config)
        with map_sdk_errors(config, now=self._now):
            async with self._models(config, settings, None) as models:
                page = (await models.list(config={"page_size": 1000})).page
        return frozenset(str(model.name).rpartition("models/")[2] for model in page)

    async def _send(
        self, call: ProviderCall, settings: GeminiSettings, sdk_call: SdkCall, upload_context: UploadContext
    ) -> None:
        with map_sdk_errors(call.config, model=call.model, upload_context=upload_context, now=self._now):
            async with AsyncExitStack() as upload:
                if upload_context.uploads:
                    await upload.enter_async_context(self._uploads)
                    upload_context.on_sent = upload.aclose
                async with self._models(call.config, settings, upload_context) as models:
                    await sdk.send(models, sdk_call)

    @asynccontextmanager
    async def _models(
        self, config: ProviderConfig, settings: GeminiSettings, upload_context: UploadContext | None
    ) -> AsyncIterator[Any]:
        client = self._outbound.api_client(config)
        transport = SdkTransport(
            client, api_base=config.api_base or "", timeout=config.timeout, upload_context=upload_context
        )
        credentials = await self._credentials_of(config, settings)
        async with sdk.models_api(config, settings, transport, credentials) as models:
            yield models

    async def _credentials_of(self, config: ProviderConfig, settings: GeminiSettings) -> Any:
        if config.api_key is not None or not settings.uses_credentials:
            return None
        path = settings.credentials_file
        if path not in self._credentials:
            self._credentials[path] = await self._sign_in_threads.run(lambda: load_credentials(path))
        credentials = self._credentials[path]
        if credentials.expired or not credentials.token:
            await self._sign_in_threads.run(lambda: refresh(credentials))
        return credentials


def _parsed(file: BinaryIO) -> Any:
    return parse_spooled(file).resolved()


def _image(image: ImageData, exchange: Exchange, name: str) -> GeneratedImage:
    return GeneratedImage(
        chunks=lambda: decode_chunks(lambda: exchange.open_spooled(name), image.data), metadata=image.metadata
    )


def _timeout_error(seconds: float, *, has_started: bool) -> CallError:
    if has_started:
        return CallError(FailureCode.TIMEOUT, FailureReason.TOO_SLOW(seconds=seconds))
    return CallError(FailureCode.UNAVAILABLE, GeminiCode.NOTHING_SENT(seconds=seconds), not_started=True)
