"""The ``Host`` names that a request may have. This list is what stops DNS rebinding, not the bind address."""

import ipaddress
import re
from collections.abc import Iterable

from imagegen_core.limits import MAX_PORT
from imagegen_http.guard.inbound_request import InboundRequest

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)(:(?P<port>\d{0,5}))?", re.ASCII)
_WILDCARDS = frozenset({"", "0.0.0.0", "[::]"})  # noqa: S104 - compared, not bound


class AllowedHosts:
    """Loopback, the bind address and the configured names, each with any port.

    Raises:
        ValueError: a configured name can never be a Host; the message names it.
    """

    def __init__(self, *, bind_host: str, names: Iterable[str]) -> None:
        bound = normalize_host(_as_host(bind_host))
        allowed = {*LOOPBACK, *(_configured_name(name) for name in names)}
        self._names = frozenset(allowed if bound is None else allowed | {bound}) - _WILDCARDS

    def allow(self, request: InboundRequest) -> bool:
        """Return whether the request has exactly one Host header and its name is allowed."""
        hosts = request.header_values(b"host")
        return len(hosts) == 1 and normalize_host(hosts[0]) in self._names


def normalize_host(host: str) -> str | None:
    """Return a Host's name in lower case, without port and trailing dot; None if it is not valid.

    User information, spaces, lists and other characters make it invalid. An IPv6 address is returned in
    brackets and in its shortest form.
    """
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
    """Return what a browser sends for a name as people write it, such as a bare IPv6 address or an IDN."""
    text = text.strip()
    try:
        return f"[{ipaddress.IPv6Address(text).compressed}]"
    except ValueError:
        pass
    try:
        return text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return ""
