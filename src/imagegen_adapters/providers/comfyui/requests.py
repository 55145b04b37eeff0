"""The values of one request by the names of a workflow's inputs, and the refusals that need no ComfyUI."""

from collections.abc import Mapping
from typing import Any

from imagegen_adapters.providers.comfyui.messages import ComfyUICode
from imagegen_adapters.providers.comfyui.workflow import Workflow
from imagegen_adapters.providers.common.images import check_size, random_seed
from imagegen_core.errors import ValidationFailed
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import RANDOM_SEED, ImageRequest


def check(request: ImageRequest, workflow: Workflow) -> None:
    """Check what the workflow cannot do with a request.

    Raises:
        ValidationFailed: naming the field.
    """
    if "size" not in workflow.inputs:
        check_size(request.params)
    count = len(workflow.inputs.get("references", ()))
    if count and len(request.references) != count:
        raise ValidationFailed.for_field("reference_images", ComfyUICode.REFERENCES_NEEDED(count=count))
    if request.mask is not None and "mask" not in workflow.inputs:
        raise ValidationFailed.for_field("mask", ComfyUICode.NO_MASK_INPUT())
    if request.mask is None and "mask" in workflow.inputs:
        raise ValidationFailed.for_field("mask", ComfyUICode.MASK_NEEDED())


def values_of(call: ProviderCall, workflow: Workflow, images: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each name that the workflow has stands for; what nobody asked for stays as exported.

    ``images`` are the names of uploaded files, for ``image``, ``mask`` and ``references``.
    """
    request = call.request
    sides, seed = request.dimensions or (None, None), drawn_seed(call, workflow)
    values = {
        **request.params,
        "prompt": request.prompt,
        "num": request.num,
        "width": request.params.get("width", sides[0]),
        "height": request.params.get("height", sides[1]),
        "seed": request.seed if seed is None else seed,
        "model": call.model.upstream_id,
        **images,
    }
    return {name: values[name] for name in workflow.inputs if values.get(name) is not None}


def drawn_seed(call: ProviderCall, workflow: Workflow) -> int | None:
    """Return the seed that is drawn for a call, since ComfyUI draws none; None if none is needed."""
    if "seed" not in workflow.inputs or call.request.seed not in (None, RANDOM_SEED):
        return None
    return random_seed(call.call_id)
