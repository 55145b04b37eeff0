"""The head of a request as a proxy gets it."""

import base64
import hmac


class RequestHead:
    """The head of a request to a proxy: for a tunnel (CONNECT), or with the whole URL in its first line.

    Raises:
        ValueError: it is neither.
    """

    def __init__(self, data: bytes) -> None:
        first, *self._headers = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        self._method, target, self._version = first.split(" ")
        self.is_tunnel = self._method == "CONNECT"
        authority, self._path = target, ""
        if not self.is_tunnel:
            scheme, _, rest = target.partition("://")
            if scheme != "http":
                raise ValueError(scheme)
            authority, slash, path = rest.partition("/")
            self._path = f"{slash}{path}" or "/"
        host, colon, port = authority.rpartition(":")
        if not colon or host.endswith(":") or "]" in port:
            host, port = authority, "80"
        self.address = (host.strip("[]"), int(port))

    @property
    def body_bytes(self) -> int:
        """Return how many bytes follow the head."""
        if self._header("transfer-encoding"):
            raise ValueError("a body without a length")
        return int(self._header("content-length") or "0")

    def has_password(self, password: str) -> bool:
        """Return whether the request was made by who knows the proxy's password."""
        expected = "Basic " + base64.b64encode(f"imagegen:{password}".encode()).decode()
        return hmac.compare_digest(expected.encode(), self._header("proxy-authorization").encode())

    def as_sent_to_origin(self) -> bytes:
        """Return the head as the origin expects it: with the path alone, and without the proxy's password."""
        headers = [line for line in self._headers if not line.lower().startswith("proxy-")]
        lines = [f"{self._method} {self._path} {self._version}", *headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _header(self, name: str) -> str:
        for line in self._headers:
            key, _, value = line.partition(":")
            if key.strip().lower() == name:
                return value.strip()
        return ""
