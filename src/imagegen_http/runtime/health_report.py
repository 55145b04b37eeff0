"""The report of ``/health``."""

from collections.abc import Awaitable, Callable

import attrs
from msgspec import UNSET, UnsetType

from imagegen_core.errors import StorageError
from imagegen_core.ports.tools import Clock, HasRoom
from imagegen_core.task import TaskStatus
from imagegen_http.health import ArchiveHealth, Checks, ClusterHealth, Health, QueueHealth, Status
from imagegen_http.runtime.service import Service

_COUNTED = TaskStatus.PENDING, TaskStatus.PROCESSING


@attrs.define
class HealthReport:
    """Checks what the service depends on, cheaply enough for a request every second.

    ``database_healthy`` returns False after an error from which a disk may not recover. What ``archive`` and
    ``cluster`` (which is told who asks) return is in the database, so it is missing while that is down.
    """

    database_healthy: Callable[[], bool]
    has_room: HasRoom
    free_bytes: Callable[[], int]
    box_locked: Callable[[], bool]
    clock: Clock
    archive: Callable[[], Awaitable[ArchiveHealth]] | None = None
    cluster: Callable[[str], Awaitable[ClusterHealth]] | None = None
    started_at: float = attrs.field(init=False)

    @started_at.default
    def _now(self) -> float:
        return self.clock.monotonic()

    async def __call__(self, service: Service) -> Health:
        """Return the report."""
        checks = await self._checks(service)
        is_healthy = can_accept_tasks(checks) and checks.keys == "ok"
        status: Status = "ok" if is_healthy else "degraded"
        return Health(
            status="stopping" if service.stopping.is_set() else status,
            version=service.version,
            uptime_seconds=round(self.clock.monotonic() - self.started_at, 3),
            checks=checks,
        )

    async def _checks(self, service: Service) -> Checks:
        is_healthy, counts = self.database_healthy(), dict.fromkeys(_COUNTED, 0)
        archive: ArchiveHealth | UnsetType = UNSET
        cluster: ClusterHealth | UnsetType = UNSET
        try:
            counts = {**await service.imagegen.parts.tasks.counts(_COUNTED)}
            archive = UNSET if self.archive is None else await self.archive()
            cluster = UNSET if self.cluster is None else await self.cluster(service.imagegen.owner)
        except StorageError:
            is_healthy = False
        storage = service.settings.storage
        return Checks(
            database="ok" if is_healthy else "failed",
            storage="ok" if self.has_room() else "disk_full",
            queue=QueueHealth(
                pending=counts[TaskStatus.PENDING],
                processing=counts[TaskStatus.PROCESSING],
                workers=service.settings.queue.workers,
                size=service.settings.queue.size,
            ),
            disk_free_bytes=self.free_bytes(),
            keys="locked" if self.box_locked() else "ok",
            oss=archive if storage.oss is not None else UNSET,
            s3=archive if storage.s3 is not None else UNSET,
            cluster=cluster,
        )


def can_accept_tasks(checks: Checks) -> bool:
    """Return whether the checks without which no task can be accepted are ok."""
    return checks.database == "ok" and checks.storage == "ok"
