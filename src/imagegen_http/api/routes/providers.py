"""Providers: list, configure, test."""

import datetime as dt

from litestar import Response, delete, get, patch, post
from litestar.params import JSONBody
from msgspec import UNSET

from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.providers.config import ModelEntry
from imagegen_core.providers.config_checks import parse_operations
from imagegen_core.search.pages import Page
from imagegen_http.answers.envelope import DELETED, Deleted, ListPage, Success, success
from imagegen_http.answers.parameters import ParameterGroup
from imagegen_http.answers.providers import ProbeResult, Provider, ProviderConfig, ProviderList
from imagegen_http.answers.responses import BODY_REFUSALS, refusals
from imagegen_http.api.bodies.providers import ModelBody, ProviderConfigBody, ToggleBody
from imagegen_http.api.empty_body import without_fields
from imagegen_http.api.json_response import JsonResponse
from imagegen_http.api.routes.dependencies import PageQuery, PageSizeQuery, ProviderPath, ServiceDependency
from imagegen_http.asgi import request_context
from imagegen_http.asgi.entity_tags import PRIVATE_REVALIDATE
from imagegen_http.runtime.service import Service

_NO_SETTINGS = frozenset({"provider_name", "has_api_key", "source", "warnings", "created_at", "updated_at"})
"""Fields of a body that are not settings: the provider's name, and what a response shows beside them."""


@get("/api/v1/providers", tags=["providers"], responses=refusals())
async def list_providers(service: ServiceDependency) -> Response[Success[ProviderList]]:
    """List what tasks can be sent to now, and the presets that only need a key.

    With the parameters of each model, their labels in Chinese and English, ranges and defaults: enough to
    draw a form. A client that sends the answer's `ETag` as `If-None-Match` is answered 304 while nothing has
    changed.
    """
    usable, today = await service.imagegen.list_providers.usable(), _today(service)
    answer = ProviderList(
        providers=[Provider.from_resolved(provider, today) for provider in usable],
        presets=service.presets(),
        groups=ParameterGroup.all(),
        default_provider=await service.imagegen.resolve.default_name(),
    )
    return JsonResponse(success(answer), headers={"Cache-Control": PRIVATE_REVALIDATE})


@get("/api/v1/providers/config", tags=["providers"], responses=refusals("validation_failed"))
async def list_configs(
    service: ServiceDependency, page: PageQuery = 1, page_size: PageSizeQuery = DEFAULT_PAGE_SIZE
) -> Success[ListPage[ProviderConfig]]:
    """List all configurations, by name.

    Disabled ones, too. Keys and other secrets are masked.
    """
    configs = await service.imagegen.list_providers.configured()
    matches = Page.of_all(configs, number=page, size=page_size)
    items = [ProviderConfig.from_resolved(provider, _today(service)) for provider in matches.items]
    return success(ListPage.from_page(matches, items, number=page, size=page_size, cursor=None))


@post(
    "/api/v1/providers/config",
    status_code=200,
    tags=["providers"],
    responses=refusals(*BODY_REFUSALS, "api_key_required", "upstream_not_allowed"),
)
async def save_config(
    data: JSONBody[ProviderConfigBody], service: ServiceDependency
) -> Success[ProviderConfig]:
    """Create or change a provider's configuration.

    It is checked before it is saved, and keys are encrypted. On a change, what is left out stays as it was.
    For a preset, its name and a key are enough: `{"provider_name": "openai", "api_key": "sk-…"}`.
    """
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
    return await _saved_config(service, data.provider_name)


@get(
    "/api/v1/providers/config/{provider_name:str}",
    tags=["providers"],
    responses=refusals("provider_config_not_found"),
)
async def get_config(provider_name: ProviderPath, service: ServiceDependency) -> Success[ProviderConfig]:
    """Show a provider's configuration, secrets masked.

    What is saved, over what `config.yaml` says. It may be sent back as it is: a masked key stays.
    """
    return await _saved_config(service, provider_name)


@delete(
    "/api/v1/providers/config/{provider_name:str}",
    status_code=200,
    tags=["providers"],
    responses=refusals("provider_config_not_found"),
)
async def delete_config(provider_name: ProviderPath, service: ServiceDependency) -> Deleted:
    """Remove a saved configuration; the history of its tasks stays.

    What `config.yaml` says of the provider holds again; without that, its waiting tasks fail.
    """
    await service.imagegen.adapters.configs.delete(provider_name)
    return DELETED


@patch(
    "/api/v1/providers/config/{provider_name:str}/toggle",
    tags=["providers"],
    responses=refusals(*BODY_REFUSALS, "provider_config_not_found"),
)
async def toggle_config(
    provider_name: ProviderPath, data: JSONBody[ToggleBody], service: ServiceDependency
) -> Success[ProviderConfig]:
    """Switch a saved provider on or off.

    Tasks that wait for one that is off fail with `provider_disabled`; calls that run go on.
    """
    await service.imagegen.toggle_provider(provider_name=provider_name, enabled=data.enabled)
    return await _saved_config(service, provider_name)


@post(
    "/api/v1/providers/config/{provider_name:str}/test",
    status_code=200,
    tags=["providers"],
    guards=[without_fields],
    responses=refusals(
        "provider_config_not_found", "provider_disabled", "provider_not_configured", *BODY_REFUSALS
    ),
)
async def probe_config(provider_name: ProviderPath, service: ServiceDependency) -> Success[ProbeResult]:
    """Make one cheap, unpaid call, where the provider has one.

    This is 200 whatever the provider says; `outcome` tells. `not_verified`: it has no such call.
    """
    names = {r.config.provider_name for r in await service.imagegen.list_providers.configured()}
    if provider_name not in names:
        raise await service.imagegen.list_providers.not_found(provider_name)
    clock = service.imagegen.adapters.clock
    started = clock.monotonic()
    probe = await service.imagegen.probe_provider(provider_name=provider_name)
    milliseconds = round((clock.monotonic() - started) * 1000)
    return success(
        ProbeResult(
            ok=probe.ok,
            outcome=probe.outcome,
            detail=request_context.text(probe.detail),
            latency_ms=milliseconds,
        )
    )


HANDLERS = [
    list_providers,
    list_configs,
    save_config,
    get_config,
    delete_config,
    toggle_config,
    probe_config,
]


async def _saved_config(service: Service, provider_name: str) -> Success[ProviderConfig]:
    saved = await service.imagegen.list_providers.get(provider_name)
    return success(ProviderConfig.from_resolved(saved, _today(service)))


def _today(service: Service) -> dt.date:
    return service.imagegen.adapters.clock.now().date()


def _models(bodies: list[ModelBody]) -> tuple[ModelEntry, ...]:
    """Return the models that a body names.

    Raises:
        ValidationFailed: an operation is unknown.
    """
    return tuple(
        ModelEntry(
            id=body.id,
            name=body.name,
            default=body.default,
            capabilities=None
            if body.capabilities is None
            else parse_operations(body.capabilities, f"models.{index}.capabilities"),
        )
        for index, body in enumerate(bodies)
    )
