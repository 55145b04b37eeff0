"""Carries the SDK's requests over our own outbound client, without holding a picture in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import attrs
import httpx

from imagegen_adapters.providers.calling import call_timeout, read_at_most, read_error
from imagegen_adapters.providers.gemini.uploads import Body, Upload
from imagegen_core.addresses import origin
from imagegen_core.arriving_answers import ARRIVAL_SECONDS
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.ports.provider import Exchange

OK = 200
_LIST_BYTES = 2 * 1024 * 1024
_MAX_OBJECTS = 10_000
"""Objects of a list of models; the SDK makes each a model of its own, on the event loop."""

_DROPPED = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding"})
_KEPT = ("content-type", "retry-after")


@attrs.define(kw_only=True)
class Parcel:
    """One paid request: the pictures that go into it, and where its answer is spooled.

    ``left`` becomes True just before the first byte may leave; ``when_sent`` is called after the last.
    ``limit`` ends the call.
    """

    uploads: Sequence[Upload]
    exchange: Exchange
    name: str
    max_bytes: int
    left: bool = False
    when_sent: Callable[[], Awaitable[None]] | None = None
    limit: asyncio.Timeout | None = None

    def mark_arrival(self) -> None:
        """Give the rest of the answer a little more time, since it is paid for."""
        self.exchange.mark_arrival()
        if self.limit is not None and (end := self.limit.when()) is not None:
            self.limit.reschedule(end + ARRIVAL_SECONDS)


class Courier(httpx.AsyncBaseTransport):
    """The transport below the SDK.

    Placeholders in a request become streamed pictures. A 200 answer goes to the spool as it comes and the
    SDK sees ``{}``; any other answer goes to the SDK, which makes an exception of it.

    Args:
        client: our own client; it is not closed.
        api_base: the only origin that requests may go to, since they carry the key.
        timeout: seconds; making a connection may take half of it, and 10 at the most.
        parcel: None for a free call, whose answer goes to the SDK.
    """

    def __init__(
        self, client: httpx.AsyncClient, *, api_base: str, timeout: float, parcel: Parcel | None = None
    ) -> None:
        self._client = client
        self._origin = origin(api_base)
        self._timeout = call_timeout(timeout)
        self._parcel = parcel

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request once; redirects are not followed."""
        if origin(str(request.url)) != self._origin:
            raise CallError(FailureCode.INTERNAL, "the SDK wanted to send the key to another origin")
        outgoing = await self._outgoing(request)
        if self._parcel is not None:
            self._parcel.left = True
        answer = await self._client.send(outgoing, stream=True, follow_redirects=False)
        if self._parcel is not None:
            self._parcel.mark_arrival()
        try:
            return await self._received(answer, request)
        finally:
            await answer.aclose()

    async def _outgoing(self, request: httpx.Request) -> httpx.Request:
        text = await request.aread()
        body = Body(text=text, uploads=self._parcel.uploads if self._parcel else ())
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in _DROPPED]
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
        if self._parcel is not None and self._parcel.when_sent is not None:
            await self._parcel.when_sent()

    async def _received(self, answer: httpx.Response, request: httpx.Request) -> httpx.Response:
        headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        parcel = self._parcel
        if answer.status_code == OK and parcel is not None:
            await parcel.exchange.spool(parcel.name, answer.aiter_bytes(), max_bytes=parcel.max_bytes)
            return httpx.Response(OK, content=b"{}", request=request)
        if answer.status_code != OK:
            content = _object(await read_error(answer))
        else:
            content = await read_at_most(answer, _LIST_BYTES)
            if content.count(b"{") > _MAX_OBJECTS:
                raise CallError(FailureCode.BAD_RESPONSE, "the answer has too many values")
        return httpx.Response(answer.status_code, headers=headers, content=content, request=request)


def _object(content: bytes) -> bytes:
    """Return an error body that the SDK can read: a JSON object, made of the text where it is none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        return json.dumps(body).encode()
    return json.dumps({"error": {"message": content.decode("utf-8", "replace")[:2000]}}).encode()
