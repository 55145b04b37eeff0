"""Resolves model names over all usable providers."""

from collections import Counter

from msgspec import UNSET

from imagegen_core.errors import ModelNotAvailable, Refusal
from imagegen_core.models import LifecycleStatus, Model, choose_model
from imagegen_core.resolving import ResolvedProvider
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
    default = await service.imagegen.resolve.default_name()
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
    """Return every model of every usable provider that has not retired, by both of its names.

    A bare id is a name only where no other model has it, under whatever provider.
    """
    usable = await service.imagegen.list_providers.usable()
    today = service.imagegen.adapters.clock.now().date()
    full_names = set(_names(usable))
    holders = Counter(model.id for resolved in usable for model in resolved.profile.models)
    active = [
        (resolved, model)
        for resolved in usable
        for model in resolved.profile.models
        if model.lifecycle.status_on(today) is not LifecycleStatus.RETIRED
    ]
    data = [render_model(_full_name(resolved, model), resolved, model) for resolved, model in active]
    data += [
        render_model(model.id, resolved, model)
        for resolved, model in active
        if holders[model.id] == 1 and model.id not in full_names
    ]
    return ModelList(object="list", data=data)


def render_model(name: str, resolved: ResolvedProvider, model: Model) -> ModelObject:
    """Return a model in OpenAI's format; ``shutdown_date`` only if the model has one."""
    created_at, retires = resolved.config.created_at, model.lifecycle.retires
    return ModelObject(
        id=name,
        object="model",
        created=0 if created_at is None else int(created_at.timestamp()),
        owned_by=resolved.config.provider_name,
        shutdown_date=UNSET if retires is None else retires.isoformat(),
    )


async def show_model(service: Service, name: str) -> ModelObject:
    """Return one model under the name that it was asked for by.

    Raises:
        ModelNotAvailable: no usable provider has it.
    """
    provider_name, model = await find_model(service, name)
    resolved = await service.imagegen.resolve(provider_name=provider_name)
    return render_model(name, resolved, model)


async def _usable(service: Service, provider_name: str) -> ResolvedProvider | None:
    try:
        return await service.imagegen.resolve(provider_name=provider_name)
    except Refusal:
        return None


def _find_in_provider(resolved: ResolvedProvider, model_id: str) -> Model | None:
    return next((model for model in resolved.profile.models if model.id == model_id), None)


def _names(usable: tuple[ResolvedProvider, ...]) -> list[str]:
    return [_full_name(resolved, model) for resolved in usable for model in resolved.profile.models]


def _full_name(resolved: ResolvedProvider, model: Model) -> str:
    return f"{resolved.config.provider_name}/{model.id}"
