"""What the placeholders of a document stand for in one call."""

import hashlib
from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.http import sizes
from imagegen_adapters.providers.http.capabilities import mentions, passes_extras
from imagegen_adapters.providers.http.document import Document, ModelSpec, OperationSpec
from imagegen_adapters.providers.http.inputs import InputPart
from imagegen_core.operations import RANDOM_SEED, InputImage
from imagegen_core.ports.provider import ProviderCall

MASK_AS_IMAGE_NOTE = "this model takes no mask; it was sent along as one more image"


@attrs.frozen(kw_only=True)
class CallScope:
    """All names, and the parameters that no template speaks of."""

    names: Mapping[str, Any]
    extras: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def scope_of(
    call: ProviderCall,
    document: Document,
    spec: ModelSpec,
    operation: OperationSpec,
    *,
    mask: bytes | None = None,
    task: Mapping[str, Any] | None = None,
) -> CallScope:
    """Return the scope of a call.

    ``mask`` are the bytes that replace the caller's; ``task`` is what a submit's answer told.

    Raises:
        ValidationFailed: the model has no such size.
    """
    request = call.request
    beside = request.mask is not None and not mentions(document, operation, "mask")
    upstream_size = sizes.size_for_upstream(request, spec.size)
    defaults = {name: p.default for name, p in spec.params.items() if p.default is not None}
    params = {**defaults, **request.params}
    if params.get("seed") == RANDOM_SEED:
        del params["seed"]  # who leaves it out gets a random one
    names: dict[str, Any] = {
        "model": call.model.upstream_id,
        "prompt": request.prompt or None,
        "negative_prompt": params.get("negative_prompt"),
        "n": request.num,
        "seed": params.get("seed"),
        "random_seed": random_seed(call.call_id),
        "width": upstream_size.width,
        "height": upstream_size.height,
        "size": upstream_size.size,
        "aspect_ratio": upstream_size.aspect_ratio,
        "params": {**params, "num": request.num},
        "model_vars": spec.vars,
        "task": task or {},
        "base_url": call.config.api_base,
        "request_uuid": call.call_id,
        **_images(call, mask, beside=beside),
    }
    for name in ("image_size", "steps", "cfg_scale", "upscale_factor", "edit_mode", "mode"):
        names[name] = params.get(name)
    names["vars"] = {name: template.render(names) for name, template in document.vars.items()}
    extras = _extras(call, document, operation) if passes_extras(document, spec) else {}
    notes = (upstream_size.note, MASK_AS_IMAGE_NOTE if beside else None)
    return CallScope(names=names, extras=extras, notes=tuple(n for n in notes if n is not None))


def random_seed(call_id: str) -> int:
    """Return a seed for a call without one: 31 bits, which every provider takes, of the call's random id."""
    return int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:4], "big") >> 1


def _images(call: ProviderCall, mask: bytes | None, *, beside: bool) -> dict[str, Any]:
    request = call.request
    own = () if request.image is None else (request.image,)
    images = [_part(image, i) for i, image in enumerate((*own, *request.references))]
    masked = None if request.mask is None else _part(request.mask, 0, role="mask", data=mask)
    if beside and masked is not None:
        images.append(attrs.evolve(masked, index=len(images)))
    return {
        "refs": [_part(image, i, role="reference") for i, image in enumerate(request.references)],
        "image": images[0] if own else None,
        "images": images,
        "mask": masked,
    }


def _part(image: InputImage, index: int, *, role: str = "image", data: bytes | None = None) -> InputPart:
    return InputPart(image=image, index=index, role=role, data=data)


def _extras(call: ProviderCall, document: Document, operation: OperationSpec) -> dict[str, Any]:
    """Return the caller's parameters that the request mentions nowhere; the count is never among them."""
    sized = any(mentions(document, operation, name) for name in sizes.NAMES)
    skipped = {"num", "edit_mode", "mode", "upscale_factor", *(sizes.NAMES if sized else ())}
    return {
        name: value
        for name, value in call.request.params.items()
        if name not in skipped
        and (name, value) != ("seed", RANDOM_SEED)
        and not mentions(document, operation, name)
    }
