"""What one request becomes at Google: a method of the SDK and its arguments."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.gemini import generate_content, predict
from imagegen_adapters.providers.gemini.models import traits_of
from imagegen_adapters.providers.gemini.uploads import Upload
from imagegen_core.capabilities import Model
from imagegen_core.operations import PictureRequest


def _frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True)
class Order:
    """``method`` of ``client.aio.models``, and what it is called with."""

    method: str
    arguments: Mapping[str, Any] = attrs.field(converter=_frozen_mapping)


def order_of(request: PictureRequest, model: Model, uploads: Sequence[Upload]) -> Order:
    """Return the SDK call for a request. Pure; the pictures in it are placeholders.

    Args:
        request: checked against ``model``.
        model: its family decides between generate_content and the predict methods.
        uploads: the request's pictures in the order of ``request.inputs``.

    Raises:
        ValidationFailed: ``size`` cannot be understood.
    """
    traits = traits_of(model.id)
    if traits.imagen:
        method, arguments = predict.built(request, traits, uploads)
    else:
        method, arguments = "generate_content", generate_content.built(request, traits, uploads)
    return Order(method=method, arguments={"model": model.upstream_id, **arguments})


def check_order(request: PictureRequest, model: Model) -> None:
    """Check what `order_of` would refuse, without the SDK and without the pictures.

    Raises:
        ValidationFailed: ``size`` cannot be understood.
    """
    warnings_of(request, model)


def warnings_of(request: PictureRequest, model: Model) -> tuple[str, ...]:
    """Return what the caller should know about how the request was carried out.

    Raises:
        ValidationFailed: ``size`` cannot be understood.
    """
    traits = traits_of(model.id)
    if traits.imagen:
        return predict.warnings_of(request, traits)
    return generate_content.warnings_of(request, traits)
