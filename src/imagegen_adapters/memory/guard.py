"""A guard that asks no name server: for tests, and for programs without a network."""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagegen_adapters.outbound.addresses import IpAddress


_NO_NAMES: Mapping[str, Sequence[str]] = MappingProxyType({})


class MemoryUpstreamGuard:
    """Judges by the names that it is given.

    Args:
        names: the addresses of each name, which is in lower case; no other name resolves.
        allow_private: what the operator lists, as ``host:port``.
        trusting: let everything pass, for a program that alone chooses what is called.
    """

    def __init__(
        self,
        *,
        names: Mapping[str, Sequence[str]] = _NO_NAMES,
        allow_private: Collection[str] = (),
        trusting: bool = False,
    ) -> None:
        self._names = names
        self._allow_private = allow_private
        self._trusting = trusting

    async def check(self, url: str) -> None:
        if self._trusting:
            return
        # Imported here since httpx, which a program without a network does not load, comes along.
        from imagegen_adapters.outbound.addresses import AddressGate, judge_url

        await judge_url(url, AddressGate(self._allow_private), self._resolve)

    async def _resolve(self, host: str, port: int) -> "Sequence[IpAddress]":
        from imagegen_adapters.outbound.addresses import NameNotResolved, numeric_addresses

        names = self._names.get(host.rstrip("."))
        addresses = numeric_addresses(host) if names is None else tuple(map(ip_address, names))
        if not addresses:
            raise NameNotResolved(host)
        return addresses
