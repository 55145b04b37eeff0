"""Requests to ComfyUI's API, and its answers as JSON."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import httpx

from imagegen_adapters.outbound import Outbound
from imagegen_adapters.providers.common.calls import (
    call_timeout,
    configured_headers,
    read_at_most,
    streamed_response,
)
from imagegen_adapters.providers.common.json_files import parse_json
from imagegen_adapters.redactors.spellings import without
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""What ComfyUI says of a job repeats its workflow, and of a queue the workflows of all."""

_FREE_CALL_SECONDS = 30.0


@attrs.frozen(kw_only=True)
class Answer:
    """``tree`` is None where the body is no JSON: it is not from ComfyUI, or too long."""

    status: int
    tree: Any
    body: bytes = attrs.field(repr=False)
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """Whether ComfyUI did what was asked."""
        return httpx.codes.is_success(self.status)


@attrs.frozen(kw_only=True)
class ComfyUIApi:
    """The ComfyUI of one configuration."""

    outbound: Outbound
    config: ProviderConfig

    @property
    def headers(self) -> dict[str, str]:
        """What each request has: ComfyUI knows no keys, so one is for what stands before it."""
        key = self.config.api_key
        return configured_headers(self.config) | (
            {} if key is None else {"authorization": f"Bearer {key.reveal()}"}
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may repeat."""
        return () if self.config.api_key is None else (self.config.api_key.reveal(),)

    def without_key(self, text: str) -> str:
        """Return a text to be stored, in which no spelling of the key is left."""
        key = self.config.api_key
        return text if key is None else key.give_to(partial(without, text))

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return f"{(self.config.api_base or '').rstrip('/')}{path}"

    async def get(self, path: str) -> Answer:
        """Ask for something.

        Raises:
            CallError: as `map_transport_errors` does.
        """
        async with self.response_to("GET", path) as response:
            return await answer_of(response)

    async def post(self, path: str, **content: Any) -> Answer:
        """Post something that starts nothing, ``json`` or a form of ``data`` and ``files``.

        Raises:
            CallError: as `map_transport_errors` does.
        """
        async with self.response_to("POST", path, **content) as response:
            return await answer_of(response)

    @asynccontextmanager
    async def response_to(
        self, method: str, path: str, *, seconds: float = _FREE_CALL_SECONDS, **content: Any
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and yield its response, the body unread.

        Raises:
            CallError: as `map_transport_errors` does.
        """
        client = self.outbound.api_client(self.config)
        request = client.build_request(
            method, self.url(path), headers=self.headers, timeout=call_timeout(seconds), **content
        )
        async with streamed_response(client, request) as response:
            yield response


async def answer_of(response: httpx.Response) -> Answer:
    """Read a response.

    Raises:
        httpx.HTTPError: the connection broke.
    """
    body = await read_at_most(response, MAX_ANSWER_BYTES)
    try:
        tree = parse_json(body)
    except CallError:
        tree = None
    return Answer(
        status=response.status_code,
        tree=tree,
        body=body,
        retry_after=response.headers.get("retry-after"),
    )


def as_object(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}
