"""Which requests a browser makes for a page of somebody else.

The rules for methods that change something are those of Go's ``http.CrossOriginProtection``
(https://pkg.go.dev/net/http#CrossOriginProtection) without its exemptions, and ``Origin: null`` is
refused. Neither header means that no browser sent it.
"""

from urllib.parse import urlsplit

from imagegen_http.guard.inbound_request import InboundRequest

_OWN = frozenset({"same-origin", "none"})


def refuses(request: InboundRequest) -> bool:
    """Return whether another site made this request and may not.

    A foreign page may link to anything; it may neither change nor read nor embed anything.
    """
    return is_foreign(request) and not request.is_navigation


def is_foreign(request: InboundRequest) -> bool:
    """Return whether a browser says that a page of another origin made this request."""
    origin, site = request.header(b"origin"), request.header(b"sec-fetch-site").lower()
    if origin == "null":
        return True
    if site:
        return site not in _OWN
    return bool(origin) and not _is_here(origin, request)


def is_own_page(request: InboundRequest) -> bool:
    """Return whether a browser says that a page of this very origin made this request.

    Browsers send no ``Sec-Fetch-Site`` over plain HTTP beyond loopback; there ``Origin`` tells, or for a
    GET the ``Referer``, which our pages send to their own origin only.
    """
    if is_foreign(request):
        return False
    site = request.header(b"sec-fetch-site").lower()
    if site:
        return site == "same-origin"
    origin = request.header(b"origin")
    return _is_here(origin or request.header(b"referer"), request)


def _is_here(url: str, request: InboundRequest) -> bool:
    """Return whether a URL's ``host:port`` is what the Host header says, letter for letter."""
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        return False
    return bool(netloc) and netloc.lower() == request.header(b"host").lower()
