"""Origins of URLs as httpx parses them, so that what is compared is what is called."""

from collections.abc import Iterable

import httpx

from imagegen_adapters.outbound.messages import TransportCode
from imagegen_core.config import WEB_PORTS, Origin
from imagegen_core.errors import CallError, FailureCode


def parse_url(text: str) -> httpx.URL:
    """Return the http(s) URL.

    Raises:
        CallError: ``provider_not_configured``: the text, which the message does not repeat, is no such URL.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.ORIGIN_NOT_HTTP()) from error
    if url.scheme not in WEB_PORTS or not url.host:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.ORIGIN_NOT_HTTP())
    return url


def port_of(url: httpx.URL) -> int:
    """Return the port that a request to this URL goes to."""
    return url.port or WEB_PORTS.get(url.scheme, 0)


def origin_of(url: httpx.URL) -> str:
    """Return ``scheme://host:port``, lower-case, the port always written."""
    return str(Origin.from_parts(url.scheme, url.raw_host.decode("ascii"), url.port))


def origins_of(addresses: Iterable[str]) -> frozenset[str]:
    """Return the origins of http(s) URLs.

    Raises:
        CallError: ``provider_not_configured``: one of them is not an http(s) URL.
    """
    return frozenset(origin_of(parse_url(address)) for address in addresses)
