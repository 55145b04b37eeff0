"""Maintenance and reindexing by hand, the effective settings, and health."""

from collections.abc import Coroutine
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, cast

import attrs
import msgspec
from litestar import Request, Response, route
from litestar.params import JSONBody
from msgspec import UNSET, Meta, UnsetType

from imagegen_core.config import PROVIDER_NAME_PATTERN
from imagegen_core.errors import StorageError
from imagegen_core.services.verify import FindingKind
from imagegen_core.task import TaskStatus
from imagegen_http.api.errors import READ, get, patch, post, response
from imagegen_http.api.requests import ServiceDependency, without_fields
from imagegen_http.api.responses import JsonResponse, Success, success
from imagegen_http.guard.asgi import Receive
from imagegen_http.guard.delivery import unless_disconnected
from imagegen_http.running_server import CHALLENGE_HEADER, PROOF_HEADER
from imagegen_http.schemas import Answer, Body, JsonObject, ProviderName, Scalar, Time, doc
from imagegen_http.service import Service
from imagegen_http.settings.schema import Origin, effective_settings

T = TypeVar("T")
DryRun = Annotated[bool, doc("whether nothing was changed, only counted", example=False)]
_SOURCE = "`environment`: a variable, or an option of `serve`; `database`: saved through the API"
Unreachable = Annotated[bool, doc("whether it stopped because OSS does not answer", example=False)]


class StoragePass(Answer, frozen=True, kw_only=True):
    """How far the pass is that was asked for by hand; all null when none runs."""

    name: Annotated[
        Annotated[str, doc("name of a pass", "verify", enum=["sync", "expire", "verify"])] | None,
        doc("which of them runs"),
    ] = msgspec.field(name="pass")
    done: Annotated[int | None, doc("images that it has dealt with", 120)]
    total: Annotated[int | None, doc("images in all; null while nobody knows", 4000)]


class SyncReport(Answer, frozen=True, kw_only=True):
    """What became of the uploads and removals that waited."""

    dry_run: DryRun
    uploaded: Annotated[int, doc("objects uploaded to OSS", 3)]
    uploaded_bytes: Annotated[int, doc("bytes of them", 169035)]
    removed: Annotated[int, doc("objects and files removed", 1)]
    failed: Annotated[int, doc("what is tried again later", 0)]
    unreachable: Unreachable
    last_error: Annotated[str | None, doc("why the last of them failed", None)]
    next_due: Annotated[Time | None, doc("when something is tried again", None)]


class ExpiryReport(Answer, frozen=True, kw_only=True):
    """What became of the local files that are old enough to go."""

    dry_run: DryRun
    expired: Annotated[int, doc("local files removed", 12)]
    freed_bytes: Annotated[int, doc("bytes of them", 676140)]
    retained: Annotated[int, doc("old files that OSS has not proved to hold", 0)] = msgspec.field(name="kept")
    unreachable: Unreachable
    last_error: Annotated[str | None, doc("why something stays that will not be put right by itself", None)]


class StorageFinding(Answer, frozen=True, kw_only=True):
    """One thing that is wrong in the stores."""

    kind: Annotated[FindingKind, doc("what is wrong", "local_missing")]
    key: Annotated[str, doc("key of the blob", "2026/11/24/7.png")]
    image_id: Annotated[int | None, doc("id of its image; null without a record", 7)]
    mended: Annotated[bool, doc("whether it is right again", example=True)]


class VerifyReport(Answer, frozen=True, kw_only=True):
    """How the records and the stores agree."""

    dry_run: DryRun
    images: Annotated[int, doc("images that were looked at", 4000)] = msgspec.field(name="pictures")
    blobs: Annotated[int, doc("blobs that were looked at", 8000)]
    wrong: Annotated[int, doc("findings in all", 1)]
    mended: Annotated[int, doc("findings that are right again", 1)]
    archive_checked: Annotated[bool, doc("whether OSS was asked, and answered to the end", example=True)]
    orphans: Annotated[int, doc("blobs without a record", 0)]
    archive_error: Annotated[str | None, doc("why OSS was not checked", None)]
    findings: Annotated[list[StorageFinding], doc("the first 1000 of them")]


IndexState = Annotated[
    str, doc("whether searches find what they should", "current", enum=["current", "stale", "missing"])
]


class SearchIndexReport(Answer, frozen=True, kw_only=True):
    """How the search index is."""

    state: IndexState
    reached: Annotated[
        int | None, doc("id of the image that a rebuild has reached; null when none runs", None)
    ]
    until: Annotated[int | None, doc("id of the last image that it has to reach", None)]


class ReindexReport(Answer, frozen=True, kw_only=True):
    """How the search index is after it was made again."""

    state: IndexState
    last_id: Annotated[int, doc("id of the last image in it", 4000)]


class Setting(Answer, frozen=True, kw_only=True):
    """One setting, its value masked if it is a secret."""

    key: Annotated[str, doc("its path in `config.yaml`", "queue.workers")]
    value: Annotated[
        Scalar | list[Scalar | JsonObject] | JsonObject | None,
        doc("what holds: a number, a text, a list or a mapping; secrets are `****`", 32),
    ]
    source: Annotated[Origin, doc(_SOURCE, "default")]


class SettingsBody(Body, frozen=True, kw_only=True):
    """The setting that can be saved."""

    default_provider: Annotated[
        Annotated[str, Meta(pattern=f"^{PROVIDER_NAME_PATTERN}$")] | None,
        doc("where a task goes that names no provider; null: as `config.yaml` says", "demo"),
    ]


class StorageBody(Body, frozen=True, kw_only=True):
    """Something to do to the stores; in a dry run, nothing is changed."""

    dry_run: Annotated[bool, doc("count only, and change nothing", example=True)] = False


class VerifyBody(StorageBody, frozen=True, kw_only=True):
    """What to compare in the stores, and whether to put it right."""

    checksums: Annotated[
        bool, doc("read every local file whole; else only sizes are compared", example=True)
    ] = True


@get("/api/v1/storage", "storage")
async def show_pass(service: ServiceDependency) -> Success[StoragePass]:
    """Show the progress of the manual pass.

    The passes below run by themselves as well; this shows the one that was asked for by hand.
    """
    running = service.maintenance.manual_pass
    if running is None:
        return success(StoragePass(name=None, done=None, total=None))
    return success(StoragePass.from_attributes(running))


async def _awaited(request: Request[Any, Any, Any], work: Coroutine[Any, Any, T]) -> T:
    return await unless_disconnected(cast("Receive", request.receive), work)


@post("/api/v1/storage/sync", "storage", "unavailable")
async def sync_storage(
    data: JSONBody[StorageBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> Success[SyncReport]:
    """Carry out all pending uploads to OSS and removals, including deferred ones.

    The answer comes at the end. Without OSS there is nothing to upload. `dry_run` only counts.
    """
    summary = await _awaited(request, service.maintenance.sync_now(dry_run=data.dry_run))
    return success(SyncReport.from_attributes(summary, dry_run=data.dry_run))


@post("/api/v1/storage/expire", "storage", "unavailable")
async def expire_storage(
    data: JSONBody[StorageBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> Success[ExpiryReport]:
    """Remove local files older than `retention_days` that OSS has proved to hold.

    No file goes that is nowhere else, so without OSS none does. `dry_run` only counts.
    """
    summary = await _awaited(request, service.maintenance.expire_now(dry_run=data.dry_run))
    return success(ExpiryReport.from_attributes(summary, dry_run=data.dry_run))


@post("/api/v1/storage/verify", "storage", "unavailable")
async def verify_storage(
    data: JSONBody[VerifyBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> Success[VerifyReport]:
    """Compare every record with the stores, and repair what can be repaired.

    A missing file is fetched from OSS, a missing object is uploaded. `dry_run` only reports.
    """
    report = await _awaited(
        request, service.maintenance.verify_now(checksums=data.checksums, dry_run=data.dry_run)
    )
    findings = [StorageFinding.from_attributes(finding) for finding in report.findings]
    return success(VerifyReport.from_attributes(report, dry_run=data.dry_run, findings=findings))


@get("/api/v1/search/index", "storage")
async def show_index(service: ServiceDependency) -> Success[SearchIndexReport]:
    """Show whether the search index is up to date, and the progress of a rebuild.

    While it is `stale` or `missing`, searches do not find everything; a rebuild mends that.
    """
    reached, until = service.search_index.progress or (None, None)
    return success(SearchIndexReport(state=await service.store.index_state(), reached=reached, until=until))


@post("/api/v1/search/reindex", "storage", "unavailable", guards=[without_fields])
async def reindex(service: ServiceDependency) -> Success[ReindexReport]:
    """Rebuild the search index while searches go on; the response comes when it is done.

    It is needed when the index is `stale` or `missing`, and refused with `unavailable` while one runs
    already.
    """
    last = await service.search_index.reindex()
    return success(ReindexReport(state=await service.store.index_state(), last_id=last))


@get("/api/v1/settings", "settings")
async def list_settings(service: ServiceDependency) -> Success[list[Setting]]:
    """List the settings that hold now, secrets masked, each with its source.

    A source is the default, `config.yaml`, an environment variable, an option of `serve`, or what was saved
    here.
    """
    return await _settings(service)


@patch(
    "/api/v1/settings",
    "settings",
    "provider_not_configured",
    "provider_disabled",
    "api_key_required",
    "unavailable",
)
async def change_settings(data: JSONBody[SettingsBody], service: ServiceDependency) -> Success[list[Setting]]:
    """Save the provider that tasks go to which name none.

    It counts more than `config.yaml` and its variable, holds at once and on all nodes, and must be one that a
    task could be sent to now.
    """
    resolve = service.imagegen.resolve
    if data.default_provider is not None:
        await resolve(provider_name=data.default_provider)
    await resolve.configs.set_default(data.default_provider)
    return await _settings(service)


async def _settings(service: Service) -> Success[list[Setting]]:
    resolve, settings, origins = service.imagegen.resolve, service.settings, service.origins
    default = await resolve.configs.default()
    if default is not None:
        settings = attrs.evolve(settings, default_provider=default)
        origins = {**origins, "default_provider": Origin.DATABASE}
    effective = effective_settings(
        settings, origins, configured=resolve.file_configs, saved=await resolve.configs.all()
    )
    return success([Setting.from_attributes(setting, source=setting.origin) for setting in effective])


# ---------------------------------------------------------------- health

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


_NO_STORE = {"Cache-Control": "no-store"}
_health_route = partial(route, http_method=READ, tags=["health"])


@_health_route("/health", responses={503: response(Health, "degraded, or stopping")})
async def health(service: ServiceDependency) -> Response[Health]:
    """Report the state of the service; 503 when it is degraded or stopping.

    With the parts that it stands on: database, disk, queue, keys, and the archive where there is one.
    """
    report = await health_of(service)
    return JsonResponse(report, status_code=200 if report.status == "ok" else 503, headers=_NO_STORE)


@_health_route("/health/live")
async def live(service: ServiceDependency, request: Request[Any, Any, Any]) -> Response[Liveness]:
    """Report that the process responds.

    For supervisors that restart what hangs.
    """
    headers, challenge = dict(_NO_STORE), request.headers.get(CHALLENGE_HEADER)
    if challenge is not None and service.running_server is not None:
        headers[PROOF_HEADER] = service.running_server.proof(challenge)
    return JsonResponse(Liveness(status="ok"), headers=headers)


@_health_route("/health/ready", responses={503: response(Liveness, "no new tasks are accepted")})
async def ready(service: ServiceDependency) -> Response[Liveness]:
    """Report whether new tasks are accepted; locked keys only affect tasks of providers that have one.

    For load balancers; 503 while the disk is full, the database is away, or the service stops.
    """
    report = await health_of(service)
    is_ready = report.status != "stopping" and can_accept_tasks(report.checks)
    status = "ok" if is_ready else report.status
    return JsonResponse(Liveness(status=status), status_code=200 if is_ready else 503, headers=_NO_STORE)
