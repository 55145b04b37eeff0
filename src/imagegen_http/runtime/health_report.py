"""What ``/health`` tells."""

import time
from collections.abc import Callable
from typing import Any

import attrs

from imagegen_core.errors import StorageError
from imagegen_core.ports.disk_space import DiskSpace
from imagegen_http.runtime.service import Service

REQUIRED_CHECKS = ("database", "storage")
"""The checks without which no task can be taken."""


@attrs.define
class HealthReport:
    """Looks at what the service stands on, cheaply enough to be asked every second.

    ``database_healthy`` is False after an error that a disk may not recover from.
    """

    database_healthy: Callable[[], bool]
    disk: DiskSpace
    box_locked: Callable[[], bool]
    oss: Callable[[], Any] | None = None
    started_at: float = attrs.field(factory=time.monotonic)

    async def __call__(self, service: Service) -> dict[str, Any]:
        """Return the report; ``status`` is ok, degraded or stopping."""
        checks: dict[str, Any] = {"database": "ok" if self.database_healthy() else "failed"}
        try:
            counts = await service.imagegen.adapters.queue.counts()
            pending, processing = counts.pending, counts.processing
        except StorageError:
            checks["database"], pending, processing = "failed", 0, 0
        checks["storage"] = "ok" if self.disk.sufficient() else "disk_full"
        checks["queue"] = {
            "pending": pending,
            "processing": processing,
            "workers": service.settings.queue.workers,
            "size": service.settings.queue.size,
        }
        checks["disk_free_bytes"] = self.disk.free_bytes()
        checks["keys"] = "locked" if self.box_locked() else "ok"
        if self.oss is not None:
            checks["oss"] = await self.oss()
        sound = all(checks[name] == "ok" for name in (*REQUIRED_CHECKS, "keys"))
        status = "ok" if sound else "degraded"
        return {
            "status": "stopping" if service.stopping.is_set() else status,
            "version": service.version,
            "uptime_seconds": round(time.monotonic() - self.started_at, 3),
            "checks": checks,
        }
