"""Runs the google-genai SDK with one address, one key and no retries, whatever the environment says."""

import asyncio
import importlib
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from imagegen_adapters.providers.common.calls import configured_headers
from imagegen_adapters.providers.gemini.sdk_calls import SdkCall
from imagegen_adapters.providers.gemini.settings import Backend, GeminiSettings
from imagegen_adapters.providers.gemini.transport import SdkTransport
from imagegen_core.config import ProviderConfig


async def load() -> None:
    """Import the SDK in a thread: it takes half a second."""
    await asyncio.to_thread(importlib.import_module, "google.genai")


@asynccontextmanager
async def models_api(
    config: ProviderConfig, settings: GeminiSettings, transport: SdkTransport, credentials: Any
) -> AsyncIterator[Any]:
    """Yield ``client.aio.models`` of a client that sends through ``transport``."""
    from google import genai
    from google.genai.client import DebugConfig

    base_url, api_version = settings.address(config.api_base)
    async with httpx.AsyncClient(transport=transport, trust_env=False) as http_client:
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
        try:
            yield client.aio.models
        finally:
            client.close()


async def send(models: Any, sdk_call: SdkCall) -> None:
    """Call the method of ``sdk_call``; the transport has spooled the response when this returns."""
    with warnings.catch_warnings():
        # The SDK warns, once per process and as the coroutine is made, that Imagen's methods will go.
        warnings.simplefilter("ignore")
        call = getattr(models, sdk_call.method)(**sdk_call.arguments)
    await call
