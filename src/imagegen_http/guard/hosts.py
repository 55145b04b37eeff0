"""The ``Host`` names that a request may have, and proxies, whose scheme alone is trusted."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from imagegen_core.config import WEB_PORTS, Origin
from imagegen_core.limits import MAX_PORT
from imagegen_http.guard.asgi import InboundRequest, Scope

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)(:(?P<port>\d{0,5}))?", re.ASCII)
_WILDCARDS = frozenset({"", "0.0.0.0", "[::]"})  # noqa: S104 - compared, not bound


class AllowedHosts:
    """Loopback, the bind address and configured names, each with any port. They stop DNS rebinding."""

    def __init__(self, *, bind_host: str, names: Iterable[str]) -> None:
        bound = normalize_host(_as_host(bind_host))
        allowed = {*LOOPBACK, *(_configured_name(name) for name in names)}
        self._names = frozenset(allowed if bound is None else allowed | {bound}) - _WILDCARDS

    def allow(self, request: InboundRequest) -> bool:
        """Whether the request has exactly one Host header, with an allowed name."""
        hosts = request.header_values(b"host")
        return len(hosts) == 1 and normalize_host(hosts[0]) in self._names


def normalize_host(host: str) -> str | None:
    """Return the name in lower case, without port and trailing dot, IPv6 in brackets; None if not valid."""
    match = _HOST.fullmatch(host.lower())
    if match is None or int(match["port"] or 0) > MAX_PORT:
        return None
    name = match["name"]
    if not name.startswith("["):
        return name.removesuffix(".")
    try:
        return f"[{ipaddress.IPv6Address(name[1:-1]).compressed}]"
    except ValueError:
        return None


def _configured_name(text: str) -> str:
    name = normalize_host(_as_host(text))
    if name is None:
        raise ValueError(f"{text!r} cannot be a Host")
    return name


def _as_host(text: str) -> str:
    """Return what a browser sends for a name as people write it, such as bare IPv6 or an IDN."""
    text = text.strip()
    try:
        return f"[{ipaddress.IPv6Address(text).compressed}]"
    except ValueError:
        pass
    try:
        return text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return ""


_APP_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forwarding:
    """Finds out whether the client used HTTPS: by ``public_url``, or as a proxy terminates TLS.

    ``X-Forwarded-Proto`` counts from ``trusted_proxies`` only, and no other forwarding header at all.
    """

    def __init__(self, *, public_url: str | None, trusted_proxies: Iterable[str]) -> None:
        self._public_is_https = public_url is not None and Origin.parse(public_url).scheme == "https"
        self._trusted = tuple(parse_network(text) for text in trusted_proxies)

    def with_original_scheme(self, scope: Scope) -> Scope:
        values = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-proto"]
        text = values[-1].decode("latin-1") if values else ""
        nearest = text.rpartition(",")[2].strip().lower()  # the last of the last header
        peer = (scope.get("client") or ("",))[0]
        is_https = self._public_is_https or (nearest == "https" and is_within(peer, self._trusted))
        return {**scope, "scheme": "https"} if is_https else scope


def address_of(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a peer's address, as IPv4 if it is mapped into IPv6; None if it has none."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def is_within(peer: str, networks: Iterable[Network]) -> bool:
    address = address_of(peer)
    return address is not None and any(address in network for network in networks)


def parse_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address and no network such as 10.0.0.0/8") from None


def parse_origin(public_url: str) -> str:
    """Return ``scheme://host[:port]`` as a browser writes it in ``Origin``."""
    try:
        parts = urlsplit(public_url.strip())
        port = parts.port
    except ValueError:
        raise ValueError(f"{public_url!r} is no address") from None
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    host = normalize_host(parts.netloc.rpartition(":")[0] if port is not None else parts.netloc)
    if parts.scheme not in WEB_PORTS or host is None or not bare:
        raise ValueError(f"{public_url!r} is not such as https://images.example.com, without a path")
    return Origin.from_parts(parts.scheme, host.strip("[]"), port).shortest


def parse_page_origin(text: str) -> str:
    """Return the origin of a page, or of an app such as ``app://-``, as its browser sends it."""
    if text.startswith(("http://", "https://")):
        return parse_origin(text)
    if not _APP_ORIGIN.fullmatch(text):
        raise ValueError(f"{text!r} is not such as https://app.example.com or app://-, without a path")
    return text
