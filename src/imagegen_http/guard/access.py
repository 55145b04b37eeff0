"""Who may call: hosts, proxies, the token, the login cookie, signed links, and pages of other sites.

Of proxies only the scheme is trusted. The rules for cross-site requests are those of Go's
``http.CrossOriginProtection`` (https://pkg.go.dev/net/http#CrossOriginProtection) without its exemptions,
and ``Origin: null`` is refused. A request with neither ``Origin`` nor ``Sec-Fetch-Site`` does not come from a
browser.

Below ``/api``, ``/v1`` and ``/mcp``, CORS lets guests in: foreign pages that send the token, or whose origin
the operator lists. For guests only the token counts, which a page has to know, and never the login cookie.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import attrs

from imagegen_core.config import WEB_PORTS, Origin
from imagegen_core.limits import MAX_PORT
from imagegen_http.guard.asgi import (
    FOREVER,
    AsgiMessage,
    InboundRequest,
    Receive,
    Scope,
    Send,
    respond,
    with_headers,
)

if TYPE_CHECKING:  # settings are read by commands that load little
    from imagegen_core.ports.secrets import SecretBox
    from imagegen_core.ports.tools import Clock

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?)(:(?P<port>\d{0,5}))?", re.ASCII)
_WILDCARDS = frozenset({"", "0.0.0.0", "[::]"})  # noqa: S104 - compared, not bound


class AllowedHosts:
    """Loopback, the bind address and configured names, each with any port. They stop DNS rebinding."""

    def __init__(self, *, bind_host: str, names: Iterable[str]) -> None:
        bound = normalize_host(_as_host(bind_host))
        allowed = {*LOOPBACK, *(_configured_name(name) for name in names)}
        self._names = frozenset(allowed if bound is None else allowed | {bound}) - _WILDCARDS

    def allow(self, request: InboundRequest) -> bool:
        """Whether the request has exactly one Host header, with an allowed name."""
        hosts = request.header_values(b"host")
        return len(hosts) == 1 and normalize_host(hosts[0]) in self._names


def normalize_host(host: str) -> str | None:
    """Return the name in lower case, without port and trailing dot, IPv6 in brackets; None if not valid."""
    match = _HOST.fullmatch(host.lower())
    if match is None or int(match["port"] or 0) > MAX_PORT:
        return None
    name = match["name"]
    if not name.startswith("["):
        return name.removesuffix(".")
    try:
        return f"[{ipaddress.IPv6Address(name[1:-1]).compressed}]"
    except ValueError:
        return None


def _configured_name(text: str) -> str:
    name = normalize_host(_as_host(text))
    if name is None:
        raise ValueError(f"{text!r} cannot be a Host")
    return name


def _as_host(text: str) -> str:
    """Return what a browser sends for a name as people write it, such as bare IPv6 or an IDN."""
    text = text.strip()
    try:
        return f"[{ipaddress.IPv6Address(text).compressed}]"
    except ValueError:
        pass
    try:
        return text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return ""


_APP_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._-]+(:[0-9]{1,5})?", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Forwarding:
    """Finds out whether the client used HTTPS: by ``public_url``, or as a proxy terminates TLS.

    ``X-Forwarded-Proto`` counts from ``trusted_proxies`` only, and no other forwarding header at all.
    """

    def __init__(self, *, public_url: str | None, trusted_proxies: Iterable[str]) -> None:
        self._public_is_https = public_url is not None and Origin.parse(public_url).scheme == "https"
        self._trusted = tuple(parse_network(text) for text in trusted_proxies)

    def with_original_scheme(self, scope: Scope) -> Scope:
        is_https = self._public_is_https
        if self._trusted and not is_https:
            values = [value for name, value in scope["headers"] if name.lower() == b"x-forwarded-proto"]
            nearest = b"".join(values[-1:]).rpartition(b",")[2].strip().lower()  # last of the last header
            is_https = nearest == b"https" and is_within((scope.get("client") or ("",))[0], self._trusted)
        return {**scope, "scheme": "https"} if is_https else scope


@lru_cache(1024)  # `./run bench accept`: 1 % of a request
def address_of(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return a peer's address, as IPv4 if it is mapped into IPv6; None if it has none."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def is_within(peer: str, networks: Iterable[Network]) -> bool:
    address = address_of(peer)
    return address is not None and any(address in network for network in networks)


def parse_network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address and no network such as 10.0.0.0/8") from None


def parse_origin(public_url: str) -> str:
    """Return ``scheme://host[:port]`` as a browser writes it in ``Origin``."""
    try:
        parts = urlsplit(public_url.strip())
        port = parts.port
    except ValueError:
        raise ValueError(f"{public_url!r} is no address") from None
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    host = normalize_host(parts.netloc.rpartition(":")[0] if port is not None else parts.netloc)
    if parts.scheme not in WEB_PORTS or host is None or not bare:
        raise ValueError(f"{public_url!r} is not such as https://images.example.com, without a path")
    return Origin.from_parts(parts.scheme, host.strip("[]"), port).shortest


def parse_page_origin(text: str) -> str:
    """Return the origin of a page, or of an app such as ``app://-``, as its browser sends it."""
    if text.startswith(("http://", "https://")):
        return parse_origin(text)
    if not _APP_ORIGIN.fullmatch(text):
        raise ValueError(f"{text!r} is not such as https://app.example.com or app://-, without a path")
    return text


COOKIE = "imagegen_session"
LIFETIME_SECONDS = 30 * 24 * 3600

_PURPOSE = b"imagegen login cookie 1"
_EXPIRY_DIGITS = 12


def issue(token: str, now: float) -> str:
    """Return a new cookie's value, valid for 30 days and for this token only."""
    expiry = str(int(now) + LIFETIME_SECONDS)
    return f"{expiry}.{_signature(token, expiry)}"


def is_valid(cookie: str, token: str, now: float) -> bool:
    expiry, _, signature = cookie.partition(".")
    if not (expiry.isascii() and expiry.isdigit() and len(expiry) <= _EXPIRY_DIGITS):
        return False
    return hmac.compare_digest(_signature(token, expiry).encode(), signature.encode()) and now < int(expiry)


def is_logged_in(request: InboundRequest, token: str, now: float) -> bool:
    """Return whether one of the request's cookies is valid."""
    pairs = (
        pair.strip().partition("=")
        for header in request.header_values(b"cookie")
        for pair in header.split(";")
    )
    return any(name == COOKIE and is_valid(value, token, now) for name, _, value in pairs)


def set_cookie(value: str, *, secure: bool) -> str:
    """Return a ``Set-Cookie`` header; an empty value deletes the cookie."""
    age = LIFETIME_SECONDS if value else 0
    return f"{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def same_secret(candidate: bytes, secret: str) -> bool:
    """Compare in constant time, which does not reveal the secret's length either."""
    return hmac.compare_digest(hashlib.sha256(candidate).digest(), hashlib.sha256(secret.encode()).digest())


def _signature(token: str, expiry: str) -> str:
    return hmac.digest(hmac.digest(token.encode(), _PURPOSE, "sha256"), expiry.encode(), "sha256").hex()


LINK_SECONDS = 24 * 3600
_LINKS = "imagegen signed links 1"
_LINKED_PATH = re.compile(r"/api/v1/images/[0-9]+/content", re.ASCII)


@attrs.frozen(kw_only=True)
class ImageLinks:
    """Addresses that open one image each, by default for a day, and for whoever has them.

    The key that signs them is derived from the master key, so all nodes take each other's. Where no token is
    set, and while the master key is missing, addresses are plain.
    """

    box: "SecretBox" = attrs.field(repr=False)
    clock: "Clock"
    needs_token: bool

    def url(self, image_id: int, base_url: str, seconds: int = LINK_SECONDS) -> str:
        """Return the absolute address of an image's bytes."""
        path = f"/api/v1/images/{image_id}/content"
        if not self.needs_token or self.box.locked:
            return f"{base_url}{path}"
        expires = str(int(self.clock.now().timestamp()) + seconds)
        signature = _link_signature(self.box.derive(_LINKS)[0], path, expires)
        return f"{base_url}{path}?expires={expires}&signature={signature}"

    def seconds_left(self, request: InboundRequest) -> int | None:
        """Return how long the request's link opens its image: 0 if it does not, None if it is no link.

        One that was changed, or has a part twice, is as good as one that has expired.
        """
        is_read = request.query and request.method in ("GET", "HEAD")
        if not is_read or not _LINKED_PATH.fullmatch(request.path):
            return None
        pairs = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)
        parts = [pair for pair in pairs if pair[0] in ("expires", "signature")]
        if not parts:
            return None
        values = {"expires": "", "signature": "", **dict(parts)}
        expires, signature = values["expires"], values["signature"].encode()
        keys = () if self.box.locked else self.box.derive(_LINKS)
        signatures = [_link_signature(key, request.path, expires).encode() for key in keys]
        if len(parts) != len(values) or not any(hmac.compare_digest(each, signature) for each in signatures):
            return 0
        return max(0, int(expires) - int(self.clock.now().timestamp()))


def _link_signature(key: bytes, path: str, expires: str) -> str:
    return hmac.digest(key, f"{path}?expires={expires}".encode(), "sha256").hex()


def with_link_headers(send: Send, seconds: int) -> Send:
    """Return a ``send`` for an image by a link: no cache keeps it longer, and pages of others may show it."""
    changed = {
        (b"cache-control", FOREVER.encode()): b"private, max-age=%d" % seconds,
        (b"cross-origin-resource-policy", b"same-origin"): b"cross-origin",
    }

    async def send_changed(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            message = {**message, "headers": [(each[0], changed.get(each, each[1])) for each in headers]}
        await send(message)

    return send_changed


_OWN_SITES = frozenset({"same-origin", "none"})
_ORIGIN = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,255}")  # visible and no comma: one origin
_HEADER_NAMES = re.compile(r"[A-Za-z0-9_, -]{1,2000}", re.ASCII)
_METHODS = b"GET, HEAD, POST, PATCH, DELETE"
_READABLE_HEADERS = (
    b"Accept-Ranges, Allow, Content-Disposition, Content-Language, Content-Range, ETag, Idempotent-Replayed, "
    b"Location, Preference-Applied, Retry-After, WWW-Authenticate, X-Idempotency-Replayed, X-Request-Id, "
    b"X-Should-Retry, X-Task-Id"
)


def is_foreign(request: InboundRequest, public_origin: str | None) -> bool:
    """Whether a page of another origin made this request."""
    origin, site = request.header(b"origin"), request.header(b"sec-fetch-site").lower()
    if origin == "null":
        return True
    if site:
        return site not in _OWN_SITES
    return bool(origin) and not _is_same_origin(origin, request, public_origin)


def is_preflight(request: InboundRequest) -> bool:
    return request.method == "OPTIONS" and b"access-control-request-method" in request.headers


def with_cors_headers(send: Send, reader: str | None) -> Send:
    """Return a ``send`` that lets pages of the origin ``reader`` read the response, if any."""
    headers = [(b"vary", b"Origin")]
    if reader is not None and _ORIGIN.fullmatch(reader):
        headers.append((b"access-control-allow-origin", reader.encode()))
        headers.append((b"access-control-expose-headers", _READABLE_HEADERS))
    return with_headers(send, lambda _start: headers)


async def answer_preflight(scope: Scope, receive: Receive, send: Send) -> None:
    """Allow any method and header on any path, so that the answer reveals no path."""
    names = InboundRequest.from_scope(scope).header(b"access-control-request-headers")
    headers = [(b"access-control-allow-methods", _METHODS), (b"access-control-max-age", b"600")]
    if _HEADER_NAMES.fullmatch(names):
        headers.append((b"access-control-allow-headers", names.encode()))
    await respond(send, 204, headers)


def is_own_page(request: InboundRequest, public_origin: str | None) -> bool:
    """Whether a page of our own origin made this request.

    Over plain HTTP beyond loopback there is no ``Sec-Fetch-Site``, but ``Origin``, or for a GET ``Referer``.
    """
    if is_foreign(request, public_origin):
        return False
    site = request.header(b"sec-fetch-site").lower()
    if site:
        return site == "same-origin"
    return _is_same_origin(request.header(b"origin") or request.header(b"referer"), request, public_origin)


def _is_same_origin(url: str, request: InboundRequest, public_origin: str | None) -> bool:
    """Whether a URL's ``host:port`` equals the Host header, or its origin is the public one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if public_origin is not None and f"{parts.scheme}://{parts.netloc}".lower() == public_origin:
        return True
    return bool(parts.netloc) and parts.netloc.lower() == request.header(b"host").lower()


_PUBLIC_PATHS = ("/health", "/login", "/logout", "/docs", "/openapi.json")
_IMAGE_PATH = re.compile(
    r"/api/v1/(images/\d+/(content|thumbnail)|tasks/[0-9a-f-]{36}/inputs/\d+/content)", re.ASCII
)


class Access:
    """The bearer token grants everything; the login cookie grants what the console needs."""

    def __init__(self, *, token: str, clock: "Clock", public_origin: str | None = None) -> None:
        self._token = token
        self._public_origin = public_origin
        self._clock = clock

    def allows(self, request: InboundRequest) -> bool:
        has_dots = not {".", ".."}.isdisjoint(request.path.replace("\\", "/").split("/"))  # as a file's may
        return (request.is_under(*_PUBLIC_PATHS) and not has_dots) or self.recognizes(request)

    def recognizes(self, request: InboundRequest) -> bool:
        """Whether the caller is authorized, also where nobody has to be."""
        return self.has_token(request) or self._has_session(request)

    def has_token(self, request: InboundRequest) -> bool:
        scheme, _, credential = request.header(b"authorization").partition(" ")
        return same_secret(credential.strip().encode("latin-1"), self._token) and scheme.lower() == "bearer"

    def _has_session(self, request: InboundRequest) -> bool:
        """Accept the cookie for reads of pages and images, else only from a page of our own."""
        is_page = not request.is_api or _IMAGE_PATH.fullmatch(request.path) is not None
        is_enough = is_page and request.method in ("GET", "HEAD")
        if not is_enough and not is_own_page(request, self._public_origin):
            return False
        return is_logged_in(request, self._token, self._clock.now().timestamp())
