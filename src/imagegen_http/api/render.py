"""What answers look like."""

from datetime import UTC, datetime
from typing import Any

from imagegen_core.failures import Failure
from imagegen_core.images import Image
from imagegen_core.messages import Language
from imagegen_core.providers.capabilities import LifecycleStatus, Model
from imagegen_core.providers.config import masked_extra
from imagegen_core.search.pages import Page
from imagegen_core.tasks.task import Task, TaskStatus
from imagegen_core.use_cases.resolve_provider import ResolvedProvider
from imagegen_core.use_cases.show_task import TaskView
from imagegen_http.asgi import request_context
from imagegen_http.problems.error_table import FAILURES


def success(data: Any) -> dict[str, Any]:
    """Return the envelope of an answer without an error."""
    return {"code": 0, "message": "success", "data": data}


def timestamp(at: datetime | None) -> str | None:
    """Return UTC with milliseconds, such as ``2026-11-24T08:00:00.000Z``."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def task_urls(task_id: str) -> dict[str, str]:
    """Return where a task can be seen, followed and cancelled."""
    base = f"/api/v1/tasks/{task_id}"
    return {"self": base, "events": f"{base}/events", "cancel": f"{base}/cancel"}


def accepted(task: Task) -> dict[str, Any]:
    """Return what a 202 says of a task."""
    return {"task_id": task.task_id, "status": str(task.status), "urls": task_urls(task.task_id)}


def task(view: TaskView, *, english: bool) -> dict[str, Any]:
    """Return a task in full."""
    told, language = view.task, _language(english=english)
    images = [image(i) for i in view.images]
    return {
        "task_id": told.task_id,
        "operation": str(told.request.operation),
        "status": str(told.status),
        "provider": told.provider_name,
        "model_id": told.model_id,
        "prompt": told.request.prompt,
        "params": dict(told.request.params),
        "progress": _progress(told),
        "queue_position": view.queue_position,
        "attempts": told.attempts,
        "created_at": timestamp(told.created_at),
        "started_at": timestamp(told.started_at),
        "completed_at": timestamp(told.completed_at),
        "image_url": images[0]["image_url"] if images else None,
        "images": images,
        "warnings": [warning.text(language) for warning in told.warnings],
        "error": None if told.failure is None else failure(told.failure, english=english),
        "config_snapshot": dict(told.config_snapshot),
        "cancel_requested": told.cancel_requested,
        "retry_of": told.retry_of,
        "urls": task_urls(told.task_id),
    }


def _language(*, english: bool) -> Language:
    return Language.EN if english else Language.ZH


def _progress(told: Task) -> float:
    return 1.0 if told.status is TaskStatus.COMPLETED else told.progress or 0.0


def failure(told: Failure, *, english: bool) -> dict[str, Any]:
    """Return why a task failed: what its code means, then the reason, perhaps the provider's own words."""
    zh, en = FAILURES[told.code]
    head, colon = (en, ": ") if english else (zh, "：")
    reason = told.reason.text(_language(english=english))
    return {
        "code": str(told.code),
        "message": f"{head}{colon}{reason}" if reason else head,
        "retryable": told.retryable,
        "possible_charge": told.possible_charge,
        "upstream_status": told.upstream_status,
        "upstream_code": told.upstream_code,
    }


def image(told: Image) -> dict[str, Any]:
    """Return the record of an image."""
    base = f"/api/v1/images/{told.id}"
    return {
        "id": told.id,
        "task_id": told.task_id,
        "operation": str(told.operation),
        "prompt": told.prompt,
        "provider": told.provider_name,
        "model_id": told.model_id,
        "params": dict(told.params),
        "image_url": f"{base}/content",
        "thumbnail_url": f"{base}/thumbnail",
        "mime_type": str(told.mime_type),
        "width": told.width,
        "height": told.height,
        "size_bytes": told.size_bytes,
        "sha256": told.sha256,
        "storage": str(told.storage),
        "metadata": dict(told.metadata),
        "created_at": timestamp(told.created_at),
    }


def page(told: Page[Any], items: list[Any], *, number: int, size: int, cursor: str | None) -> dict[str, Any]:
    """Return the shape that all lists have."""
    return {
        "items": items,
        "page": number,
        "page_size": size,
        "total": told.total,
        "total_is_exact": told.total_is_exact,
        "has_more": told.has_more,
        "next_cursor": cursor if told.has_more else None,
    }


def model(told: Model) -> dict[str, Any]:
    """Return a model with what it can do."""
    return {
        "id": told.id,
        "name": told.name or told.id,
        "default": told.default,
        "capabilities": [str(o) for o in told.operations],
        "limits": {
            "max_num": told.max_num,
            "max_references": told.max_references,
            "prompt_chars": told.prompt_chars,
        },
        "parameters": [_parameter(p) for p in told.parameters],
        "accepts_extras": told.accepts_extras,
        "lifecycle": None
        if told.lifecycle.status is LifecycleStatus.ACTIVE
        else {
            "status": str(told.lifecycle.status),
            "date": told.lifecycle.date,
            "replacement": told.lifecycle.replacement,
        },
    }


def _parameter(told: Any) -> dict[str, Any]:
    said = {
        "name": told.name,
        "type": told.type,
        "enum": list(told.enum) or None,
        "minimum": told.minimum,
        "maximum": told.maximum,
        "multiple_of": told.multiple_of,
        "default": told.default,
        "description": told.description or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def provider(told: ResolvedProvider) -> dict[str, Any]:
    """Return what a client can use of a provider."""
    config = told.config
    return {
        "name": config.provider_name,
        "kind": config.kind,
        "display_name": config.display_name or config.provider_name,
        "models": [model(m) for m in told.profile.models],
    }


def provider_config(told: ResolvedProvider) -> dict[str, Any]:
    """Return a configuration with its secrets masked."""
    config = told.config
    return {
        "provider_name": config.provider_name,
        "kind": config.kind,
        "display_name": config.display_name or config.provider_name,
        "api_base": config.api_base,
        "api_key": None if config.api_key is None else config.api_key.masked,
        "has_api_key": config.api_key is not None,
        "models": [model(m) for m in told.profile.models],
        "enabled": config.is_enabled,
        "timeout_seconds": config.timeout,
        "max_retries": config.retries,
        "extra_config": masked_extra(config.extra_config),
        "source": str(config.source),
        "warnings": [request_context.text(warning) for warning in told.warnings],
        "created_at": timestamp(config.created_at),
        "updated_at": timestamp(config.updated_at),
    }
