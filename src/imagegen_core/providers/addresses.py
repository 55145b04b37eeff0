"""Addresses of providers: which ones are valid, and the origin that a key is bound to."""

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self
from urllib.parse import unquote, urlsplit

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_API_BASE_CHARS, MAX_PORT
from imagegen_core.problems.fields import ProblemCode

WEB_PORTS: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443})
"""The supported schemes, each with its default port."""

_FORBIDDEN_CHARS = re.compile(r"[\s\\\x00-\x1f\x7f]")
_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):([0-9]{1,5})")


def check_api_base(text: str, field: str = "api_base") -> str:
    """Return the address without a trailing slash.

    Raises:
        ValidationFailed: it lacks an http(s) scheme or a host, or contains credentials, a query, a fragment,
            white space or a backslash.
    """
    stripped = text.strip()
    if len(stripped) > MAX_API_BASE_CHARS:
        raise ValidationFailed.for_field(field, ProblemCode.TOO_LONG(maximum=MAX_API_BASE_CHARS))
    if _FORBIDDEN_CHARS.search(stripped):
        raise ValidationFailed.for_field(field, ProblemCode.URL_WITH_SPACE())
    try:
        parts = urlsplit(stripped)
        port = parts.port
    except ValueError as error:
        raise ValidationFailed.for_field(field, ProblemCode.NOT_A_URL()) from error
    if parts.scheme not in WEB_PORTS:
        raise ValidationFailed.for_field(field, ProblemCode.NOT_HTTP())
    if "@" in parts.netloc:
        raise ValidationFailed.for_field(field, ProblemCode.URL_WITH_CREDENTIALS())
    if not parts.hostname or port == 0:
        raise ValidationFailed.for_field(field, ProblemCode.URL_WITHOUT_HOST())
    if parts.query or parts.fragment or stripped.endswith(("?", "#")):
        raise ValidationFailed.for_field(field, ProblemCode.URL_WITH_QUERY())
    return stripped.rstrip("/")


@attrs.frozen(kw_only=True)
class Origin:
    """The origin of an address; the host is lower-case, without a trailing dot and without brackets."""

    scheme: str
    host: str
    port: int

    @classmethod
    def from_parts(cls, scheme: str, host: str, port: int | None) -> Self:
        """Return the origin of an address that has already been parsed."""
        name = host.lower().rstrip(".")
        return cls(scheme=scheme, host=name, port=port or WEB_PORTS.get(scheme, 0))

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the origin of a URL.

        Raises:
            ValueError: its port or its brackets are invalid.
        """
        parts = urlsplit(url)
        return cls.from_parts(parts.scheme, parts.hostname or "", parts.port)

    def __str__(self) -> str:
        """Return ``scheme://host:port`` with an explicit port; a key is bound to it."""
        return f"{self._without_port}:{self.port}"

    @property
    def shortest(self) -> str:
        """``scheme://host[:port]`` as browsers write it, without the default port."""
        return self._without_port if self.port == WEB_PORTS.get(self.scheme) else str(self)

    @property
    def _without_port(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}"


@attrs.frozen(kw_only=True)
class Proxy:
    """The proxy of a provider; ``user`` and ``password`` are empty if it needs none."""

    origin: Origin
    user: str = attrs.field(default="", repr=False)
    password: str = attrs.field(default="", repr=False)

    @classmethod
    def parse(cls, text: object, field: str = "extra_config.proxy") -> Self:
        """Return the proxy at an address, which may contain credentials.

        Raises:
            ValidationFailed: it lacks an http(s) scheme or a host; the message does not quote the text, which
                may contain a password.
        """
        if not isinstance(text, str) or not text.startswith(("http://", "https://")):
            raise ValidationFailed.for_field(field, ProblemCode.NOT_HTTP())
        try:
            parts = urlsplit(text)
            is_usable = text.isprintable() and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_usable = False
        if not is_usable or _FORBIDDEN_CHARS.search(parts.hostname or ""):
            raise ValidationFailed.for_field(field, ProblemCode.NOT_A_URL())
        return cls(
            origin=Origin.from_parts(parts.scheme, parts.hostname or "", parts.port),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


def origin(url: str) -> str:
    """Return ``scheme://host:port``, lower-case and with an explicit port; a key is bound to it."""
    return str(Origin.parse(url))


def is_loopback(host: str) -> bool:
    """Return whether it is an address, or the name, by which only this machine reaches itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_host_and_port(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``; an IPv6 address is in brackets, which stay in the host.

    Raises:
        ValueError: it is something else.
    """
    match = _HOST_AND_PORT.fullmatch(text.strip())
    if match is None or not 0 < int(match[2]) <= MAX_PORT:
        raise ValueError(f"{text!r} is not host:port")
    return match[1], int(match[2])
