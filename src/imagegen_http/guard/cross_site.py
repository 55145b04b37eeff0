"""Protection against cross-site requests, which a browser makes for a page of another site.

The rules for methods that change something are those of Go's ``http.CrossOriginProtection``
(https://pkg.go.dev/net/http#CrossOriginProtection) without its exemptions, and ``Origin: null`` is
refused. A request with neither ``Origin`` nor ``Sec-Fetch-Site`` does not come from a browser.
"""

from urllib.parse import urlsplit

from imagegen_http.guard.inbound_request import InboundRequest

_OWN_SITES = frozenset({"same-origin", "none"})


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
