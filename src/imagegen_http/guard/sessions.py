"""The login cookie: proof that its holder knew the token, valid for 30 days and for this token only."""

import hashlib
import hmac

from imagegen_http.guard.inbound_request import InboundRequest

COOKIE = "imagegen_session"
LIFETIME_SECONDS = 30 * 24 * 3600

_PURPOSE = b"imagegen login cookie 1"
_EXPIRY_DIGITS = 12


def issue(token: str, now: float) -> str:
    """Return a new cookie's value; ``now`` in seconds since 1970. Changing the token invalidates it."""
    expiry = str(int(now) + LIFETIME_SECONDS)
    return f"{expiry}.{_signature(token, expiry)}"


def is_valid(cookie: str, token: str, now: float) -> bool:
    """Return whether `issue` returned this value for this token and it has not expired."""
    expiry, _, signature = cookie.partition(".")
    if not (expiry.isascii() and expiry.isdigit() and len(expiry) <= _EXPIRY_DIGITS):
        return False
    is_equal = hmac.compare_digest(_signature(token, expiry).encode(), signature.encode())
    return is_equal and now < int(expiry)


def is_logged_in(request: InboundRequest, token: str, now: float) -> bool:
    """Return whether the request has a valid cookie; of several with this name, one is enough."""
    pairs = (
        pair.strip().partition("=")
        for header in request.header_values(b"cookie")
        for pair in header.split(";")
    )
    return any(name == COOKIE and is_valid(value, token, now) for name, _, value in pairs)


def set_cookie(value: str, *, secure: bool) -> str:
    """Return the ``Set-Cookie`` header of a login; an empty value deletes the cookie."""
    age = LIFETIME_SECONDS if value else 0
    return f"{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def same_secret(candidate: bytes, secret: str) -> bool:
    """Compare in a time that reveals neither where they differ nor how long the secret is."""
    return hmac.compare_digest(hashlib.sha256(candidate).digest(), hashlib.sha256(secret.encode()).digest())


def _signature(token: str, expiry: str) -> str:
    key = hmac.digest(token.encode(), _PURPOSE, "sha256")
    return hmac.digest(key, expiry.encode(), "sha256").hex()
