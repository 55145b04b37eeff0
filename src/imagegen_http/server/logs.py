"""Logging: structlog for our own events; libraries' standard records go through the same processors."""

import logging
import sys
from typing import Any

import structlog

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
    "error",
    "provider",
    "model",
    "seconds",
    "reason",
)


def set_up_logs(settings: LogSettings, redact: Any) -> None:
    """Send all logs to stderr, as text on a terminal and as JSON lines elsewhere, with secrets redacted.

    ``redact`` is a structlog processor; it gets each complete event before it is rendered.
    """
    text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(allow=_EXTRA_KEYS),
    ]
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if text
        else structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
