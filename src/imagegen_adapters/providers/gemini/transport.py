"""Sends the SDK's requests through our own outbound client, without holding an image in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import attrs
import httpx

from imagegen_adapters.providers.common.calls import call_timeout, read_at_most, read_error
from imagegen_adapters.providers.common.words import ResponseCode
from imagegen_adapters.providers.gemini.messages import GeminiCode
from imagegen_adapters.providers.gemini.uploads import Body, Upload
from imagegen_core.config import origin
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.execution.arriving_responses import RESPONSE_GRACE_SECONDS
from imagegen_core.ports.provider import Exchange

OK = 200
_MAX_LIST_BYTES = 2 * 1024 * 1024
_MAX_OBJECTS = 10_000
"""Objects in a list of models: the SDK makes each a model instance, on the event loop."""

_DROPPED_HEADERS = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding"})
_FORWARDED_HEADERS = ("content-type", "retry-after")


@attrs.define(kw_only=True)
class UploadContext:
    """One paid request: the images to send, and the spool file of its response.

    ``sending_started`` becomes True just before the first byte may be sent; ``on_sent`` is called after the
    last. ``limit`` is the time limit of the call.
    """

    uploads: Sequence[Upload]
    exchange: Exchange
    name: str
    max_bytes: int
    sending_started: bool = False
    on_sent: Callable[[], Awaitable[None]] | None = None
    limit: asyncio.Timeout | None = None

    def mark_response_started(self) -> None:
        """Note that the response has begun, and extend the limit, since the call is paid for by now."""
        self.exchange.mark_response_started()
        if self.limit is not None and (end := self.limit.when()) is not None:
            self.limit.reschedule(end + RESPONSE_GRACE_SECONDS)


class SdkTransport(httpx.AsyncBaseTransport):
    """The httpx transport of the SDK.

    Placeholders in a request become streamed images. A 200 response is spooled as it arrives and the SDK
    sees ``{}``; any other response goes to the SDK, which raises an exception for it.

    Args:
        client: our own client; it is not closed.
        api_base: the only origin that requests may go to, since they carry the key.
        timeout: in seconds; connecting may take half of it, and 10 at most.
        upload_context: None for a free call, whose response goes to the SDK.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        api_base: str,
        timeout: float,
        upload_context: UploadContext | None = None,
    ) -> None:
        self._client = client
        self._origin = origin(api_base)
        self._timeout = call_timeout(timeout)
        self._upload_context = upload_context

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request once; redirects are not followed."""
        if origin(str(request.url)) != self._origin:
            raise CallError(FailureCode.INTERNAL, GeminiCode.SDK_OTHER_ORIGIN())
        outgoing = await self._outgoing(request)
        if self._upload_context is not None:
            self._upload_context.sending_started = True
        response = await self._client.send(outgoing, stream=True, follow_redirects=False)
        if self._upload_context is not None:
            self._upload_context.mark_response_started()
        try:
            return await self._received(response, request)
        finally:
            await response.aclose()

    async def _outgoing(self, request: httpx.Request) -> httpx.Request:
        text = await request.aread()
        body = Body(text=text, uploads=self._upload_context.uploads if self._upload_context else ())
        headers = [
            (name, value) for name, value in request.headers.multi_items() if name not in _DROPPED_HEADERS
        ]
        if text:
            headers.append(("content-length", str(body.length)))
        return self._client.build_request(
            request.method,
            request.url,
            headers=headers,
            content=self._sending(body) if text else None,
            timeout=self._timeout,
        )

    async def _sending(self, body: Body) -> AsyncIterator[bytes]:
        async for chunk in body.chunks():
            yield chunk
        if self._upload_context is not None and self._upload_context.on_sent is not None:
            await self._upload_context.on_sent()

    async def _received(self, response: httpx.Response, request: httpx.Request) -> httpx.Response:
        headers = {name: response.headers[name] for name in _FORWARDED_HEADERS if name in response.headers}
        upload_context = self._upload_context
        if response.status_code == OK and upload_context is not None:
            await upload_context.exchange.spool(
                upload_context.name, response.aiter_bytes(), max_bytes=upload_context.max_bytes
            )
            return httpx.Response(OK, content=b"{}", request=request)
        if response.status_code != OK:
            content = _object(await read_error(response))
        else:
            content = await read_at_most(response, _MAX_LIST_BYTES)
            if content.count(b"{") > _MAX_OBJECTS:
                raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_VALUES())
        return httpx.Response(response.status_code, headers=headers, content=content, request=request)


def _object(content: bytes) -> bytes:
    """Return an error body that the SDK can read: the JSON object, or one made of the text."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return json.dumps(body).encode()
    return json.dumps({"error": {"message": content.decode("utf-8", "replace")[:2000]}}).encode()
