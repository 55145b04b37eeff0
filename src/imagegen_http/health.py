"""Health checks and their report, which has no envelope."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, UnsetType

from imagegen_core.errors import StorageError
from imagegen_core.task import TaskStatus
from imagegen_http.schemas import Answer, ProviderName, doc
from imagegen_http.service import Service

Status = Annotated[Literal["ok", "degraded", "stopping"], doc("how it is", "ok")]


class QueueHealth(Answer, frozen=True, kw_only=True):
    """The queue."""

    pending: Annotated[int, doc("tasks that wait", 0)]
    processing: Annotated[int, doc("tasks that run", 1)]
    workers: Annotated[int, doc("tasks that can run at once", 32)]
    size: Annotated[int, doc("tasks that can wait", 1000)]


class ArchiveHealth(Answer, frozen=True, kw_only=True):
    """The second tier."""

    status: Annotated[Literal["ok", "failing"], doc("how it is", "ok")]
    uploads: Annotated[int, doc("uploads that wait", 0)]
    removals: Annotated[int, doc("removals that wait", 0)]
    failing: Annotated[int, doc("those of them that failed last time", 0)]
    last_error: Annotated[str | None, doc("why the last of them failed", None)]


class NodeHealth(Answer, frozen=True, kw_only=True):
    """A node that has not left; one that has died is shown for a day."""

    name: Annotated[str, doc("by which it owns its tasks", "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a")]
    roles: Annotated[list[Annotated[str, doc("`api` or `worker`", "api")]], doc("what it does")]
    version: Annotated[str, doc("version of its program", "1.0.0")]
    silent_seconds: Annotated[float, doc("since it was last heard", 2.5)]
    alive: Annotated[bool, doc("whether it was heard in `cluster.dead_after_seconds`", example=True)]


class ProviderCalls(Answer, frozen=True, kw_only=True):
    """The calls in flight to a provider that takes a limited number."""

    provider: ProviderName
    calls: Annotated[int, doc("from all nodes together", 4)]


class ClusterHealth(Answer, frozen=True, kw_only=True):
    """The nodes on one database."""

    node: Annotated[str, doc("the node that answers", "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a")]
    nodes: Annotated[list[NodeHealth], doc("all that have not left")]
    turn: Annotated[str | None, doc("the node that maintains the stores now", None)]
    calls: Annotated[list[ProviderCalls], doc("calls in flight")]
    oldest_pending_seconds: Annotated[float | None, doc("how long a task has waited that could run", 0.25)]


class Checks(Answer, frozen=True, kw_only=True):
    """The parts that the service stands on."""

    database: Annotated[Literal["ok", "failed"], doc("the database", "ok")]
    storage: Annotated[Literal["ok", "disk_full"], doc("room for images", "ok")]
    queue: Annotated[QueueHealth, doc("the queue")]
    disk_free_bytes: Annotated[int, doc("what is free on the disk of the data", 52_000_000_000)]
    keys: Annotated[Literal["ok", "locked"], doc("`locked` when the master key is missing or wrong", "ok")]
    oss: Annotated[ArchiveHealth | UnsetType, doc("the second tier, where it is OSS")] = UNSET
    s3: Annotated[ArchiveHealth | UnsetType, doc("the second tier, where it is S3")] = UNSET
    cluster: Annotated[ClusterHealth | UnsetType, doc("all nodes, where `database` is set")] = UNSET


class Health(Answer, frozen=True, kw_only=True):
    """What the service stands on."""

    status: Status
    version: Annotated[str, doc("version of the service", "1.0.0")]
    uptime_seconds: Annotated[float, doc("since its start", 3600.125)]
    checks: Annotated[Checks, doc("its parts")]


class Liveness(Answer, frozen=True, kw_only=True):
    """Whether the process, or the service, can do its work."""

    status: Status


# ---------------------------------------------------------------- the report

_COUNTED = TaskStatus.PENDING, TaskStatus.PROCESSING


async def health_of(service: Service) -> Health:
    """Check what the service depends on, cheaply enough for a request every second.

    The cluster and the archive's backlog are read from the database, so they are missing while it is down.
    """
    settings, parts, store = service.settings, service.imagegen.parts, service.store
    is_healthy, counts = store.is_healthy(), dict.fromkeys(_COUNTED, 0)
    archive: ArchiveHealth | UnsetType = UNSET
    cluster: ClusterHealth | UnsetType = UNSET
    try:
        counts = {**await parts.tasks.counts(_COUNTED)}
        if settings.storage.archive_name is not None:
            archive = await _archive(service)
        if store.activity is not None:
            cluster = _cluster(await store.activity(), service)
    except StorageError:
        is_healthy = False
    checks = Checks(
        database="ok" if is_healthy else "failed",
        storage="ok" if parts.has_room() else "disk_full",
        queue=QueueHealth(
            pending=counts[TaskStatus.PENDING],
            processing=counts[TaskStatus.PROCESSING],
            workers=settings.queue.workers,
            size=settings.queue.size,
        ),
        disk_free_bytes=service.free_bytes(),
        keys="locked" if parts.box.locked else "ok",
        oss=archive if settings.storage.oss is not None else UNSET,
        s3=archive if settings.storage.s3 is not None else UNSET,
        cluster=cluster,
    )
    is_healthy = can_accept_tasks(checks) and checks.keys == "ok"
    return Health(
        status="stopping" if service.stopping.is_set() else "ok" if is_healthy else "degraded",
        version=service.version,
        uptime_seconds=round(parts.clock.monotonic() - service.started_at, 3),
        checks=checks,
    )


def can_accept_tasks(checks: Checks) -> bool:
    return checks.database == "ok" and checks.storage == "ok"


async def _archive(service: Service) -> ArchiveHealth:
    """Report on the archive, without sending a request."""
    counts, error = await service.imagegen.parts.outbox.counts(), service.maintenance.expiry_error
    return ArchiveHealth.from_attributes(
        counts, status="failing" if counts.failing or error else "ok", last_error=counts.last_error or error
    )


def _cluster(activity: Any, service: Service) -> ClusterHealth:
    limit = service.settings.cluster.dead_after_seconds
    nodes = [
        NodeHealth.from_attributes(
            node, silent_seconds=round(node.silent_seconds, 3), alive=node.silent_seconds < limit
        )
        for node in activity.nodes
    ]
    calls = [ProviderCalls(provider=name, calls=calls) for name, calls in activity.calls.items()]
    return ClusterHealth.from_attributes(activity, node=service.imagegen.owner, nodes=nodes, calls=calls)
