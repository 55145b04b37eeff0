"""ASGI's types, the head of a request, and the headers of every response."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import attrs

from imagegen_core.messages import Language, Message, Problem

Scope = MutableMapping[str, Any]
AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Refuse = Callable[[Scope, Receive, Send, str, dict[str, Any], dict[str, str]], Awaitable[None]]
"""Sends an error from outside the router: (scope, receive, send, slug, data, headers)."""

CACHEABLE = "cacheable"
"""In a handler's ``opt``: its responses depend on the target and the database only."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
language: ContextVar[Language] = ContextVar("language", default=Language.ZH)


def text(message: Message) -> str:
    return message.text(language.get())


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    """Send a complete response; the server omits the body for HEAD."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def with_headers(send: Send, more: Callable[[AsgiMessage], Iterable[tuple[bytes, bytes]]]) -> Send:
    async def send_with_headers(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *more(message)]}
        await send(message)

    return send_with_headers


_KEY = "imagegen.inbound_request"


@attrs.frozen(kw_only=True)
class InboundRequest:
    """``path`` is decoded and normalized as the router does it: single slashes, none at the end."""

    method: str
    path: str
    query: bytes
    scheme: str
    head_bytes: int  # of path, query and headers together
    headers: Mapping[bytes, Sequence[bytes]]  # names in lower case

    @classmethod
    def from_scope(cls, scope: Scope) -> "InboundRequest":
        """Return the head of a scope, read once; forwarding headers have no influence."""
        request: InboundRequest | None = scope.get(_KEY)
        if request is not None:
            return request
        path = "/" + "/".join(filter(None, scope["path"].removeprefix(scope.get("root_path", "")).split("/")))
        query = scope.get("query_string", b"")
        head_bytes = len(path) + len(query)
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            head_bytes += len(name) + len(value)
            headers.setdefault(name.lower(), []).append(value)
        request = scope[_KEY] = cls(
            method=scope["method"],
            path=path,
            query=query,
            scheme=scope.get("scheme", "http"),
            head_bytes=head_bytes,
            headers=headers,
        )
        return request

    def header_values(self, name: bytes) -> list[str]:
        return [value.decode("latin-1").strip() for value in self.headers.get(name, ())]

    def header(self, name: bytes) -> str:
        """Return a header's value or ``""``; several are joined (RFC 9110, 5.3)."""
        values = self.headers.get(name)  # most are not there
        return b", ".join(map(bytes.strip, values)).decode("latin-1") if values else ""

    def is_under(self, *prefixes: str) -> bool:
        return f"{self.path}/".startswith(tuple([f"{prefix}/" for prefix in prefixes]))

    @property
    def is_api(self) -> bool:
        return f"{self.path}/".startswith(("/api/", "/v1/", "/mcp/"))

    @property
    def is_navigation(self) -> bool:
        return self.method == "GET" and self.header(b"sec-fetch-mode").lower() == "navigate"

    @property
    def wants_page(self) -> bool:
        """Whether a browser expects a page; without fetch metadata it is old, or on plain HTTP."""
        old = not self.header(b"sec-fetch-mode") and "text/html" in self.header(b"accept").lower()
        return self.is_navigation or (self.method in ("GET", "HEAD") and old)


@attrs.frozen
class RequestRefused(Exception):
    """``slug`` names a row of the error table."""

    slug: str
    data: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def for_field(cls, field: str, reason: Message) -> "RequestRefused":
        return cls("validation_failed", {"errors": (Problem(field=field, reason=reason),)})


class RequestAborted(Exception):
    """The client disconnected before its request was complete."""


_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def with_security_headers(send: Send, *, no_store: bool) -> Send:
    """Return a ``send`` that adds these headers where a response does not have them."""

    def defaults(start: AsgiMessage) -> Iterable[tuple[bytes, bytes]]:
        headers = {name.lower(): value for name, value in start.get("headers", ())}
        defaults = dict(_ALWAYS)
        if start["status"] != HTTPStatus.NOT_MODIFIED:  # what it confirms keeps its own
            # Under no-referrer the forms of a page have `Origin: null`, which is refused:
            # https://fetch.spec.whatwg.org/#append-a-request-origin-header
            is_page = b"text/html" in headers.get(b"content-type", b"").lower()
            defaults[b"referrer-policy"] = b"same-origin" if is_page else b"no-referrer"
        if no_store:
            defaults[b"cache-control"] = b"no-store"
        for name in defaults.keys() & headers.keys():
            del defaults[name]
        return defaults.items()

    return with_headers(send, defaults)


# ---------------------------------------------------------------- what a client accepts


def accepts_page(accept: str) -> bool:
    """Whether ``Accept`` names HTML, as browsers do when they navigate."""
    return dict(_weights(accept)).get("text/html", 0) > 0


def accepts_gzip(accept_encoding: str) -> bool:
    weights = dict(_weights(accept_encoding))
    return weights.get("gzip", weights.get("*", 0)) > 0


def preferred_language(accept_language: str | None, *, default: Language = Language.ZH) -> Language:
    weights = _weights(accept_language or "")
    spoken = [(weight, tag[:2]) for tag, weight in weights if tag[:2] in _LANGUAGES]
    weight, tag = max(spoken, key=lambda item: item[0], default=(0.0, ""))
    return Language(tag) if weight > 0 else default


_LANGUAGES = frozenset(map(str, Language))
_MAX_WEIGHED_CHARS = 1024  # the rest is ignored


def _weights(header: str) -> Sequence[tuple[str, float]]:
    """Return the values of a header with their weights (RFC 9110, 12.4.2)."""
    return _weighed(header[:_MAX_WEIGHED_CHARS]) if header else ()


@lru_cache(maxsize=64)  # there are few browsers, and each sends the same with every request
def _weighed(header: str) -> Sequence[tuple[str, float]]:
    weights = []
    for value in header.lower().split(","):
        name, *parameters = (part.strip() for part in value.split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        try:
            weight = float(next((text for key, _, text in pairs if key.strip() == "q"), 1.0))
        except ValueError:
            weight = 0.0
        weights.append((name, weight))
    return weights


PRIVATE_REVALIDATE = "private, no-cache"
"""``Cache-Control`` of a response that a client may keep if it revalidates it each time."""

FOREVER = "private, max-age=31536000, immutable"
"""``Cache-Control`` of what never changes at its address."""


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the client has it; weak tags count too, since proxies weaken ours when they compress."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


MIB = 1024 * 1024


@attrs.frozen(kw_only=True)
class GuardRules:
    """A Host may be loopback, ``bind_host`` but no wildcard, ``allowed_hosts``, or ``public_url``'s."""

    bind_host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    public_url: str | None = None  # the scheme://host[:port] under which clients reach the service
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-Proto is trusted
    allowed_origins: tuple[str, ...] = ()  # foreign pages that may use the API if no token is set
    auth_token: str | None = attrs.field(default=None, repr=False)
    max_body_bytes: int = MIB  # of bodies without images
    max_upload_bytes: int = 64 * MIB
    max_bytes_in_flight: int = 96 * MIB  # of all bodies together; one upload always fits
    reserved_bytes: int = 16 * MIB  # on top of that, for small bodies alone
    max_json_depth: int = 64
    body_seconds: float = 30.0
    linger_seconds: float = 30.0  # a refused body is drained, so that its client gets the response
    failed_login_seconds: float = 1.0
