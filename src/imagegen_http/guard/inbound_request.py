"""The head of a request, as far as the guard inspects it."""

from collections.abc import Mapping, Sequence

import attrs

from imagegen_http.asgi.types import Scope

_KEY = "imagegen.inbound_request"


@attrs.frozen(kw_only=True)
class InboundRequest:
    """``path`` is decoded and normalized as the router does it: single slashes, none at the end.

    ``head_bytes`` is the size of path, query and headers together; ``headers`` has lower-case names.
    """

    method: str
    path: str
    query: bytes
    scheme: str
    head_bytes: int
    headers: Mapping[bytes, Sequence[bytes]]

    @classmethod
    def from_scope(cls, scope: Scope) -> "InboundRequest":
        """Return the head of an ASGI scope, read once; forwarding headers have no influence."""
        request: InboundRequest | None = scope.get(_KEY)
        if request is None:
            request = scope[_KEY] = cls._read(scope)
        return request

    @classmethod
    def _read(cls, scope: Scope) -> "InboundRequest":
        path = "/" + "/".join(filter(None, scope["path"].removeprefix(scope.get("root_path", "")).split("/")))
        query = scope.get("query_string", b"")
        head_bytes = len(path) + len(query)
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            head_bytes += len(name) + len(value)
            headers.setdefault(name.lower(), []).append(value)
        return cls(
            method=scope["method"],
            path=path,
            query=query,
            scheme=scope.get("scheme", "http"),
            head_bytes=head_bytes,
            headers=headers,
        )

    def header_values(self, name: bytes) -> list[str]:
        """Return all values of a header, in order."""
        return [value.decode("latin-1").strip() for value in self.headers.get(name, ())]

    def header(self, name: bytes) -> str:
        """Return a header's value, ``""`` if it is missing; several are joined (RFC 9110, section 5.3)."""
        return ", ".join(self.header_values(name)) if name in self.headers else ""

    def is_under(self, *prefixes: str) -> bool:
        """Return whether the path is one of ``prefixes`` or below one of them."""
        return f"{self.path}/".startswith(tuple([f"{prefix}/" for prefix in prefixes]))

    @property
    def is_api(self) -> bool:
        """Whether the path belongs to the API rather than to a page."""
        return self.is_under("/api", "/v1")

    @property
    def has_dot_segment(self) -> bool:
        """Whether the path has a segment that a file system would resolve and the router does not."""
        return not {".", ".."}.isdisjoint(self.path.replace("\\", "/").split("/"))

    @property
    def is_navigation(self) -> bool:
        """Whether, by its headers, a browser navigates to the path."""
        return self.method == "GET" and self.header(b"sec-fetch-mode").lower() == "navigate"

    @property
    def wants_page(self) -> bool:
        """Whether a browser expects a page, also one without fetch metadata (old, or on plain HTTP)."""
        old = not self.header(b"sec-fetch-mode") and "text/html" in self.header(b"accept").lower()
        return self.is_navigation or (self.method in ("GET", "HEAD") and old)
