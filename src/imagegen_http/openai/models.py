"""Resolves model names over all usable providers."""

from msgspec import UNSET

from imagegen_core.errors import ModelNotAvailable, Refusal
from imagegen_core.providers.capabilities import Model, choose_model
from imagegen_core.use_cases.resolve_provider import ResolvedProvider
from imagegen_http.openai.wire import ModelList, ModelObject
from imagegen_http.runtime.service import Service

_MAX_LISTED_NAMES = 20


async def find_model(service: Service, name: str | None) -> tuple[str, Model]:
    """Return the provider and the model of ``provider/model``, of a model id, or the defaults.

    A bare id is looked up with the default provider first, then with the others by name. Ids may contain
    slashes themselves.

    Raises:
        ModelNotAvailable: no usable provider has the model.
        Refusal: no model was named, and the default provider cannot be used.
    """
    default = service.settings.default_provider
    if not name:
        resolved = await service.imagegen.resolve(provider_name=default)
        return default, choose_model(resolved.profile.models, None)
    provider_name, _, model_id = name.partition("/")
    if model_id and (named := await _usable(service, provider_name)) is not None:
        model = _find_in_provider(named, model_id)
        if model is not None:
            return provider_name, model
    usable = await service.imagegen.list_providers.usable()
    for resolved in sorted(usable, key=lambda r: r.config.provider_name != default):
        model = _find_in_provider(resolved, name)
        if model is not None:
            return resolved.config.provider_name, model
    raise ModelNotAvailable(name[:200], tuple(_names(usable)[:_MAX_LISTED_NAMES]))


async def list_models(service: Service) -> ModelList:
    """Return every model of every usable provider."""
    usable = await service.imagegen.list_providers.usable()
    data = [
        render_model(r.config.provider_name, m, created=_created(r)) for r in usable for m in r.profile.models
    ]
    return ModelList(object="list", data=data)


def render_model(provider_name: str, model: Model, *, created: int) -> ModelObject:
    """Return a model in OpenAI's format; ``shutdown_date`` only if the model has one."""
    retires = model.lifecycle.retires
    return ModelObject(
        id=f"{provider_name}/{model.id}",
        object="model",
        created=created,
        owned_by=provider_name,
        shutdown_date=UNSET if retires is None else retires.isoformat(),
    )


async def show_model(service: Service, name: str) -> ModelObject:
    """Return one model.

    Raises:
        ModelNotAvailable: no usable provider has it.
    """
    provider_name, model = await find_model(service, name)
    resolved = await service.imagegen.resolve(provider_name=provider_name)
    return render_model(provider_name, model, created=_created(resolved))


async def _usable(service: Service, provider_name: str) -> ResolvedProvider | None:
    try:
        return await service.imagegen.resolve(provider_name=provider_name)
    except Refusal:
        return None


def _find_in_provider(resolved: ResolvedProvider, model_id: str) -> Model | None:
    return next((model for model in resolved.profile.models if model.id == model_id), None)


def _names(usable: tuple[ResolvedProvider, ...]) -> list[str]:
    return [f"{r.config.provider_name}/{m.id}" for r in usable for m in r.profile.models]


def _created(resolved: ResolvedProvider) -> int:
    """Return when the configuration was created, in seconds since 1970; 0 for one from the file."""
    at = resolved.config.created_at
    return 0 if at is None else int(at.timestamp())
