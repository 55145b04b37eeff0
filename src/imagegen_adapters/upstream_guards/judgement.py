"""What a guard makes of a URL, wherever it learns to which addresses a name leads."""

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from imagegen_adapters.outbound.address_gate import AddressGate
from imagegen_adapters.outbound.address_rules import IpAddress
from imagegen_adapters.outbound.messages import AddressCode
from imagegen_adapters.outbound.name_lookups import NameNotResolved
from imagegen_core.config import WEB_PORTS
from imagegen_core.errors import UpstreamNotAllowed

Resolve = Callable[[str, int], Awaitable[Sequence[IpAddress]]]
"""Returns every address of a host; raises `NameNotResolved`, or `TimeoutError` when it takes too long."""


async def judge_url(url: str, gate: AddressGate, resolve: Resolve) -> None:
    """Let the URL pass; its host is judged as it is written and with its percent signs decoded.

    Raises:
        UpstreamNotAllowed: it is no http(s) URL, or leads to an address that may not be called.
    """
    host, port = _host_and_port(url)
    for spelling in dict.fromkeys((host, unquote(host))):
        gate.check_host(spelling, port)
        try:
            addresses = await resolve(spelling, port)
        except (NameNotResolved, TimeoutError):
            continue
        gate.check_addresses(spelling, port, addresses)


@lru_cache(256)
def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or WEB_PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise UpstreamNotAllowed(AddressCode.ADDRESS_NOT_HTTP()) from error
    if not parts.hostname:
        raise UpstreamNotAllowed(AddressCode.ADDRESS_WITHOUT_HOST())
    return parts.hostname, port
