"""The SDK method and arguments for a request."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.gemini import generate_content, predict
from imagegen_adapters.providers.gemini.models import traits_of
from imagegen_adapters.providers.gemini.uploads import Upload
from imagegen_core.messages import Message
from imagegen_core.models import Model
from imagegen_core.requests import ImageRequest


def _frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True)
class SdkCall:
    """A ``method`` of ``client.aio.models``, and its arguments."""

    method: str
    arguments: Mapping[str, Any] = attrs.field(converter=_frozen_mapping)


def sdk_call_for(request: ImageRequest, model: Model, uploads: Sequence[Upload]) -> SdkCall:
    """Return the SDK call for a request. Pure; its images are placeholders.

    Args:
        request: checked against ``model``.
        model: its family decides between generate_content and the predict methods.
        uploads: the request's images in the order of ``request.inputs``.

    Raises:
        ValidationFailed: ``size`` is malformed.
    """
    traits = traits_of(model.id)
    if traits.imagen:
        method, arguments = predict.build(request, traits, uploads)
    else:
        method, arguments = "generate_content", generate_content.build(request, traits, uploads)
    return SdkCall(method=method, arguments={"model": model.upstream_id, **arguments})


def check_sdk_call(request: ImageRequest, model: Model) -> None:
    """Check for whatever `sdk_call_for` would refuse, without the SDK and without the images.

    Raises:
        ValidationFailed: ``size`` is malformed.
    """
    warnings_of(request, model)


def warnings_of(request: ImageRequest, model: Model) -> tuple[Message, ...]:
    """Return what the caller should know about how the request was served.

    Raises:
        ValidationFailed: ``size`` is malformed.
    """
    traits = traits_of(model.id)
    if traits.imagen:
        return predict.warnings_of(request, traits)
    return generate_content.warnings_of(request, traits)
