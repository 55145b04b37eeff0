"""Downloads results from URLs that a provider chose; each URL is treated as hostile."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import attrs
import httpx

from imagegen_adapters.outbound.addresses import same_host
from imagegen_adapters.outbound.errors import TRANSPORT_FAILURES, call_error
from imagegen_adapters.outbound.transport import origin_of, port_of
from imagegen_core.config import WEB_PORTS
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed
from imagegen_core.messages import Message, MessageCode


class DownloadCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with the address or the content of a result."""


MAX_REDIRECTS = 3

_MAX_URL_CHARS = 8192
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUSES = frozenset({407, 408, 425, 429})
_FIREWALL_STATUSES = frozenset({401, 403})
"""Stores answer an expired link with these and XML or JSON; an HTML page comes from a middlebox."""


@attrs.frozen(kw_only=True)
class Download:
    """One download by the rules of `Outbound.download`.

    ``base`` is the provider's own address. ``headers`` may go to ``trusted_origins``. ``transport`` returns
    the pool for public addresses (True), or also for listed ones (False). Each ``window_seconds`` of waiting
    have to bring ``min_bytes``.
    """

    base: httpx.URL | None
    trusted_origins: frozenset[str]
    headers: Mapping[str, str] = attrs.field(repr=False)
    max_bytes: int
    seconds: float
    transport: Callable[[bool], httpx.AsyncBaseTransport]
    window_seconds: float = 30.0
    min_bytes: float = 30.0 * 1024

    async def chunks(self, url: str) -> AsyncIterator[bytes]:
        """Yield the body, at most 256 KiB at a time; raises `CallError`."""
        deadline = asyncio.get_running_loop().time() + self.seconds
        response = await self._follow(_parse(url), deadline)
        try:
            async for chunk in self._body(response, deadline):
                yield chunk
        finally:
            # Either all bytes arrived, or the failure is being raised already.
            with contextlib.suppress(*TRANSPORT_FAILURES):
                await response.aclose()

    async def _follow(self, url: httpx.URL, deadline: float) -> httpx.Response:
        """Return the response at the end of the redirects, its body unread."""
        for _ in range(MAX_REDIRECTS + 1):
            self._check_url(url)
            with _failures(url, is_transient=True):
                async with asyncio.timeout_at(deadline):
                    response = await self._get(url)
            if response.status_code not in _REDIRECTS:
                return await _require_success(response, url)
            with contextlib.suppress(*TRANSPORT_FAILURES):
                await response.aclose()
            url = _target(url, response)
        raise _failed(DownloadCode.RESULT_REDIRECTS(host=url.host))

    async def _get(self, url: httpx.URL) -> httpx.Response:
        headers = {"Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity", "User-Agent": "imagegen"}
        if origin_of(url) in self.trusted_origins:
            headers |= self.headers
        timeouts = httpx.Timeout(self.window_seconds, connect=None, pool=None)
        request = httpx.Request("GET", url, headers=headers, extensions={"timeout": timeouts.as_dict()})
        base = self.base
        is_own = base is not None and port_of(url) == port_of(base) and same_host(url.host, base.host)
        response = await self.transport(not is_own).handle_async_request(request)
        response.request = request
        return response

    def _check_url(self, url: httpx.URL) -> None:
        """Refuse URLs that no image needs; the address itself is checked on connecting."""
        if url.scheme not in WEB_PORTS or not url.host:
            raise _failed(DownloadCode.RESULT_NOT_HTTP(host=url.host))
        if url.userinfo:
            raise _failed(DownloadCode.RESULT_CREDENTIALS(host=url.host))
        if port_of(url) not in (*WEB_PORTS.values(), self.base and port_of(self.base)):
            raise _failed(DownloadCode.RESULT_PORT(host=url.host))

    async def _body(self, response: httpx.Response, deadline: float) -> AsyncIterator[bytes]:
        url, length = response.request.url, response.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self.max_bytes:
            raise self._too_large(url)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - true of the pool's responses
        chunks, loop = aiter(stream), asyncio.get_running_loop()
        received, recent, waited = 0, 0, 0.0
        while True:
            started_at = loop.time()
            with _failures(url):
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks, None)
            if chunk is None:
                return
            waited += loop.time() - started_at  # for the network, not for our own slow disk
            received, recent = received + len(chunk), recent + len(chunk)
            if received > self.max_bytes:
                raise self._too_large(url)
            if waited >= self.window_seconds:
                if recent < self.min_bytes * (waited / self.window_seconds):
                    raise _failed(DownloadCode.RESULT_TOO_SLOW(host=url.host))
                recent, waited = 0, 0.0
            yield chunk

    def _too_large(self, url: httpx.URL) -> CallError:
        reason = DownloadCode.RESULT_TOO_LARGE(host=url.host, maximum=self.max_bytes)
        return CallError(FailureCode.INVALID_IMAGE, reason)


def _parse(text: str) -> httpx.URL:
    try:
        if len(text) > _MAX_URL_CHARS:
            raise httpx.InvalidURL("too long")
        return httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise CallError(FailureCode.DOWNLOAD_FAILED, DownloadCode.RESULT_NOT_A_URL()) from error


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    location = response.headers.get("location", "")
    if not location:
        raise _failed(DownloadCode.RESULT_NOWHERE(host=url.host), is_transient=True)
    try:
        target = url.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise _failed(DownloadCode.RESULT_BAD_REDIRECT(host=url.host)) from error
    if url.scheme == "https" and target.scheme != "https":
        raise _failed(DownloadCode.RESULT_DOWNGRADE(host=url.host))
    return target


async def _require_success(response: httpx.Response, url: httpx.URL) -> httpx.Response:
    if response.status_code == httpx.codes.OK:
        return response
    with contextlib.suppress(*TRANSPORT_FAILURES):
        await response.aclose()
    status = response.status_code
    is_html_page = status in _FIREWALL_STATUSES and "html" in response.headers.get("content-type", "").lower()
    is_transient = is_html_page or status in _TRANSIENT_STATUSES or status >= 500  # noqa: PLR2004 - server errors
    reason = DownloadCode.RESULT_STATUS(host=url.host, status=status)
    raise _failed(reason, status=status, is_transient=is_transient)


@contextlib.contextmanager
def _failures(url: httpx.URL, *, is_transient: bool = False) -> Iterator[None]:
    """Turn every failure in transit into ``download_failed``: the call is already paid for."""
    try:
        yield
    except UpstreamNotAllowed as error:
        raise _failed(DownloadCode.RESULT_NOT_ALLOWED(host=url.host, reason=error.reason)) from error
    except tuple(TRANSPORT_FAILURES) as error:
        reason = call_error(error).failure.reason
        raise CallError(FailureCode.DOWNLOAD_FAILED, reason, is_transient=is_transient) from error


def _failed(reason: Message, *, status: int | None = None, is_transient: bool = False) -> CallError:
    return CallError(FailureCode.DOWNLOAD_FAILED, reason, upstream_status=status, is_transient=is_transient)
