"""What the inbound guard enforces, as a value."""

import attrs

_MIB = 1024 * 1024


@attrs.frozen(kw_only=True)
class GuardRules:
    """Sizes in bytes, times in seconds.

    ``bind_host`` is accepted as a Host unless it is a wildcard; ``allowed_hosts`` are names beside it
    and loopback, and so is the host of ``public_url``, the ``scheme://host[:port]`` by which people know the
    service; ``trusted_proxies`` are addresses and networks whose ``X-Forwarded-Proto`` is believed.
    ``max_upload_bytes`` bounds the bodies that carry images, ``max_body_bytes`` all
    others. ``max_bytes_in_flight`` bounds all bodies together; one upload always fits. ``reserved_bytes``
    are more, for bodies of prompts alone.
    ``linger_seconds`` is how long the rest of a refused body is read and dropped, so that a client
    which sends before it reads gets its answer.
    """

    bind_host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    auth_token: str | None = attrs.field(default=None, repr=False)
    max_body_bytes: int = _MIB
    max_upload_bytes: int = 64 * _MIB
    max_bytes_in_flight: int = 96 * _MIB
    reserved_bytes: int = 16 * _MIB
    max_json_depth: int = 64
    body_seconds: float = 30.0
    linger_seconds: float = 30.0
    failed_login_seconds: float = 1.0
