"""Everything that leaves the box: one pool of guarded connections, handed out as httpx clients."""

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from types import MappingProxyType

import httpx

from imagegen_adapters.outbound.address_gate import AddressGate
from imagegen_adapters.outbound.download import Download
from imagegen_adapters.outbound.name_lookups import NameLookups
from imagegen_adapters.outbound.network_backend import CheckedBackend
from imagegen_adapters.outbound.origins import origins_of, parse_url, port_of
from imagegen_adapters.outbound.provider_transport import ProviderTransport
from imagegen_adapters.outbound.proxies import proxy_of, to_httpcore
from imagegen_adapters.outbound.transport import ConnectionSlots, PooledTransport, PoolLimits
from imagegen_core.providers.config import ProviderConfig


class Outbound:
    """Calls providers and downloads what they made. Reads no environment, follows no redirect of an API.

    Args:
        allow_private: ``host:port`` of providers on this machine or the LAN.
        limits: of the connections, over everything that goes out here.
        tls: trusted certificates; the system's and certifi's when left out.
        lookups: looks names up; as many at once as there are connections when left out.
        user_agent: what providers are told; other hosts, which upstream answers name, are told no version.

    Raises:
        ValueError: an entry of ``allow_private`` is not ``host:port``.
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
        self._user_agent = user_agent
        self.gate = AddressGate(allow_private)
        self._limits = limits or PoolLimits()
        self._tls_context = tls
        self._lookups = lookups or NameLookups(self._limits.connections)
        self._slots = ConnectionSlots(self._limits)
        self._transports: dict[tuple[httpx.URL | None, bool], PooledTransport] = {}

    def listens_on(self, addresses: Iterable[tuple[str, int]]) -> None:
        """Tell where this service itself listens, as ``(ip, port)``, so that it never calls itself."""
        self.gate.listens_on(addresses)

    def api_client(self, config: ProviderConfig, *, extra_origins: Iterable[str] = ()) -> httpx.AsyncClient:
        """Return a client for the API of one provider, cheap enough to be made for each call; never close it.

        It goes to ``origin(config.api_base)`` and to the origins in ``also`` (addresses, of which scheme,
        host and port count), nowhere else; through ``extra_config["proxy"]`` if there is one. Whatever
        its time-outs between two bytes say, a call ends after ``config.timeout`` seconds, or after its
        own read time-out where that is longer. It remembers no cookies.

        Raises:
            CallError: ``provider_not_configured``: the proxy or the address is not a URL that can be used.
        """
        return httpx.AsyncClient(
            transport=ProviderTransport(
                self._transport(proxy_of(config), public_only=False),
                origins=_allowed_origins(config, extra_origins),
                seconds=config.timeout,
            ),
            headers={"Accept-Encoding": "gzip", "User-Agent": self._user_agent},
            timeout=httpx.Timeout(config.timeout),
            follow_redirects=False,
            trust_env=False,
        )

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
        """Yield the body behind an address that a provider named; it is taken for hostile.

        Only http(s) to public hosts on port 80, 443 or the provider's own port, or to the provider's own
        allow-listed ``host:port``; at most 3 redirects, each checked again, none from https to http.
        ``headers`` go to the provider's origin (and to those in ``also``) only. No cookies.

        Raises:
            CallError: ``invalid_image`` when there are more than ``max_bytes``; ``download_failed`` for
                everything else: not allowed, not there, too slow, broken off. Neither may be called again
                by paying again, so ``not_started`` is never set.
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
        """Close every connection."""
        transports = list(self._transports.values())
        self._transports.clear()
        for transport in transports:
            await transport.aclose()

    def _transport(self, proxy: httpx.URL | None, *, public_only: bool) -> PooledTransport:
        """Return the pool for a proxy and a kind of address, made when it is first wanted."""
        key = (proxy, public_only)
        if key not in self._transports:
            self._transports[key] = self._new_transport(proxy, public_only=public_only)
        return self._transports[key]

    def _new_transport(self, proxy: httpx.URL | None, *, public_only: bool) -> PooledTransport:
        gate = self.gate.public_only() if public_only else self.gate
        # A proxy is the operator's own choice, so it may be on the list, for downloads too.
        connecting = gate if proxy is None else self.gate
        return PooledTransport(
            backend=CheckedBackend(
                connecting, connect_timeout=self._limits.connect_seconds, lookups=self._lookups
            ),
            tls=self._tls(),
            slots=self._slots,
            proxy=None if proxy is None else to_httpcore(proxy),
            check_url=None if proxy is None else (lambda url: gate.check_host(url.host, port_of(url))),
        )

    def _tls(self) -> ssl.SSLContext:
        """Return the trusted certificates; reading them takes a while, so it happens once and late."""
        if self._tls_context is None:
            self._tls_context = httpx.create_ssl_context(trust_env=False)
        return self._tls_context


def _allowed_origins(config: ProviderConfig, extra_origins: Iterable[str]) -> frozenset[str]:
    return origins_of([*([config.api_base] if config.api_base else []), *extra_origins])
