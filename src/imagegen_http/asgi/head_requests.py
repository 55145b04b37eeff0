"""Answers HEAD as GET is answered, without the body, where no handler of HEAD avoids making one."""

from collections.abc import Iterable

from imagegen_http.asgi.types import App, Message, Receive, Scope, Send

_NOT_ALLOWED = 405
_STREAMS = "/events"
"""How the paths end whose response to GET has no end, as that to HEAD must have."""


def allowed(methods: Iterable[str], path: str) -> str:
    """Return the value of ``Allow`` for a path with handlers of these methods."""
    head = ("HEAD",) if "GET" in (names := set(methods)) and not _is_stream(path) else ()
    return ", ".join(sorted(names.union(head)))


async def serve_head(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a HEAD as a GET if it is not allowed itself; the server leaves out the body."""
    if _is_stream(scope["path"]):
        await app(scope, receive, send)
        return
    refused = _Refused(send)
    await app({**scope}, receive, refused)
    if refused.allows_get:
        await app({**scope, "method": "GET"}, receive, send)


class _Refused:
    """A ``send`` that withholds a response with status 405 where GET is allowed."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.allows_get = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == _NOT_ALLOWED:
            headers = {name.lower(): value for name, value in message["headers"]}
            self.allows_get = b"GET" in headers.get(b"allow", b"")
        if not self.allows_get:
            await self._send(message)


def _is_stream(path: str) -> bool:
    return path.rstrip("/").endswith(_STREAMS)
