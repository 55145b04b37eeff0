"""Manual maintenance of the stores and the search index."""

from typing import Any, cast

import attrs
from litestar import Request, get, post
from litestar.params import JSONBody

from imagegen_http.answers.envelope import Success, success
from imagegen_http.answers.fields import optional_timestamp
from imagegen_http.answers.responses import BODY_REFUSALS, refusals
from imagegen_http.answers.storage import (
    ExpiryReport,
    ReindexReport,
    SearchIndexReport,
    StorageFinding,
    StoragePass,
    SyncReport,
    VerifyReport,
)
from imagegen_http.api.bodies.storage import StorageBody, VerifyBody
from imagegen_http.api.empty_body import without_fields
from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.asgi.disconnects import unless_disconnected
from imagegen_http.asgi.request_context import optional_text
from imagegen_http.asgi.types import Receive

_REFUSALS = refusals(*BODY_REFUSALS, "unavailable")


@get("/api/v1/storage", tags=["storage"], responses=refusals())
async def show_pass(service: ServiceDependency) -> Success[StoragePass]:
    """Show the progress of the manual pass.

    The passes below run by themselves as well; this shows the one that was asked for by hand.
    """
    running = service.maintenance.manual_pass
    if running is None:
        return success(StoragePass(name=None, done=None, total=None))
    return success(StoragePass(name=running.name, done=running.done, total=running.total))


@post("/api/v1/storage/sync", status_code=200, tags=["storage"], responses=_REFUSALS)
async def sync_storage(
    data: JSONBody[StorageBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> Success[SyncReport]:
    """Carry out all pending uploads to OSS and removals, including deferred ones.

    The answer comes at the end. Without OSS there is nothing to upload. `dry_run` only counts.
    """
    work = service.maintenance.sync_now(dry_run=data.dry_run)
    summary = await unless_disconnected(_receive(request), work)
    totals = attrs.asdict(summary, recurse=False) | {
        "last_error": optional_text(summary.last_error),
        "next_due": optional_timestamp(summary.next_due),
    }
    return success(SyncReport(dry_run=data.dry_run, **totals))


@post("/api/v1/storage/expire", status_code=200, tags=["storage"], responses=_REFUSALS)
async def expire_storage(
    data: JSONBody[StorageBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> Success[ExpiryReport]:
    """Remove local files older than `retention_days` that OSS has proved to hold.

    No file goes that is nowhere else, so without OSS none does. `dry_run` only counts.
    """
    work = service.maintenance.expire_now(dry_run=data.dry_run)
    summary = await unless_disconnected(_receive(request), work)
    totals = attrs.asdict(summary, recurse=False) | {"last_error": optional_text(summary.last_error)}
    return success(ExpiryReport(dry_run=data.dry_run, **totals))


@post("/api/v1/storage/verify", status_code=200, tags=["storage"], responses=_REFUSALS)
async def verify_storage(
    data: JSONBody[VerifyBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> Success[VerifyReport]:
    """Compare every record with the stores, and repair what can be repaired.

    A missing file is fetched from OSS, a missing object is uploaded. `dry_run` only reports.
    """
    work = service.maintenance.verify_now(checksums=data.checksums, dry_run=data.dry_run)
    report = await unless_disconnected(_receive(request), work)
    totals = attrs.asdict(report, recurse=False) | {"archive_error": optional_text(report.archive_error)}
    findings = [StorageFinding(**attrs.asdict(finding)) for finding in totals.pop("findings")]
    return success(VerifyReport(dry_run=data.dry_run, **totals, findings=findings))


@get("/api/v1/search/index", tags=["storage"], responses=refusals())
async def show_index(service: ServiceDependency) -> Success[SearchIndexReport]:
    """Show whether the search index is up to date, and the progress of a rebuild.

    While it is `stale` or `missing`, searches do not find everything; a rebuild mends that.
    """
    return success(SearchIndexReport(**attrs.asdict(await service.search_index.report())))


@post(
    "/api/v1/search/reindex",
    status_code=200,
    tags=["storage"],
    guards=[without_fields],
    responses=refusals("unavailable", *BODY_REFUSALS),
)
async def reindex(service: ServiceDependency) -> Success[ReindexReport]:
    """Rebuild the search index while searches go on; the response comes when it is done.

    It is needed when the index is `stale` or `missing`, and refused with `unavailable` while one runs
    already.
    """
    last = await service.search_index.reindex()
    return success(ReindexReport(state=await service.search_index.read_state(), last_id=last))


HANDLERS = [show_pass, sync_storage, expire_storage, verify_storage, show_index, reindex]


def _receive(request: Request[Any, Any, Any]) -> Receive:
    return cast("Receive", request.receive)  # plain ASGI, for which Litestar has types of its own
