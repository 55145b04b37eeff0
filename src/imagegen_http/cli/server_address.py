"""The address of a node elsewhere, as ``--server`` gives it."""

import ipaddress
from urllib.parse import urlsplit

import attrs

from imagegen_http.cli.context import WrongUsage
from imagegen_http.cli.messages import UsageCode


@attrs.frozen(kw_only=True)
class ServerAddress:
    """Where the API is, up to what precedes ``/api/v1``; ``url`` has no slash at its end."""

    url: str
    host: str
    is_encrypted: bool

    @classmethod
    def parse(cls, text: str) -> "ServerAddress":
        """Return the address of an ``http`` or ``https`` URL, which may have a path.

        Raises:
            WrongUsage: it is none, or it has a password, which belongs into no message, or a query.
        """
        text = text.strip()
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise WrongUsage(UsageCode.NOT_AN_ADDRESS()) from None
        strange = not text.isprintable() or "@" in parts.netloc or parts.query or parts.fragment
        if parts.scheme not in ("http", "https") or not host or strange:
            raise WrongUsage(UsageCode.NOT_AN_ADDRESS())
        url = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        return cls(url=url, host=host, is_encrypted=parts.scheme == "https")

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there does not leave this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
