"""Providers: list, configure, test."""

from typing import Any

from litestar import delete, get, patch, post
from litestar.params import JSONBody
from msgspec import UNSET

from imagegen_core.errors import ProviderConfigNotFound, ValidationFailed
from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.operations import Operation
from imagegen_core.problems import ProblemCode
from imagegen_core.providers.config import ModelEntry
from imagegen_http.api import render
from imagegen_http.api.routes.dependencies import PageQuery, PageSizeQuery, ProviderPath, ServiceDependency
from imagegen_http.api.wire import ModelBody, ProviderConfigBody, ToggleBody
from imagegen_http.asgi import request_context

_NO_SETTINGS = frozenset({"provider_name", "has_api_key", "source", "warnings", "created_at", "updated_at"})
"""Fields of a body that are not settings: the provider's name, and what a response shows beside them."""


@get("/api/v1/providers", tags=["providers"])
async def list_providers(service: ServiceDependency) -> dict[str, Any]:
    """List what tasks can be sent to now, and the presets that only need a key."""
    usable = await service.imagegen.list_providers.usable()
    data = {
        "providers": [render.provider(resolved) for resolved in usable],
        "presets": service.presets(),
        "default_provider": service.settings.default_provider,
    }
    return render.success(data)


@get("/api/v1/providers/config", tags=["providers"])
async def list_configs(
    service: ServiceDependency, page: PageQuery = 1, page_size: PageSizeQuery = DEFAULT_PAGE_SIZE
) -> dict[str, Any]:
    """List all configurations, by name."""
    configs = await service.imagegen.list_providers.configured()
    start = (page - 1) * page_size
    data = {
        "items": [render.provider_config(c) for c in configs[start : start + page_size]],
        "page": page,
        "page_size": page_size,
        "total": len(configs),
        "total_is_exact": True,
        "has_more": start + page_size < len(configs),
        "next_cursor": None,
    }
    return render.success(data)


@post("/api/v1/providers/config", status_code=200, tags=["providers"])
async def save_config(data: JSONBody[ProviderConfigBody], service: ServiceDependency) -> dict[str, Any]:
    """Create or change a provider's configuration."""
    changes = {
        name: value
        for name in data.__struct_fields__
        if name not in _NO_SETTINGS and (value := getattr(data, name)) is not UNSET
    }
    if changes.get("models") is not None:
        changes["models"] = _models(changes["models"])
    changes["extra_config"] = changes["extra_config"] or {} if "extra_config" in changes else None
    if changes["extra_config"] is None:
        del changes["extra_config"]
    await service.imagegen.save_provider(provider_name=data.provider_name, changes=changes)
    return render.success(
        render.provider_config(await service.imagegen.list_providers.get(data.provider_name))
    )


@get("/api/v1/providers/config/{provider_name:str}", tags=["providers"])
async def get_config(provider_name: ProviderPath, service: ServiceDependency) -> dict[str, Any]:
    """Show a provider's configuration, secrets masked."""
    return render.success(render.provider_config(await service.imagegen.list_providers.get(provider_name)))


@delete("/api/v1/providers/config/{provider_name:str}", status_code=200, tags=["providers"])
async def delete_config(provider_name: ProviderPath, service: ServiceDependency) -> dict[str, Any]:
    """Remove a saved configuration; the history of its tasks stays."""
    await service.imagegen.adapters.configs.delete(provider_name)
    return render.success(None)


@patch("/api/v1/providers/config/{provider_name:str}/toggle", tags=["providers"])
async def toggle_config(
    provider_name: ProviderPath, data: JSONBody[ToggleBody], service: ServiceDependency
) -> dict[str, Any]:
    """Switch a saved provider on or off."""
    await service.imagegen.toggle_provider(provider_name=provider_name, enabled=data.enabled)
    return render.success(render.provider_config(await service.imagegen.list_providers.get(provider_name)))


@post("/api/v1/providers/config/{provider_name:str}/test", status_code=200, tags=["providers"])
async def probe_config(provider_name: ProviderPath, service: ServiceDependency) -> dict[str, Any]:
    """Make one cheap, unpaid call, where the provider has one."""
    names = {r.config.provider_name for r in await service.imagegen.list_providers.configured()}
    if provider_name not in names:
        raise ProviderConfigNotFound(provider_name)
    clock = service.imagegen.adapters.clock
    started = clock.monotonic()
    probe = await service.imagegen.probe_provider(provider_name=provider_name)
    milliseconds = round((clock.monotonic() - started) * 1000)
    outcome = {"ok": probe.ok, "outcome": str(probe.outcome), "detail": request_context.text(probe.detail)}
    return render.success({**outcome, "latency_ms": milliseconds})


HANDLERS = [
    list_providers,
    list_configs,
    save_config,
    get_config,
    delete_config,
    toggle_config,
    probe_config,
]


def _models(bodies: list[ModelBody]) -> tuple[ModelEntry, ...]:
    """Return the models of a body.

    Raises:
        ValidationFailed: one is named twice, two are the default, or an operation is unknown.
    """
    entries: list[ModelEntry] = []
    for index, body in enumerate(bodies):
        if any(body.id == entry.id for entry in entries):
            raise ValidationFailed.for_field(f"models.{index}.id", ProblemCode.DUPLICATE())
        if body.default and any(entry.default for entry in entries):
            raise ValidationFailed.for_field(f"models.{index}.default", ProblemCode.SECOND_DEFAULT())
        entries.append(
            ModelEntry(
                id=body.id, name=body.name, default=body.default, capabilities=_operations(index, body)
            )
        )
    return tuple(entries)


def _operations(index: int, body: ModelBody) -> tuple[Operation, ...] | None:
    if body.capabilities is None:
        return None
    names = {str(operation) for operation in Operation}
    for name in body.capabilities:
        if name not in names:
            reason = ProblemCode.NOT_ONE_OF(choices=tuple(sorted(names)))
            raise ValidationFailed.for_field(f"models.{index}.capabilities", reason)
    return tuple(dict.fromkeys(Operation(name) for name in body.capabilities))
