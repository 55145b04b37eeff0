"""The head of a request, as far as the guard looks at it."""

import attrs

from imagegen_http.asgi.types import Scope


@attrs.frozen(kw_only=True)
class InboundRequest:
    """``path`` is the decoded path that the router will see: one slash between segments, none at the end."""

    method: str
    path: str
    query: bytes
    scheme: str
    headers: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def from_scope(cls, scope: Scope) -> "InboundRequest":
        """Read the scope; nothing is taken from forwarding headers."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return cls(
            method=scope["method"],
            path="/" + "/".join(filter(None, path.split("/"))),
            query=scope.get("query_string", b""),
            scheme=scope.get("scheme", "http"),
            headers=tuple((name.lower(), value) for name, value in scope["headers"]),
        )

    @property
    def head_bytes(self) -> int:
        """How large path, query and headers are together."""
        named = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.path) + len(self.query) + named

    def header_values(self, name: bytes) -> list[str]:
        """Return each value of a header, in order."""
        return [value.decode("latin-1").strip() for key, value in self.headers if key == name]

    def header(self, name: bytes) -> str:
        """Return a header, ``""`` when it is missing; repeated ones are joined as RFC 9110 says."""
        return ", ".join(self.header_values(name))

    def is_under(self, *prefixes: str) -> bool:
        """Return whether the path is one of these or below one of them."""
        return any(self.path == prefix or self.path.startswith(f"{prefix}/") for prefix in prefixes)

    @property
    def is_api(self) -> bool:
        """Whether programs call it, rather than people visit it."""
        return self.is_under("/api", "/v1")

    @property
    def has_dot_segment(self) -> bool:
        """Whether a file system would read the path in another way than the router."""
        return not {".", ".."}.isdisjoint(self.path.replace("\\", "/").split("/"))

    @property
    def is_navigation(self) -> bool:
        """Whether a browser says that a person goes there."""
        return self.method == "GET" and self.header(b"sec-fetch-mode").lower() == "navigate"

    @property
    def wants_page(self) -> bool:
        """Whether it is a person with a browser, also an old one or one on plain HTTP."""
        old = not self.header(b"sec-fetch-mode") and "text/html" in self.header(b"accept").lower()
        return self.is_navigation or (self.method in ("GET", "HEAD") and old)
