"""All outgoing connections: one pool of guarded connections, behind httpx clients."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

import httpx

from imagegen_adapters.outbound.addresses import AddressGate, NameLookups
from imagegen_adapters.outbound.downloads import Download
from imagegen_adapters.outbound.transport import (
    CheckedBackend,
    PooledTransport,
    PoolLimits,
    ProviderTransport,
    origins_of,
    parse_url,
    port_of,
    proxy_of,
    to_httpcore,
)
from imagegen_core.config import ProviderConfig, Proxy


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
        pool, origins = self._transport(proxy_of(config)), _allowed_origins(config, extra_origins)
        return ProviderTransport(pool, origins=origins, seconds=config.timeout)

    def download(
        self,
        url: str,
        *,
        config: ProviderConfig,
        max_bytes: int,
        timeout: float,
        headers: Mapping[str, str] = MappingProxyType({}),
        extra_origins: Iterable[str] = (),
    ) -> AsyncIterator[bytes]:
        """Yield the body behind a URL that a provider named; the URL is treated as hostile.

        Only http(s) to public hosts on port 80, 443 or the provider's own port, or to the provider's own
        allow-listed ``host:port``; at most 3 redirects, each checked again, none from https to http.
        ``headers`` go only to the provider's origin and the ``extra_origins``. No cookies.

        More than ``max_bytes`` is ``invalid_image``, everything else ``download_failed``. The image is paid
        for by then, so ``not_started``, which permits a new paid call, is never set.
        """
        proxy = proxy_of(config)
        return Download(
            base=parse_url(config.api_base) if config.api_base else None,
            trusted_origins=_allowed_origins(config, extra_origins),
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
        if self._tls is None:  # made on first use because loading the certificates is slow
            self._tls = httpx.create_ssl_context(trust_env=False)
        self._transports[key] = PooledTransport(
            backend=CheckedBackend(
                connect_gate, connect_timeout=self._limits.connect_seconds, lookups=self._lookups
            ),
            tls=self._tls,
            slots=self._slots,
            limits=self._limits,
            proxy=None if proxy is None else to_httpcore(proxy),
            check_url=None if proxy is None else (lambda url: gate.check_host(url.host, port_of(url))),
        )
        return self._transports[key]


def _allowed_origins(config: ProviderConfig, extra_origins: Iterable[str]) -> frozenset[str]:
    return _origins_of_base(config.api_base or "") | origins_of(extra_origins)


@lru_cache(256)
def _origins_of_base(api_base: str) -> frozenset[str]:
    return origins_of([api_base] if api_base else [])
