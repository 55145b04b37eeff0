"""Google Gemini and Imagen through the google-genai SDK, with an API key or on Vertex.

The SDK gets one address, one key and no retries; the environment is ignored. It sends through `Outbound`.
"""

import asyncio
import json
import secrets
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.common.calls import (
    OneShot,
    ResponseCode,
    call_timeout,
    configured_headers,
    read_at_most,
    read_error,
    shorten,
    streamed_response,
)
from imagegen_adapters.providers.common.images import (
    BodyImage,
    body_of,
    check_total_bytes,
    check_types,
    input_parts,
    map_refusals,
)
from imagegen_adapters.providers.common.json_files import parse_spooled, part_of, read_spooled
from imagegen_adapters.providers.gemini.batches import GeminiBatches
from imagegen_adapters.providers.gemini.requests import (
    DEFAULT_MODELS,
    EXTRA_KEYS,
    Backend,
    GeminiCode,
    GeminiSettings,
    model_of,
    sdk_call,
    traits_of,
    warnings_of,
)
from imagegen_adapters.providers.gemini.responses import (
    ErrorResponse,
    call_error,
    read_content,
    read_predictions,
)
from imagegen_adapters.threads import DetachedThreads
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ProviderConfig, origin
from imagegen_core.errors import CallError, FailureCode, ImagegenError
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.messages import FailureReason
from imagegen_core.models import Model, ProviderProfile, check_upscaled
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import RANDOM_SEED, ImageRequest, Operation
from imagegen_core.running.exchange import RESPONSE_GRACE_SECONDS

_RESPONSE_FILE = "answer.json"
_SLACK_BYTES = 32 * 1024 * 1024  # room in a response for drafts, signatures and text beside the images
_MAX_SIGN_INS = 4  # Google's library waits two minutes for a token service that hangs
_COUNTED_OPERATIONS = (Operation.GENERATE, Operation.EDIT, Operation.RECONTEXT)


class GeminiProvider(OneShot):
    """Sends one request a call, images never whole in memory; only Google's sign-in bypasses ``outbound``."""

    names = ("gemini*",)
    extra_keys = EXTRA_KEYS

    def __init__(self, outbound: Outbound, *, clock: Clock) -> None:
        self._outbound, self._clock = outbound, clock
        self.batches = GeminiBatches(outbound, clock)
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
        warnings_of(request, model)
        limit = GeminiSettings.from_config(config).max_inline_bytes
        check_types(request.named_inputs)
        check_total_bytes(request.named_inputs, limit, code=GeminiCode.INLINE_IMAGES_TOO_HEAVY)
        if request.seed == RANDOM_SEED:
            request = request.with_params(seed=None)
        is_imagen = traits_of(model.id).imagen
        if is_imagen and request.operation is Operation.UPSCALE and request.image is not None:
            check_upscaled(request.image, request.params)
        return (request,) if is_imagen and request.operation in _COUNTED_OPERATIONS else request.split()

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        config, timeout = call.config, call.config.timeout
        with map_refusals():
            self.split(call.request, call.model, config)
            parts = await input_parts(call.request, exchange)
            images = {secrets.token_hex(32): BodyImage(part, "") for part in parts}
            await _load_sdk()
            method, arguments = sdk_call(call.request, call.model, images)
        max_bytes = (MAX_IMAGE_BYTES * 4 // 3) * call.request.num + _SLACK_BYTES
        sending = Sending(model=call.model, images=images, exchange=exchange, max_bytes=max_bytes)
        try:
            async with asyncio.timeout(timeout) as sending.limit, self._models(config, sending) as models:
                # The SDK warns that Imagen's methods are deprecated.
                with warnings.catch_warnings(action="ignore"):
                    answer = getattr(models, method)(**arguments)
                await answer
        except TimeoutError as error:
            if sending.started:
                raise CallError(FailureCode.TIMEOUT, FailureReason.TOO_SLOW(seconds=timeout)) from error
            reason = GeminiCode.NOTHING_SENT(seconds=timeout)
            raise CallError(FailureCode.UNAVAILABLE, reason, not_started=True) from error
        return Receipt(data={"file": _RESPONSE_FILE})

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        open_file = partial(exchange.open_spooled, str(receipt.data.get("file", _RESPONSE_FILE)))
        document = await read_spooled(open_file, lambda file: parse_spooled(file).resolved())
        read = read_predictions if traits_of(call.model.id).imagen else read_content
        result = read(part_of(document, receipt.data.get("inside", ())), open_file)
        return attrs.evolve(result, warnings=(*warnings_of(call.request, call.model), *result.warnings))

    async def probe(self, config: ProviderConfig) -> Probe:
        profile = self.describe(config)
        config = attrs.evolve(config, api_base=config.api_base or profile.default_api_base)
        await _load_sdk()
        try:
            async with asyncio.timeout(config.timeout), self._models(config) as models:
                page = (await models.list(config={"page_size": 1000})).page
        except TimeoutError:
            return Probe(ok=False, detail=GeminiCode.PROBE_TOO_SLOW(seconds=config.timeout))
        except ImagegenError as error:
            return Probe(ok=False, detail=error.reason)
        served = frozenset(str(model.name).rpartition("models/")[2] for model in page)
        missing = [m for m in profile.models if m.upstream_id.rpartition("models/")[2] not in served]
        if missing:
            return Probe(ok=False, detail=GeminiCode.MODEL_NOT_SERVED(model=missing[0].id))
        return Probe(ok=True, detail=GeminiCode.MODELS_SERVED(count=len(served)))

    @asynccontextmanager
    async def _models(self, config: ProviderConfig, sending: "Sending | None" = None) -> AsyncIterator[Any]:
        """Yield the SDK's methods; its errors and those of Google's sign-in become a `CallError`."""
        from google import genai
        from google.genai.client import DebugConfig

        settings = GeminiSettings.from_config(config)
        base_url, api_version = settings.address(config.api_base)
        transport = SdkTransport(self._outbound.api_client(config), config, self._clock, sending)
        http_client = httpx.AsyncClient(transport=transport, trust_env=False)
        with _mapped_errors(config, sending):
            credentials = await self._credentials_of(config, settings)
            client = genai.Client(
                enterprise=settings.backend is Backend.VERTEX,
                api_key=None if config.api_key is None else config.api_key.reveal(),
                project=settings.project,
                location=settings.location,
                credentials=credentials,
                debug_config=DebugConfig(client_mode=None, replays_directory=None, replay_id=None),
                http_options=genai.types.HttpOptions(
                    base_url=base_url,
                    api_version=api_version,
                    headers=configured_headers(config),
                    timeout=max(1, int(config.timeout * 1000)),
                    httpx_async_client=http_client,
                ),
            )
            with closing(client):
                yield client.aio.models

    async def _credentials_of(self, config: ProviderConfig, settings: GeminiSettings) -> Any:
        """Return credentials with a valid token, if any: the SDK would block the default executor."""
        if config.api_key is not None or not settings.uses_credentials:
            return None
        path = settings.credentials_file
        if path not in self._credentials:
            self._credentials[path] = await self._sign_in_threads.run(partial(_load_credentials, path))
        credentials = self._credentials[path]
        if credentials.expired or not credentials.token:
            await self._sign_in_threads.run(partial(_refresh, credentials))
        return credentials


@contextmanager
def _mapped_errors(config: ProviderConfig, sending: "Sending | None") -> Iterator[None]:
    from google.auth import exceptions as auth

    try:
        yield
    except auth.TransportError as error:
        reason = GeminiCode.CREDENTIALS_NOT_REFRESHED()
        raise CallError(FailureCode.UNAVAILABLE, reason, not_started=True) from error
    except auth.GoogleAuthError as error:
        raise CallError(FailureCode.AUTH_FAILED, GeminiCode.CREDENTIALS_REFUSED()) from error
    except OSError as error:
        if sending is not None and sending.started:
            raise
        raise CallError(FailureCode.UNAVAILABLE, GeminiCode.NOTHING_SENT_BUSY(), not_started=True) from error
    except (ValueError, TypeError) as error:
        if sending is None or sending.started:
            raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_UNREADABLE()) from error
        secret = None if config.api_key is None else config.api_key.reveal()
        detail = shorten(str(error), (secret,))
        raise CallError(FailureCode.REJECTED, GeminiCode.SDK_REQUEST_NOT_BUILT(detail=detail)) from error


async def _load_sdk() -> None:
    """Import the SDK in a thread: it takes half a second."""
    await asyncio.to_thread(import_module, "google.genai")


# ---------------------------------------------------------------- the transport under the SDK

_MAX_LIST_BYTES = 2 * 1024 * 1024
_MAX_OBJECTS = 10_000
"""The limit for a list of models: the SDK makes each object a model instance, on the event loop."""

_DROPPED_HEADERS = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding"})


@attrs.define(kw_only=True)
class Sending:
    """One paid request; ``started`` means that a byte of it may have been sent."""

    model: Model
    images: Mapping[str, BodyImage]
    exchange: Exchange
    max_bytes: int
    started: bool = False
    limit: asyncio.Timeout | None = None

    def mark_response_started(self) -> None:
        """Extend the limit: a call whose response has begun is paid for."""
        self.exchange.mark_response_started()
        if self.limit is not None and (end := self.limit.when()) is not None:
            self.limit.reschedule(end + RESPONSE_GRACE_SECONDS)


@attrs.frozen(eq=False)
class SdkTransport(httpx.AsyncBaseTransport):
    """Sends through our client and leaves it open; replaces placeholders by streamed images.

    It calls only the origin of ``api_base``, because requests carry the key. A paid 200 response is spooled,
    and the SDK sees ``{}``; any other response raises a `CallError`. ``sending`` is None for a free call.
    """

    _client: httpx.AsyncClient
    _config: ProviderConfig
    _clock: Clock
    _sending: Sending | None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if origin(str(request.url)) != origin(self._config.api_base or ""):
            raise CallError(FailureCode.INTERNAL, GeminiCode.SDK_OTHER_ORIGIN())
        sending, text = self._sending, await request.aread()
        body = body_of(text, sending.images if sending else {})
        headers = [pair for pair in request.headers.multi_items() if pair[0] not in _DROPPED_HEADERS]
        if text:
            headers.append(("content-length", str(body.length)))
        outgoing = self._client.build_request(
            request.method,
            request.url,
            headers=headers,
            content=body.stream(None if sending is None else sending.exchange) if text else None,
            timeout=call_timeout(self._config.timeout),
        )
        if sending is not None:
            sending.started = True
        async with streamed_response(self._client, outgoing) as response:
            if sending is not None:
                sending.mark_response_started()
            if response.status_code != httpx.codes.OK:
                key, model = self._config.api_key, None if sending is None else sending.model
                error = ErrorResponse(
                    status=response.status_code,
                    headers=response.headers,
                    body=await read_error(response),
                    secrets=() if key is None else (key.reveal(),),
                )
                raise call_error(error, model=model, now=self._clock.now())
            if sending is not None:
                chunks = response.aiter_bytes()
                await sending.exchange.spool(_RESPONSE_FILE, chunks, max_bytes=sending.max_bytes)
                return httpx.Response(httpx.codes.OK, content=b"{}", request=request)
            content = await read_at_most(response, _MAX_LIST_BYTES)
        if content.count(b"{") > _MAX_OBJECTS:
            raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_VALUES())
        return httpx.Response(httpx.codes.OK, content=content, request=request)


# ---------------------------------------------------------------- Google's credentials, for Vertex

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def _load_credentials(path: str | None) -> Any:
    """Read the operator's file, or find the default credentials; blocks.

    It accepts a service account or the file of ``gcloud auth application-default login``. Other types are
    refused: they name commands to run or URLs to call. Nothing was sent if it raises ``auth_failed``.
    """
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.oauth2 import credentials, service_account

    try:
        if path is not None:
            info = json.loads(Path(path).read_text("utf-8"))
            readers: Mapping[str, Callable[..., Any]] = {
                "service_account": service_account.Credentials.from_service_account_info,
                "authorized_user": credentials.Credentials.from_authorized_user_info,
            }
            return readers[info["type"]](info, scopes=_SCOPES)
        # google.auth warns about user credentials without a quota project.
        with warnings.catch_warnings(action="ignore"):
            return google.auth.default(scopes=_SCOPES)[0]
    except (GoogleAuthError, OSError, ValueError, KeyError, TypeError) as error:
        source = GeminiCode.DEFAULT_CREDENTIALS() if path is None else "extra_config.credentials_file"
        raise CallError(FailureCode.AUTH_FAILED, GeminiCode.CREDENTIALS_UNUSABLE(source=source)) from error


def _refresh(credentials: Any) -> None:
    from google.auth.transport.requests import Request

    credentials.refresh(Request())
