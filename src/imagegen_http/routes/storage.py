"""The stores and the search index: what runs beside the tasks, by hand."""

from typing import Any

import attrs
from litestar import get, post
from litestar.params import JSONBody

from imagegen_http import render
from imagegen_http.routes.dependencies import ServiceDependency
from imagegen_http.wire import StorageBody, VerifyBody


@post("/api/v1/storage/sync", status_code=200, tags=["storage"])
async def sync_storage(data: JSONBody[StorageBody], service: ServiceDependency) -> dict[str, Any]:
    """Carry out all uploads to OSS and all removals that wait, also those that were put off."""
    summary = await service.maintenance.sync_now(dry_run=data.dry_run)
    told = attrs.asdict(summary) | {"next_due": render.timestamp(summary.next_due)}
    return render.success({"dry_run": data.dry_run, **told})


@post("/api/v1/storage/expire", status_code=200, tags=["storage"])
async def expire_storage(data: JSONBody[StorageBody], service: ServiceDependency) -> dict[str, Any]:
    """Remove local files older than `retention_days` that OSS has proved to hold."""
    summary = await service.maintenance.expire_now(dry_run=data.dry_run)
    return render.success({"dry_run": data.dry_run, **attrs.asdict(summary)})


@post("/api/v1/storage/verify", status_code=200, tags=["storage"])
async def verify_storage(data: JSONBody[VerifyBody], service: ServiceDependency) -> dict[str, Any]:
    """Compare every record with the stores, and mend what can be mended."""
    report = await service.maintenance.verify_now(checksums=data.checksums, dry_run=data.dry_run)
    findings = [attrs.asdict(f) | {"kind": str(f.kind)} for f in report.findings]
    return render.success({"dry_run": data.dry_run, **attrs.asdict(report), "findings": findings})


@get("/api/v1/search/index", tags=["storage"])
async def show_index(service: ServiceDependency) -> dict[str, Any]:
    """See whether searches find what they should, and how far a reindexing is."""
    return render.success(attrs.asdict(await service.search_index.report()))


@post("/api/v1/search/reindex", status_code=200, tags=["storage"])
async def reindex(service: ServiceDependency) -> dict[str, Any]:
    """Index all prompts anew while searches go on; answers when it is done."""
    last = await service.search_index.reindex()
    return render.success({"state": await service.search_index.look(), "last_id": last})


HANDLERS = [sync_storage, expire_storage, verify_storage, show_index, reindex]
