"""Receives a response: its start into memory, all that matters to disk."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit, urlunsplit

import attrs
import httpx

from imagegen_adapters.providers.call_limits import read_error
from imagegen_adapters.providers.http.budgets import Reading
from imagegen_adapters.providers.http.classification import UpstreamResponse
from imagegen_adapters.providers.http.patterns import matches_glob
from imagegen_adapters.providers.http.schema.response import ResponseSpec
from imagegen_adapters.providers.json_responses import parse_json
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.ports.provider import Exchange
from imagegen_core.providers.secrets import Secret

MAX_HEAD_BYTES = 64 * 1024
"""A response up to this size is classified before it is stored; errors sent as a 200 are all smaller."""

EVENT_STREAM = "text/event-stream"

RESPONSE_FILE = "answer"
"""The name of the spooled response."""


@attrs.frozen(kw_only=True)
class PartialResponse:
    """A response of which the start was read; ``is_complete`` means that there is no more."""

    status: int
    headers: Mapping[str, str]
    url: str
    head: bytes
    is_complete: bool
    rest: AsyncIterator[bytes]

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return media_type(self.headers)

    def is_image(self, spec: ResponseSpec) -> bool:
        """Return whether the body is one image: by its type, or because the document says so."""
        patterns = ("image/*", *(spec.raw.content_types if spec.raw is not None else ()))
        return matches_glob(self.content_type, patterns)

    @property
    def is_event_stream(self) -> bool:
        """Whether the body is a stream of events, whose type or looks relays get wrong."""
        if self.content_type == EVENT_STREAM:
            return not self.head.startswith((b"{", b"["))
        return self.head.startswith((b"event:", b"data:"))

    async def spool(self, exchange: Exchange, *, max_bytes: int) -> None:
        """Spool the whole response as `RESPONSE_FILE`.

        Raises:
            CallError: ``bad_response``; it is empty or too long.
        """
        if await exchange.spool(RESPONSE_FILE, self.chunks(), max_bytes=max_bytes) == 0:
            raise CallError(
                FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_EMPTY(), upstream_status=self.status
            )

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body, once."""
        yield self.head
        if not self.is_complete:
            async for chunk in self.rest:
                yield chunk


async def read_head(response: httpx.Response) -> PartialResponse:
    """Read the start of a response; of a stream of events only what there is of it.

    Raises:
        httpx.HTTPError: the connection broke; `Sender.open` turns it into a `CallError`.
    """
    chunks = response.aiter_bytes()
    head = bytearray()
    is_complete = True
    max_bytes = 0 if media_type(response.headers) == EVENT_STREAM else MAX_HEAD_BYTES
    async for chunk in chunks:
        head += chunk
        if len(head) > max_bytes:
            is_complete = False
            break
    return PartialResponse(
        status=response.status_code,
        headers=headers_of(response),
        url=_without_query(str(response.url)),
        head=bytes(head),
        is_complete=is_complete,
        rest=chunks,
    )


def media_type(headers: Mapping[str, str]) -> str:
    """Return the type of a body, without parameters and in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the response's headers by lower-case name."""
    return {name.lower(): value for name, value in response.headers.items()}


async def read_error_response(response: httpx.Response, secret: Secret | None) -> UpstreamResponse:
    """Return an error response, its body cut to 64 KiB."""
    return parse_response(response.status_code, headers_of(response), await read_error(response), secret)


def parse_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secret: Secret | None,
    *,
    reading: Reading | None = None,
) -> UpstreamResponse:
    """Return a short response, parsed if it is JSON."""
    try:
        tree = parse_json(body)
    except CallError:
        tree = None
    text = "" if tree is not None else body.decode("utf-8", "replace")
    return UpstreamResponse(
        status=status,
        headers=headers,
        tree=tree,
        text=text,
        secret=secret,
        reading=Reading() if reading is None else reading,
    )


def _without_query(url: str) -> str:
    """Return the base URL for relative ones, without the query, which may contain the key."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
