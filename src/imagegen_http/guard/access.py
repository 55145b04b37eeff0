"""Who may do what once an auth token is set."""

import re
from collections.abc import Callable

from imagegen_http.guard import cross_site, sessions
from imagegen_http.guard.inbound_request import InboundRequest

_OPEN = ("/health", "/login", "/logout", "/docs", "/openapi.json")
_PICTURE = re.compile(r"/api/v1/images/\d+/(content|thumbnail)", re.ASCII)


class Access:
    """The token opens everything; the login's cookie opens what the console needs."""

    def __init__(self, *, token: str, now: Callable[[], float], public_origin: str | None = None) -> None:
        self._token = token
        self._public_origin = public_origin
        self._now = now

    def allows(self, request: InboundRequest) -> bool:
        """Return whether the request may go on."""
        return self._is_open(request) or self._has_token(request) or self._has_session(request)

    def _is_open(self, request: InboundRequest) -> bool:
        return request.under(*_OPEN) and not request.has_dot_segment

    def _has_token(self, request: InboundRequest) -> bool:
        scheme, _, given = request.header(b"authorization").partition(" ")
        known = sessions.same_secret(given.strip().encode("latin-1"), self._token)
        return known and scheme.lower() == "bearer"

    def _has_session(self, request: InboundRequest) -> bool:
        """Take the cookie for pages and pictures, and for the API only from a page of our own."""
        if not (takes_cookie(request) or cross_site.is_own_page(request, self._public_origin)):
            return False
        return sessions.is_logged_in(request, self._token, self._now())


def takes_cookie(request: InboundRequest) -> bool:
    """Return whether the cookie alone is enough here: reading pages and pictures."""
    if request.method not in ("GET", "HEAD"):
        return False
    return not request.is_api or _PICTURE.fullmatch(request.path) is not None
