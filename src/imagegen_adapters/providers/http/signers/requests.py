"""What is signed, and with what."""

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class SignableRequest:
    """A request as it will be sent; ``headers`` are by lower-case name."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen(kw_only=True)
class KeyPair:
    """A key of two parts: ``id`` is sent, ``secret`` only signs; the ``token`` of a temporary one is sent."""

    id: str
    secret: str = attrs.field(repr=False)
    token: str | None = attrs.field(default=None, repr=False)
