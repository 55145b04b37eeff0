"""Security headers for browsers; headers that a response already has stay."""

from http import HTTPStatus

from imagegen_http.asgi.types import Message, Send

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_REFERRER_POLICY = b"referrer-policy"


def with_security_headers(send: Send, *, no_store: bool) -> Send:
    """Return a ``send`` that adds them; ``no_store`` for responses that by default no cache may store."""

    async def send_safely(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            present = {name.lower() for name, _ in headers}
            defaults = [*_ALWAYS]
            if message["status"] != HTTPStatus.NOT_MODIFIED:  # what it confirms keeps its own
                defaults.append((_REFERRER_POLICY, _referrer_policy(headers)))
            if no_store:
                defaults.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers + [h for h in defaults if h[0] not in present]}
        await send(message)

    return send_safely


def _referrer_policy(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the policy: pages send a referrer to their own origin, everything else sends none.

    Under ``no-referrer`` a browser sends a page's own forms with ``Origin: null``
    (https://fetch.spec.whatwg.org/#append-a-request-origin-header), which the guard refuses.
    """
    types = (value.lower() for name, value in headers if name.lower() == b"content-type")
    return b"same-origin" if any(b"text/html" in value for value in types) else b"no-referrer"
