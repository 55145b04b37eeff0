"""The values of the placeholders of a document in one call."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.http import sizes
from imagegen_adapters.providers.http.budgets import Budget
from imagegen_adapters.providers.http.capabilities import passes_extras, streams
from imagegen_adapters.providers.http.inputs import InputPart
from imagegen_adapters.providers.http.mentions import mentions
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.model import ModelSpec
from imagegen_adapters.providers.http.schema.operation import OperationSpec
from imagegen_adapters.providers.http.templates import Template
from imagegen_adapters.providers.random_seeds import random_seed
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Message
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.providers.size_presets import SIZE_NAMES
from imagegen_core.requests.image_request import RANDOM_SEED
from imagegen_core.requests.input_image import InputImage


@attrs.frozen(kw_only=True)
class CallScope:
    """All names, and the parameters that no template mentions."""

    names: Mapping[str, Any]
    extras: Mapping[str, Any]
    notes: tuple[Message, ...] = ()


def scope_of(
    call: ProviderCall,
    document: Document,
    spec: ModelSpec,
    operation: OperationSpec,
    *,
    mask: bytes | None = None,
    task: Mapping[str, Any] | None = None,
    templates: Iterable[Template] | None = None,
) -> CallScope:
    """Return the scope of a call.

    ``mask`` replaces the bytes of the caller's; ``task`` contains the fields from a submit's response.
    ``templates`` are those of a request about a call that was sent: nothing that they do not need fails.

    Raises:
        ValidationFailed: the model has no such size.
    """
    request = call.request
    mask_as_image = request.mask is not None and not mentions(document, operation, "mask")
    try:
        upstream_size = sizes.size_for_upstream(request.params, spec.size_of(request.operation))
    except ValidationFailed:
        if templates is None:
            raise
        upstream_size = sizes.UpstreamSize()  # an earlier version sent it, which knew the size
    defaults = {name: p.default for name, p in spec.params.items() if p.default is not None}
    params = {**defaults, **request.params}
    if params.get("seed") == RANDOM_SEED:
        del params["seed"]  # providers draw a random seed if there is none
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
        "stream": streams(operation, params) or None,
        "params": {**params, "num": request.num},
        "model_vars": spec.vars,
        "task": task or {},
        "base_url": call.config.api_base,
        "request_uuid": call.call_id,
        **_images(call, mask, mask_as_image=mask_as_image),
    }
    for name in ("image_size", "steps", "cfg_scale", "upscale_factor", "edit_mode", "mode"):
        names[name] = params.get(name)
    names["vars"] = render_vars(document, names, templates)
    extras = _extras(call, document, operation) if passes_extras(document, spec) else {}
    notes = (upstream_size.note, DocumentCode.DOCUMENT_MASK_BESIDE() if mask_as_image else None)
    return CallScope(names=names, extras=extras, notes=tuple(n for n in notes if n is not None))


def render_vars(
    document: Document, names: Mapping[str, Any], templates: Iterable[Template] | None = None
) -> dict[str, Any]:
    """Return the values of the document's variables; of given templates, of those that they mention.

    Raises:
        CallError: ``rejected``: they would be too large.
    """
    budget, needed = Budget(), document.vars
    if templates is not None:
        paths = {path for template in templates for path in template.names}
        if "vars" not in paths:
            mentioned = {re.split(r"[.\[]", path)[1] for path in paths if path.startswith("vars.")}
            needed = {name: template for name, template in needed.items() if name in mentioned}
    return {name: template.render(names, budget) for name, template in needed.items()}


def _images(call: ProviderCall, mask: bytes | None, *, mask_as_image: bool) -> dict[str, Any]:
    request = call.request
    main_images = () if request.image is None else (request.image,)
    images = [_part(image, i) for i, image in enumerate((*main_images, *request.references))]
    mask_part = None if request.mask is None else _part(request.mask, 0, role="mask", data=mask)
    if mask_as_image and mask_part is not None:
        images.append(attrs.evolve(mask_part, index=len(images)))
    return {
        "refs": [_part(image, i, role="reference") for i, image in enumerate(request.references)],
        "image": images[0] if main_images else None,
        "images": images,
        "mask": mask_part,
    }


def _part(image: InputImage, index: int, *, role: str = "image", data: bytes | None = None) -> InputPart:
    return InputPart(image=image, index=index, role=role, data=data)


def _extras(call: ProviderCall, document: Document, operation: OperationSpec) -> dict[str, Any]:
    """Return the caller's parameters that the request mentions nowhere; the count is never among them."""
    uses_size = any(mentions(document, operation, name) for name in SIZE_NAMES)
    excluded = {"num", "edit_mode", "mode", "upscale_factor", *(SIZE_NAMES if uses_size else ())}
    return {
        name: value
        for name, value in call.request.params.items()
        if name not in excluded
        and (name, value) != ("seed", RANDOM_SEED)
        and not mentions(document, operation, name)
    }
