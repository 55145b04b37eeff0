"""Receives a successful response: its start into memory for classification, all that matters to disk."""

from collections.abc import AsyncIterator, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import attrs
import httpx

from imagegen_adapters.providers.http.document import Document, OperationSpec, ResponseSpec
from imagegen_adapters.providers.http.sender import headers_of
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.redactors.spellings import without
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.ports.provider import Exchange
from imagegen_core.tasks.attempt import Receipt

MAX_HEAD_BYTES = 64 * 1024
"""A response up to this size is classified before it is stored; errors sent as a 200 are all smaller."""

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
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def is_image(self, spec: ResponseSpec) -> bool:
        """Return whether the body is one image: by its type, or because the document says so."""
        patterns = ("image/*", *(spec.raw.content_types if spec.raw is not None else ()))
        return any(fnmatchcase(self.content_type, pattern) for pattern in patterns)


async def read_head(response: httpx.Response) -> PartialResponse:
    """Read the start of a response.

    Raises:
        httpx.HTTPError: the connection broke; `Sender.open` turns it into a `CallError`.
    """
    chunks = response.aiter_bytes()
    head = bytearray()
    is_complete = True
    async for chunk in chunks:
        head += chunk
        if len(head) > MAX_HEAD_BYTES:
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


async def spool_response(
    partial: PartialResponse,
    exchange: Exchange,
    document: Document,
    operation: OperationSpec,
    *,
    image: bool,
    secret: str | None,
) -> Receipt:
    """Spool the response and return the receipt for `collect`, at most a few hundred bytes.

    ``secret`` is removed from it, since receipts are stored unencrypted.

    Raises:
        CallError: ``bad_response``; it is empty or too long.
    """
    size = await exchange.spool(RESPONSE_FILE, _whole(partial), max_bytes=document.egress.max_json_bytes)
    if size == 0:
        raise CallError(
            FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_EMPTY(), upstream_status=partial.status
        )
    header_names = _required_headers(document, operation)
    return Receipt(
        data={
            "file": RESPONSE_FILE,
            "kind": "raw" if image else "json",
            "status": partial.status,
            "url": partial.url,
            "headers": {
                k: without(v, secret)[:1000] for k, v in partial.headers.items() if k in header_names
            },
        }
    )


async def _whole(partial: PartialResponse) -> AsyncIterator[bytes]:
    yield partial.head
    if not partial.is_complete:
        async for chunk in partial.rest:
            yield chunk


def _required_headers(document: Document, operation: OperationSpec) -> frozenset[str]:
    """Return the names of the headers that the document reads from the response later."""
    response = operation.response
    errors = document.errors
    expressions: list[Any] = [*response.meta.values(), errors.code, errors.message, errors.request_id]
    for rule in response.images:
        expressions += [rule.seed, rule.revised_prompt]
    names = {name for e in expressions if e is not None for name in e.headers}
    if response.raw is not None:
        names |= {name.lower() for name in response.raw.meta_headers.values()}
    return frozenset(names)


def _without_query(url: str) -> str:
    """Return the base URL for relative ones, without the query, which may contain the key."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
