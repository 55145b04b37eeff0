"""Downloads what a provider says it made. The address is the provider's choice, so it counts as hostile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import attrs
import httpx

from imagegen_adapters.outbound.address_gate import same_host
from imagegen_adapters.outbound.errors import TRANSPORT_FAILURES, call_error
from imagegen_adapters.outbound.origins import origin_of, port_of
from imagegen_core.errors import CallError, UpstreamNotAllowed
from imagegen_core.failures import FailureCode

MAX_REDIRECTS = 3

_MAX_URL_CHARS = 8192
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUSES = frozenset({407, 408, 425, 429})
_FIREWALL_STATUSES = frozenset({401, 403})
"""Stores say these in XML or JSON when a link has expired; a page comes from something in between."""

_WEB_PORTS = frozenset({80, 443})
_SLOW_SECONDS = 30.0
_SLOW_BYTES = 1024.0 * _SLOW_SECONDS


@attrs.frozen(kw_only=True)
class MinSpeed:
    """How slow a download may be: ``bytes`` in each ``seconds`` of waiting for them."""

    seconds: float = _SLOW_SECONDS
    bytes: float = _SLOW_BYTES


@attrs.frozen(kw_only=True)
class Download:
    """One download; its rules are `Outbound.download`'s.

    Args:
        base: the provider's own address, or None.
        trusted_origins: origins that ``headers`` may go to.
        transport: gives the pool for public addresses only (True), or for listed ones too (False).
    """

    base: httpx.URL | None
    trusted_origins: frozenset[str]
    headers: Mapping[str, str] = attrs.field(repr=False)
    max_bytes: int
    seconds: float
    transport: Callable[[bool], httpx.AsyncBaseTransport]
    min_speed: MinSpeed = attrs.field(factory=MinSpeed)

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        """Yield the body, at most 256 KiB at a time; raises `CallError`."""
        deadline = asyncio.get_running_loop().time() + self.seconds
        answer = await self._follow(_parse(url), deadline)
        try:
            async for chunk in self._body(answer, deadline):
                yield chunk
        finally:
            with contextlib.suppress(
                *TRANSPORT_FAILURES
            ):  # the bytes are here, or the failure is known already
                await answer.aclose()

    async def _follow(self, url: httpx.URL, deadline: float) -> httpx.Response:
        """Return the answer at the end of the redirects, its body unread."""
        for _ in range(MAX_REDIRECTS + 1):
            self._check_url(url)
            with _failures(url, is_transient=True):
                async with asyncio.timeout_at(deadline):
                    answer = await self._get(url)
            if answer.status_code not in _REDIRECTS:
                return await _require_success(answer, url)
            with contextlib.suppress(*TRANSPORT_FAILURES):
                await answer.aclose()
            url = _target(url, answer)
        raise _failed(url, "redirects too often")

    async def _get(self, url: httpx.URL) -> httpx.Response:
        headers = {"Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity", "User-Agent": "imagegen"}
        if origin_of(url) in self.trusted_origins:
            headers |= self.headers
        timeouts = httpx.Timeout(self.min_speed.seconds, connect=None, pool=None)
        request = httpx.Request("GET", url, headers=headers, extensions={"timeout": timeouts.as_dict()})
        answer = await self.transport(not self._is_own_host(url)).handle_async_request(request)
        answer.request = request
        return answer

    def _check_url(self, url: httpx.URL) -> None:
        """Refuse what no image has a reason to be behind; the address itself is judged on connecting."""
        if url.scheme not in {"http", "https"} or not url.host:
            raise _failed(url, "is not an http(s) address")
        if url.userinfo:
            raise _failed(url, "has credentials in its address")
        own_port = {port_of(self.base)} if self.base is not None else set()
        if port_of(url) not in _WEB_PORTS | own_port:
            raise _failed(url, "has a port that is neither 80 nor 443 nor the provider's")

    def _is_own_host(self, url: httpx.URL) -> bool:
        base = self.base
        return base is not None and port_of(url) == port_of(base) and same_host(url.host, base.host)

    async def _body(self, answer: httpx.Response, deadline: float) -> AsyncIterator[bytes]:
        url = answer.request.url
        if _declared_length(answer) > self.max_bytes:
            raise self._too_large(url)
        stream = answer.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - the pool's always is
        chunks = aiter(stream)
        speed = _SpeedMeter(self.min_speed)
        received = 0
        while True:
            with _failures(url), speed.waiting():
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks, None)
            if chunk is None:
                return
            received += len(chunk)
            if received > self.max_bytes:
                raise self._too_large(url)
            if speed.too_slow(len(chunk)):
                raise _failed(url, "is too slow")
            yield chunk

    def _too_large(self, url: httpx.URL) -> CallError:
        return CallError(FailureCode.INVALID_IMAGE, f"{url.host} sent more than {self.max_bytes} bytes")


class _SpeedMeter:
    """Counts bytes over the time spent waiting for them, so a slow disk of ours is not held against them."""

    def __init__(self, min_speed: MinSpeed) -> None:
        self._min_speed = min_speed
        self._waited = 0.0
        self._bytes = 0

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        yield
        self._waited += loop.time() - began

    def too_slow(self, size: int) -> bool:
        self._bytes += size
        if self._waited < self._min_speed.seconds:
            return False
        slow = self._bytes < self._min_speed.bytes * (self._waited / self._min_speed.seconds)
        self._waited, self._bytes = 0.0, 0
        return slow


def _parse(text: str) -> httpx.URL:
    try:
        if len(text) > _MAX_URL_CHARS:
            raise httpx.InvalidURL("too long")
        return httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise CallError(FailureCode.DOWNLOAD_FAILED, "the result's address is not a URL") from error


def _target(url: httpx.URL, answer: httpx.Response) -> httpx.URL:
    location = answer.headers.get("location", "")
    if not location:
        raise _failed(url, "redirects to nowhere", is_transient=True)
    try:
        target = url.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise _failed(url, "redirects to something that is not a URL") from error
    if url.scheme == "https" and target.scheme != "https":
        raise _failed(url, "redirects from https to http")
    return target


async def _require_success(answer: httpx.Response, url: httpx.URL) -> httpx.Response:
    if answer.status_code == httpx.codes.OK:
        return answer
    with contextlib.suppress(*TRANSPORT_FAILURES):
        await answer.aclose()
    status = answer.status_code
    page = status in _FIREWALL_STATUSES and "html" in answer.headers.get("content-type", "").lower()
    is_transient = page or status in _TRANSIENT_STATUSES or status >= 500  # noqa: PLR2004 - a server's own trouble
    raise _failed(url, f"answered {status}", status=status, is_transient=is_transient)


def _declared_length(answer: httpx.Response) -> int:
    length = answer.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


@contextlib.contextmanager
def _failures(url: httpx.URL, *, is_transient: bool = False) -> Iterator[None]:
    """Turn everything that may go wrong on the way into ``download_failed``: the call is paid already."""
    try:
        yield
    except UpstreamNotAllowed as error:
        raise _failed(url, f"is not allowed: {error.message}") from error
    except tuple(TRANSPORT_FAILURES) as error:
        message = call_error(error).failure.message
        raise CallError(FailureCode.DOWNLOAD_FAILED, message, is_transient=is_transient) from error


def _failed(url: httpx.URL, why: str, *, status: int | None = None, is_transient: bool = False) -> CallError:
    return CallError(
        FailureCode.DOWNLOAD_FAILED, f"{url.host} {why}", upstream_status=status, is_transient=is_transient
    )
