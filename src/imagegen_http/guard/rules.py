"""The rules of the inbound guard, as a value."""

import attrs

_MIB = 1024 * 1024


@attrs.frozen(kw_only=True)
class GuardRules:
    """Sizes in bytes, times in seconds.

    ``bind_host`` is accepted as a Host unless it is a wildcard. Loopback, ``allowed_hosts`` and the host of
    ``public_url`` (the ``scheme://host[:port]`` under which clients reach the service) are accepted too.
    ``trusted_proxies`` are addresses and networks whose ``X-Forwarded-Proto`` is trusted.
    ``allowed_origins`` are pages of others that may use the API without a token, where there is none.
    ``max_upload_bytes`` limits the bodies that carry images, ``max_body_bytes`` all others.
    ``max_bytes_in_flight`` limits all bodies together; one upload always fits. ``reserved_bytes`` come on top
    of that, for small bodies alone.
    ``linger_seconds`` is how long the rest of a refused body is drained, so that a client that sends before
    it reads gets its response.
    """

    bind_host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    auth_token: str | None = attrs.field(default=None, repr=False)
    max_body_bytes: int = _MIB
    max_upload_bytes: int = 64 * _MIB
    max_bytes_in_flight: int = 96 * _MIB
    reserved_bytes: int = 16 * _MIB
    max_json_depth: int = 64
    body_seconds: float = 30.0
    linger_seconds: float = 30.0
    failed_login_seconds: float = 1.0
