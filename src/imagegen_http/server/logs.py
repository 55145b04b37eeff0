"""Logs: structlog for our own events and the records of libraries, and a line for each request."""

import contextlib
import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import attrs
import msgspec
import structlog

from imagegen_core.ports.tools import Clock
from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import App, AsgiMessage, Receive, Scope, Send, preferred_language, with_headers
from imagegen_http.settings.schema import LogSettings

# Loggers that write full URLs or request bodies at levels below warning.
_NOISY_LOGGERS = (
    *("httpx", "httpcore", "google_genai", "oss2", "urllib3", "asyncio", "uvicorn.access", "PIL"),
    *("mcp", "sse_starlette", "httpx2", "httpcore2"),
)


def set_up_logs(settings: LogSettings, redact: Any) -> None:
    """Send all logs to stderr, as text on a terminal and as JSON lines elsewhere.

    ``redact`` is a structlog processor; it removes secrets and what JSON has not from each complete event.
    """
    text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    first: list[Any] = [_add_request_id, structlog.processors.add_log_level]
    last: list[Any] = [
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if text else _to_json,
    ]
    structlog.configure(
        processors=[*first, *last],
        logger_factory=lambda *_: _LineLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*first, _add_our_extra],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_request_id(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    if request_id := asgi.request_id.get():
        event.setdefault("request_id", request_id)
    return event


_add_extra = structlog.stdlib.ExtraAdder()


def _add_our_extra(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
    """Add the values of our own records; those of libraries may be anything."""
    is_ours = event["_record"].name.startswith("imagegen")
    return _add_extra(logger, method, event) if is_ours else event


class _LineLogger:
    """Writes each event at once. A line that cannot be written is lost; it must not fail a request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the disk is full, the reader or the stream is gone
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = _write


def _to_json(_logger: Any, _method: str, event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()


_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNLOGGED_PATHS = ("/health",)
_FILES = "/console/"  # a visit asks for dozens, so only failures are logged
_REFUSED = 400
_log = structlog.get_logger("imagegen.request")


@attrs.frozen(eq=False)
class RequestLog:
    """Logs each request and adds ``X-Request-Id``: the caller's own if it is well-formed, else a new one."""

    _app: App
    _clock: Clock
    _new_id: Callable[[], str]
    _log: Any = attrs.field(factory=_log.bind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        callers_id = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = callers_id if _ACCEPTED_ID.fullmatch(callers_id) else self._new_id()
        asgi.request_id.set(request_id)
        asgi.language.set(preferred_language(headers.get(b"accept-language", b"").decode("latin-1")))
        started = self._clock.monotonic()
        status = 0

        def note(start: AsgiMessage) -> list[tuple[bytes, bytes]]:
            nonlocal status
            status = start["status"]
            return [(b"x-request-id", request_id.encode())]

        try:
            await self._app(scope, receive, with_headers(send, note))
        finally:
            is_file = scope["path"].startswith(_FILES) and 0 < status < _REFUSED
            if not is_file and not scope["path"].startswith(_UNLOGGED_PATHS):
                self._log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"][:200],
                    status=status,
                    milliseconds=round((self._clock.monotonic() - started) * 1000, 1),
                )
