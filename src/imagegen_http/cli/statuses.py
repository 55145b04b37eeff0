"""The words and colours of statuses on a terminal; in a pipe they are the API's."""

import sys

import click

from imagegen_core.messages import Language, MessageCode


class StatusCode(MessageCode):
    """What a thing's status is called."""

    STATUS_PENDING = "pending", "排队中"
    STATUS_PROCESSING = "processing", "进行中"
    STATUS_COMPLETED = "completed", "已完成"
    STATUS_FAILED = "failed", "失败"
    STATUS_CANCELLED = "cancelled", "已取消"
    STATUS_ON = "on", "启用"
    STATUS_OFF = "off", "停用"
    STATUS_ACTIVE = "active", "可用"
    STATUS_DEPRECATED = "deprecated", "即将停用"
    STATUS_RETIRED = "retired", "已停用"
    STATUS_CURRENT = "current", "最新"
    STATUS_STALE = "stale", "已过时"
    STATUS_MISSING = "missing", "缺失"


_COLOURS = {
    StatusCode.STATUS_PROCESSING: "cyan",
    StatusCode.STATUS_COMPLETED: "green",
    StatusCode.STATUS_FAILED: "red",
    StatusCode.STATUS_CANCELLED: "yellow",
    StatusCode.STATUS_ON: "green",
    StatusCode.STATUS_DEPRECATED: "yellow",
    StatusCode.STATUS_RETIRED: "red",
}


def status_text(status: str, language: Language) -> str:
    """Return what a status is called; one that a newer service has is called as there."""
    code = _code(status)
    return status if code is None else code().text(language)


def status_colour(status: str) -> str | None:
    """Return the colour of a status, if it has one."""
    code = _code(status)
    return None if code is None else _COLOURS.get(code)


def show_status(status: str, language: Language) -> None:
    """Print a status in a line of its own."""
    text = status_text(status, language) if sys.stdout.isatty() else status
    click.echo(click.style(text, fg=status_colour(status)))


def _code(status: str) -> StatusCode | None:
    return StatusCode.__members__.get(f"STATUS_{status.upper()}")
