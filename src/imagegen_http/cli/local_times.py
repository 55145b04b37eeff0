"""Times as the reader's clock shows them."""

from datetime import datetime


def local_time(text: str) -> str:
    """Return an ISO 8601 time to the minute, with its zone: ``2026-11-27 11:52 +08:00``; nothing for nothing.

    The zone is that of ``TZ``, else the machine's.
    """
    if not text:
        return ""
    local = datetime.fromisoformat(text).astimezone().isoformat(sep=" ", timespec="minutes")
    return f"{local[:16]} {local[16:]}"
