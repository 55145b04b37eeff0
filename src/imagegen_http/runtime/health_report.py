"""The report of ``/health``."""

from collections.abc import Callable
from typing import Any

import attrs

from imagegen_core.errors import StorageError
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.disk_space import DiskSpace
from imagegen_http.runtime.service import Service

REQUIRED_CHECKS = ("database", "storage")
"""The checks without which no task can be accepted."""


@attrs.define
class HealthReport:
    """Checks what the service depends on, cheaply enough for a request every second.

    ``database_healthy`` returns False after an error from which a disk may not recover.
    """

    database_healthy: Callable[[], bool]
    disk: DiskSpace
    box_locked: Callable[[], bool]
    clock: Clock
    oss: Callable[[], Any] | None = None
    started_at: float = attrs.field(init=False)

    @started_at.default
    def _now(self) -> float:
        return self.clock.monotonic()

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
        is_healthy = all(checks[name] == "ok" for name in (*REQUIRED_CHECKS, "keys"))
        status = "ok" if is_healthy else "degraded"
        return {
            "status": "stopping" if service.stopping.is_set() else status,
            "version": service.version,
            "uptime_seconds": round(self.clock.monotonic() - self.started_at, 3),
            "checks": checks,
        }
