"""Logging: structlog for our own events; libraries' standard records are rendered in the same way."""

import contextlib
import logging
import sys
from typing import Any, TextIO

import msgspec
import structlog

from imagegen_http.asgi import request_context
from imagegen_http.settings.schema import LogSettings

_NOISY_LOGGERS = (
    "httpx",
    "httpcore",
    "google_genai",
    "oss2",
    "urllib3",
    "asyncio",
    "uvicorn.access",
    "PIL",
    "hpack",
)
"""Loggers that write full URLs or request bodies at levels below warning."""

_EXTRA_KEYS = (
    "task_id",
    "image_id",
    "blob_key",
    "tasks",
    "images",
    "change",
    "changed",
    "error",
    "provider",
    "model",
    "seconds",
    "reason",
)


def set_up_logs(settings: LogSettings, redact: Any) -> None:
    """Send all logs to stderr, as text on a terminal and as JSON lines elsewhere, with secrets redacted.

    ``redact`` is a structlog processor; it gets each complete event before it is rendered, and leaves only
    what JSON has. A line that cannot be written is lost, and nothing else.
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
            foreign_pre_chain=[*first, structlog.stdlib.ExtraAdder(allow=_EXTRA_KEYS)],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _add_request_id(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    if request_id := request_context.request_id.get():
        event.setdefault("request_id", request_id)
    return event


class _LineLogger:
    """Writes each event as one line, at once; a log that cannot be written must not fail a request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the disk is full, the reader or the stream is gone
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = critical = _write


def _to_json(_logger: Any, _method: str, event: dict[str, Any]) -> str:
    return msgspec.json.encode(event).decode()
