"""All outgoing connections: one pool of guarded connections, behind httpx clients and downloads."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

import attrs
import httpx

from imagegen_adapters.outbound.addresses import AddressGate, NameLookups, same_host
from imagegen_adapters.outbound.errors import TRANSPORT_FAILURES, TransportCode, call_error
from imagegen_adapters.outbound.transport import (
    CheckedBackend,
    PooledTransport,
    PoolLimits,
    ProviderTransport,
    origin_of,
    origins_of,
    parse_url,
    port_of,
    proxy_of,
    public_tls,
    to_httpcore,
)
from imagegen_core.config import WEB_PORTS, ProviderConfig, Proxy
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed
from imagegen_core.messages import Message

MAX_REDIRECTS = 3

_MAX_URL_CHARS = 8192
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT_STATUSES = frozenset({407, 408, 425, 429})
_FIREWALL_STATUSES = frozenset({401, 403})
"""Stores answer an expired link with these and XML or JSON; an HTML page comes from a middlebox."""


class Outbound:
    """Calls providers and downloads results. Ignores the environment; follows no redirects of an API.

    ``allow_private`` lists ``host:port`` of providers on this machine or the LAN; anything else is
    `ValueError`. ``limits`` hold for all outgoing connections together. Only providers see the ``user_agent``
    with its version.
    """

    def __init__(
        self,
        *,
        allow_private: Iterable[str] = (),
        limits: PoolLimits | None = None,
        tls: ssl.SSLContext | None = None,
        lookups: NameLookups | None = None,
        user_agent: str = "imagegen",
    ) -> None:
        self.api_headers = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": user_agent}
        self.gate = AddressGate(allow_private)
        self._limits, self._tls = limits or PoolLimits(), tls
        self._lookups = lookups or NameLookups(self._limits.connections)
        self._slots = asyncio.Semaphore(self._limits.connections)
        self._transports: dict[tuple[Proxy | None, bool], PooledTransport] = {}

    def listens_on(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Set our own ``(ip, port)`` pairs, so that the service never calls itself."""
        self.gate.listens_on(addresses)

    def api_client(self, config: ProviderConfig, *, extra_origins: Iterable[str] = ()) -> httpx.AsyncClient:
        """Return a client for one provider's API, cheap enough to make for each call; do not close it.

        It reaches only ``origin(config.api_base)`` and the origins of ``extra_origins`` (URLs), through
        ``extra_config["proxy"]`` if set. A call ends after ``config.timeout`` seconds or its own longer read
        time-out, however slowly bytes trickle in. It stores no cookies. A malformed proxy or address is
        ``provider_not_configured``.
        """
        return httpx.AsyncClient(
            transport=self.api_transport(config, extra_origins=extra_origins),
            headers=self.api_headers,
            timeout=httpx.Timeout(config.timeout),
            follow_redirects=False,
            trust_env=False,
        )

    def api_transport(
        self, config: ProviderConfig, *, extra_origins: Iterable[str] = ()
    ) -> httpx.AsyncBaseTransport:
        """Return the transport of `api_client`, at half the cost; do not close it.

        Requests need the `api_headers` and their time-outs, and the sender closes the response.
        """
        origins = _origins_of_base(config.api_base or "") | origins_of(extra_origins)
        return ProviderTransport(self._transport(proxy_of(config)), origins=origins, seconds=config.timeout)

    def download(
        self,
        url: str,
        *,
        config: ProviderConfig,
        max_bytes: int,
        timeout: float,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> AsyncIterator[bytes]:
        """Yield the body behind a URL that a provider named; the URL is treated as hostile.

        Only http(s) to public hosts on port 80, 443 or the provider's own port, or to the provider's own
        allow-listed ``host:port``; at most 3 redirects, each checked again, none from https to http.
        ``headers`` go only to the provider's origin. No cookies.

        More than ``max_bytes`` is ``invalid_image``, everything else ``download_failed``. The image is paid
        for by then, so ``not_started``, which permits a new paid call, is never set.
        """
        proxy = proxy_of(config)
        return Download(
            base=parse_url(config.api_base) if config.api_base else None,
            trusted_origins=_origins_of_base(config.api_base or ""),
            headers=headers,
            max_bytes=max_bytes,
            seconds=timeout,
            transport=lambda public_only: self._transport(proxy, public_only=public_only),
        ).chunks(url)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    def _transport(self, proxy: Proxy | None, *, public_only: bool = False) -> PooledTransport:
        if (key := (proxy, public_only)) in self._transports:
            return self._transports[key]
        gate = self.gate.public_only() if public_only else self.gate
        # The operator chose the proxy, so the allow-list applies to it even when the target must be public.
        connect_gate = gate if proxy is None else self.gate
        self._transports[key] = PooledTransport(
            backend=CheckedBackend(
                connect_gate, connect_timeout=self._limits.connect_seconds, lookups=self._lookups
            ),
            tls=self._tls or public_tls(),  # at the first use, since that reads certificates
            slots=self._slots,
            limits=self._limits,
            proxy=None if proxy is None else to_httpcore(proxy),
            check_url=None if proxy is None else (lambda url: gate.check_host(url.host, port_of(url))),
        )
        return self._transports[key]


@lru_cache(256)
def _origins_of_base(api_base: str) -> frozenset[str]:
    return origins_of([api_base] if api_base else [])


# Downloads of results from URLs that a provider chose; each URL is treated as hostile


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
            if response.status_code == httpx.codes.OK:
                return response
            with contextlib.suppress(*TRANSPORT_FAILURES):
                await response.aclose()
            if response.status_code not in _REDIRECTS:
                raise _refused(response, url)
            url = _target(url, response)
        raise _failed(TransportCode.RESULT_REDIRECTS(host=url.host))

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
            raise _failed(TransportCode.RESULT_NOT_HTTP(host=url.host))
        if url.userinfo:
            raise _failed(TransportCode.RESULT_CREDENTIALS(host=url.host))
        if port_of(url) not in (*WEB_PORTS.values(), self.base and port_of(self.base)):
            raise _failed(TransportCode.RESULT_PORT(host=url.host))

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
                    raise _failed(TransportCode.RESULT_TOO_SLOW(host=url.host))
                recent, waited = 0, 0.0
            yield chunk

    def _too_large(self, url: httpx.URL) -> CallError:
        reason = TransportCode.RESULT_TOO_LARGE(host=url.host, maximum=self.max_bytes)
        return CallError(FailureCode.INVALID_IMAGE, reason)


def _parse(text: str) -> httpx.URL:
    try:
        if len(text) > _MAX_URL_CHARS:
            raise httpx.InvalidURL("too long")
        return httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise CallError(FailureCode.DOWNLOAD_FAILED, TransportCode.RESULT_NOT_A_URL()) from error


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    location = response.headers.get("location", "")
    if not location:
        raise _failed(TransportCode.RESULT_NOWHERE(host=url.host), is_transient=True)
    try:
        target = url.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise _failed(TransportCode.RESULT_BAD_REDIRECT(host=url.host)) from error
    if url.scheme == "https" and target.scheme != "https":
        raise _failed(TransportCode.RESULT_DOWNGRADE(host=url.host))
    return target


def _refused(response: httpx.Response, url: httpx.URL) -> CallError:
    status = response.status_code
    is_html_page = status in _FIREWALL_STATUSES and "html" in response.headers.get("content-type", "").lower()
    is_transient = is_html_page or status in _TRANSIENT_STATUSES or status >= 500  # noqa: PLR2004 - server errors
    reason = TransportCode.RESULT_STATUS(host=url.host, status=status)
    return _failed(reason, status=status, is_transient=is_transient)


@contextlib.contextmanager
def _failures(url: httpx.URL, *, is_transient: bool = False) -> Iterator[None]:
    """Turn every failure in transit into ``download_failed``: the call is already paid for."""
    try:
        yield
    except UpstreamNotAllowed as error:
        raise _failed(TransportCode.RESULT_NOT_ALLOWED(host=url.host, reason=error.reason)) from error
    except tuple(TRANSPORT_FAILURES) as error:
        reason = call_error(error).failure.reason
        raise CallError(FailureCode.DOWNLOAD_FAILED, reason, is_transient=is_transient) from error


def _failed(reason: Message, *, status: int | None = None, is_transient: bool = False) -> CallError:
    return CallError(FailureCode.DOWNLOAD_FAILED, reason, upstream_status=status, is_transient=is_transient)
