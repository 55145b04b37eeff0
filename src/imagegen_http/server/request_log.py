"""The outermost middleware: assigns each request an id, times it and logs it in one line."""

import re
from collections.abc import Callable

import structlog

from imagegen_core.ports.clock import Clock
from imagegen_http.asgi import request_context
from imagegen_http.asgi.types import App, Message, Receive, Scope, Send
from imagegen_http.problems.error_table import preferred_language

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNLOGGED_PATHS = ("/health",)
_FILES = "/console/"
"""A visit of the console asks for dozens of its files: only those that it does not get are worth a line."""

_REFUSED = 400

_log = structlog.get_logger("imagegen.request")


class RequestLog:
    """Adds ``X-Request-Id`` to every response: the caller's own if it is well-formed, else a new one."""

    def __init__(self, app: App, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._app = app
        self._clock = clock
        self._new_id = new_id
        self._log = _log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        callers_id = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = callers_id if _ACCEPTED_ID.fullmatch(callers_id) else self._new_id()
        request_context.request_id.set(request_id)
        request_context.language.set(
            preferred_language(headers.get(b"accept-language", b"").decode("latin-1"))
        )
        started = self._clock.monotonic()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            is_file = scope["path"].startswith(_FILES) and 0 < status < _REFUSED
            if not is_file and not scope["path"].startswith(_UNLOGGED_PATHS):
                milliseconds = round((self._clock.monotonic() - started) * 1000, 1)
                self._log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"][:200],
                    status=status,
                    milliseconds=milliseconds,
                )
