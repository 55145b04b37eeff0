"""Manual maintenance of the stores and the search index."""

from typing import Any, cast

import attrs
from litestar import Request, get, post
from litestar.params import JSONBody

from imagegen_http.api import render
from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.api.wire import StorageBody, VerifyBody
from imagegen_http.asgi.disconnects import unless_disconnected
from imagegen_http.asgi.types import Receive


@get("/api/v1/storage", tags=["storage"])
async def show_pass(service: ServiceDependency) -> dict[str, Any]:
    """Show the progress of the manual pass."""
    running = service.maintenance.manual_pass
    if running is None:
        return render.success({"pass": None, "done": None, "total": None})
    return render.success({"pass": running.name, "done": running.done, "total": running.total})


@post("/api/v1/storage/sync", status_code=200, tags=["storage"])
async def sync_storage(
    data: JSONBody[StorageBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> dict[str, Any]:
    """Carry out all pending uploads to OSS and removals, including deferred ones."""
    work = service.maintenance.sync_now(dry_run=data.dry_run)
    summary = await unless_disconnected(_receive(request), work)
    totals = attrs.asdict(summary) | {"next_due": render.timestamp(summary.next_due)}
    return render.success({"dry_run": data.dry_run, **totals})


@post("/api/v1/storage/expire", status_code=200, tags=["storage"])
async def expire_storage(
    data: JSONBody[StorageBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> dict[str, Any]:
    """Remove local files older than `retention_days` that OSS has proved to hold."""
    work = service.maintenance.expire_now(dry_run=data.dry_run)
    summary = await unless_disconnected(_receive(request), work)
    return render.success({"dry_run": data.dry_run, **_api_fields(summary)})


@post("/api/v1/storage/verify", status_code=200, tags=["storage"])
async def verify_storage(
    data: JSONBody[VerifyBody], service: ServiceDependency, request: Request[Any, Any, Any]
) -> dict[str, Any]:
    """Compare every record with the stores, and repair what can be repaired."""
    work = service.maintenance.verify_now(checksums=data.checksums, dry_run=data.dry_run)
    report = await unless_disconnected(_receive(request), work)
    findings = [attrs.asdict(f) | {"kind": str(f.kind)} for f in report.findings]
    return render.success({"dry_run": data.dry_run, **_api_fields(report), "findings": findings})


@get("/api/v1/search/index", tags=["storage"])
async def show_index(service: ServiceDependency) -> dict[str, Any]:
    """Show whether the search index is up to date, and the progress of a rebuild."""
    return render.success(attrs.asdict(await service.search_index.report()))


@post("/api/v1/search/reindex", status_code=200, tags=["storage"])
async def reindex(service: ServiceDependency) -> dict[str, Any]:
    """Rebuild the search index while searches go on; the response comes when it is done."""
    last = await service.search_index.reindex()
    return render.success({"state": await service.search_index.read_state(), "last_id": last})


HANDLERS = [show_pass, sync_storage, expire_storage, verify_storage, show_index, reindex]


def _receive(request: Request[Any, Any, Any]) -> Receive:
    return cast("Receive", request.receive)  # plain ASGI, for which Litestar has types of its own


_API_NAMES = {"images": "pictures", "retained": "kept"}
"""Fields that the API names differently than the core does."""


def _api_fields(value: Any) -> dict[str, Any]:
    return {_API_NAMES.get(name, name): item for name, item in attrs.asdict(value).items()}
