"""Protection against cross-site requests, which a browser makes for a page of another site.

The rules for methods that change something are those of Go's ``http.CrossOriginProtection``
(https://pkg.go.dev/net/http#CrossOriginProtection) without its exemptions, and ``Origin: null`` is
refused. A request with neither ``Origin`` nor ``Sec-Fetch-Site`` does not come from a browser.

Below ``/api`` and ``/v1`` there are guests: foreign pages that CORS lets in, because they send the token, or
because the operator lists their origin. No page can make a browser add a token that it does not know, so the
token alone counts for them, never the login's cookie, and their browsers are never told to send one along.
"""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from imagegen_http.asgi.types import Message, Receive, Scope, Send
from imagegen_http.guard.inbound_request import InboundRequest

_OWN_SITES = frozenset({"same-origin", "none"})
_ORIGIN = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,255}")  # visible and no comma: one origin
_HEADER_NAMES = re.compile(r"[A-Za-z0-9_, -]{1,2000}", re.ASCII)
_METHODS = b"GET, HEAD, POST, PATCH, DELETE"
_READABLE_HEADERS = (
    b"Accept-Ranges, Allow, Content-Disposition, Content-Language, Content-Range, ETag, Idempotent-Replayed, "
    b"Location, Preference-Applied, Retry-After, WWW-Authenticate, X-Request-Id, X-Should-Retry, X-Task-Id"
)
_PREFLIGHT_SECONDS = b"600"


def refuses(request: InboundRequest, public_origin: str | None = None) -> bool:
    """Return whether to refuse the request as cross-site.

    A page of another site may link to anything, but may not change, read or embed anything. Pages of
    ``public_origin`` are our own, whatever Host a proxy sends.
    """
    return is_foreign(request, public_origin) and not request.is_navigation


def is_foreign(request: InboundRequest, public_origin: str | None = None) -> bool:
    """Return whether, by its headers, a page of another origin made this request."""
    origin, site = request.header(b"origin"), request.header(b"sec-fetch-site").lower()
    if origin == "null":
        return True
    if site:
        return site not in _OWN_SITES
    return bool(origin) and not _is_same_origin(origin, request, public_origin)


def is_guest(
    request: InboundRequest, public_origin: str | None, *, allowed: Collection[str], has_token: bool
) -> bool:
    """Return whether a foreign page may ask: its origin is allowed, or it sends a token where there is one.

    A preflight has no token yet. Whether that is the right one is for the caller to check.
    """
    if not request.is_api or not is_foreign(request, public_origin):
        return False
    shows_token = b"authorization" in request.headers or is_preflight(request)
    return (has_token and shows_token) or request.header(b"origin") in allowed


def is_preflight(request: InboundRequest) -> bool:
    """Return whether a browser asks before it sends what a page wants to send."""
    return request.method == "OPTIONS" and b"access-control-request-method" in request.headers


def with_cors_headers(send: Send, reader: str | None) -> Send:
    """Return a ``send`` that lets the pages of one origin read the response; None: of no other than ours."""
    headers = [(b"vary", b"Origin")]
    if reader is not None and _ORIGIN.fullmatch(reader):
        headers.append((b"access-control-allow-origin", reader.encode()))
        headers.append((b"access-control-expose-headers", _READABLE_HEADERS))

    async def send_readable(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *headers]}
        await send(message)

    return send_readable


async def answer_preflight(scope: Scope, receive: Receive, send: Send) -> None:
    """Let the browser send any method and header to any path, so that none is told from another."""
    names = InboundRequest.from_scope(scope).header(b"access-control-request-headers")
    headers = [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
    ]
    if _HEADER_NAMES.fullmatch(names):
        headers.append((b"access-control-allow-headers", names.encode()))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def is_own_page(request: InboundRequest, public_origin: str | None = None) -> bool:
    """Return whether, by its headers, a page of this very origin made this request.

    Browsers send no ``Sec-Fetch-Site`` over plain HTTP beyond loopback. There ``Origin`` decides, or for a
    GET the ``Referer``, which our pages send to their own origin only.
    """
    if is_foreign(request, public_origin):
        return False
    site = request.header(b"sec-fetch-site").lower()
    if site:
        return site == "same-origin"
    origin = request.header(b"origin")
    return _is_same_origin(origin or request.header(b"referer"), request, public_origin)


def _is_same_origin(url: str, request: InboundRequest, public_origin: str | None) -> bool:
    """Return whether a URL's ``host:port`` equals the Host header, or its origin is the public one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if public_origin is not None and f"{parts.scheme}://{parts.netloc}".lower() == public_origin:
        return True
    return bool(parts.netloc) and parts.netloc.lower() == request.header(b"host").lower()
