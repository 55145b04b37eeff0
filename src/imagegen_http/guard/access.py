"""Authorization of a request once an auth token is configured."""

import re

from imagegen_core.ports.clock import Clock
from imagegen_http.guard import cross_site, sessions
from imagegen_http.guard.inbound_request import InboundRequest

_PUBLIC_PATHS = ("/health", "/login", "/logout", "/docs", "/openapi.json")
_IMAGE_PATH = re.compile(
    r"/api/v1/(images/\d+/(content|thumbnail)|tasks/[0-9a-f-]{36}/inputs/\d+/content)", re.ASCII
)


class Access:
    """The bearer token grants everything; the login cookie grants what the console needs."""

    def __init__(self, *, token: str, clock: Clock, public_origin: str | None = None) -> None:
        self._token = token
        self._public_origin = public_origin
        self._clock = clock

    def allows(self, request: InboundRequest) -> bool:
        """Return whether the request is authorized."""
        return self._is_public(request) or self.recognizes(request)

    def recognizes(self, request: InboundRequest) -> bool:
        """Return whether the caller is authorized, also where nobody has to be."""
        return self.has_token(request) or self._has_session(request)

    def _is_public(self, request: InboundRequest) -> bool:
        return request.is_under(*_PUBLIC_PATHS) and not request.has_dot_segment

    def has_token(self, request: InboundRequest) -> bool:
        """Return whether the request has the token itself: alone it counts for pages of other origins."""
        scheme, _, credential = request.header(b"authorization").partition(" ")
        is_equal = sessions.same_secret(credential.strip().encode("latin-1"), self._token)
        return is_equal and scheme.lower() == "bearer"

    def _has_session(self, request: InboundRequest) -> bool:
        """Accept the cookie for pages and images, and for the API only from a page of our own."""
        if not (accepts_cookie(request) or cross_site.is_own_page(request, self._public_origin)):
            return False
        return sessions.is_logged_in(request, self._token, self._clock.now().timestamp())


def accepts_cookie(request: InboundRequest) -> bool:
    """Return whether the cookie alone authorizes the request: it does for reading pages and images."""
    if request.method not in ("GET", "HEAD"):
        return False
    return not request.is_api or _IMAGE_PATH.fullmatch(request.path) is not None
