"""Addresses of providers: what one may look like, and which origin a key belongs to."""

import re
from urllib.parse import urlsplit

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_API_BASE_CHARS

_FORBIDDEN_CHARS = re.compile(r"[\s\\\x00-\x1f\x7f]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_api_base(text: str, field: str = "api_base") -> str:
    """Return the address without a trailing slash.

    Raises:
        ValidationFailed: no http(s) scheme, no host, credentials, a query, white space or a backslash in it.
    """
    stripped = text.strip()
    if len(stripped) > MAX_API_BASE_CHARS:
        raise ValidationFailed.of(field, f"must be at most {MAX_API_BASE_CHARS} characters")
    if _FORBIDDEN_CHARS.search(stripped):
        raise ValidationFailed.of(field, "must not contain white space, a backslash or control characters")
    try:
        parts = urlsplit(stripped)
        port = parts.port
    except ValueError as error:
        raise ValidationFailed.of(field, "is not a URL") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValidationFailed.of(field, "must start with http:// or https://")
    if "@" in parts.netloc:
        raise ValidationFailed.of(field, "must not contain credentials")
    if not parts.hostname or port == 0:
        raise ValidationFailed.of(field, "must name a host")
    if parts.query or parts.fragment or stripped.endswith(("?", "#")):
        raise ValidationFailed.of(field, "must not contain a query or a fragment")
    return stripped.rstrip("/")


def origin(url: str) -> str:
    """Return ``scheme://host:port``, lower-case, the port always written: what a key is bound to."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)}"
