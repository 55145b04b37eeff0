"""A client's request as its body has it, before the model is known."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems import ProblemCode
from imagegen_core.task import InputSource, canonical_json
from imagegen_http.api.bodies import InputImages, converted, decoded, read_image
from imagegen_http.guard import BufferedBody, Text
from imagegen_http.openai.multipart_form import Part, read_parts
from imagegen_http.openai.wire import OWN_FIELDS, ImageEdit, ImageGeneration, Reference

_IMAGE_FIELDS = ("image", "image[]", "images", "images[]")
_JSON_IMAGE_FIELDS = ("images", "image", "mask")


@attrs.frozen(kw_only=True)
class ImageRequest:
    """``fields`` are those that may belong to the model, unchecked; ``digest`` covers all that the body says.

    ``images`` is None for a generation.
    """

    generation: ImageGeneration
    fields: Mapping[str, Any]
    digest: str
    images: tuple[InputSource, ...] | None = None
    mask: InputSource | None = None


def read_generation(generation: ImageGeneration, body: Text) -> ImageRequest:
    """Return the request of a body that was parsed as ``generation`` already.

    Raises:
        ValidationFailed: a field that is not part of ``generation`` is malformed.
    """
    fields = decoded(body, dict[str, Any])
    return ImageRequest(
        generation=generation, fields=_model_fields(fields), digest=_digest(_not_null(fields))
    )


def read_edit(body: BufferedBody, content_type: str) -> ImageRequest:
    """Return the request of an edit's body, JSON or multipart; blocks.

    Raises:
        ValidationFailed: the body is malformed.
        InvalidImage: an image in it is not base64, is empty or too large. It is not decoded yet.
    """
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return _from_form(read_parts(body.text, content_type))
    return _from_json(body)


def _from_form(parts: Sequence[Part]) -> ImageRequest:
    input_images = tuple(_image(p) for p in parts if p.name in _IMAGE_FIELDS)
    masks = [_image(p) for p in parts if p.name == "mask"]
    fields = {p.name: p.text() for p in parts if p.name not in (*_IMAGE_FIELDS, "mask") and not p.is_file}
    return ImageRequest(
        generation=converted(fields, ImageEdit, strict=False),
        fields=_model_fields(fields),
        digest=_form_digest(parts),
        images=input_images,
        mask=masks[0] if masks else None,
    )


def _from_json(body: BufferedBody) -> ImageRequest:
    generation = decoded(body.outline.text, ImageEdit)
    fields = decoded(body.outline.text, dict[str, Any])
    single = generation.image or []
    references = [*generation.images, *(single if isinstance(single, list) else [single])]
    texts = [_text(reference) for reference in references]
    with InputImages.reading(body) as input_images:
        images = tuple(input_images.read_now(text, f"images.{i}") for i, text in enumerate(texts))
        mask = None if generation.mask is None else input_images.read_now(_text(generation.mask), "mask")
    others = {name: value for name, value in fields.items() if name not in _JSON_IMAGE_FIELDS}
    return ImageRequest(
        generation=generation,
        fields=_model_fields(fields),
        digest=_digest(_not_null(others), [_identity(image) for image in images], _identity(mask)),
        images=images,
        mask=mask,
    )


def _image(part: Part) -> InputSource:
    """Return the image of a form's part: a file, or a field with a data URL or an image's id as in JSON."""
    if not part.content:
        raise ValidationFailed.for_field(part.name, ProblemCode.EMPTY())
    return part.content if part.is_file else read_image(part.content, part.name)


def _text(reference: Reference) -> str:
    return reference if isinstance(reference, str) else reference.image_url


def _model_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    own = {*OWN_FIELDS, *_JSON_IMAGE_FIELDS}
    return {name: value for name, value in _not_null(fields).items() if name not in own}


def _not_null(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: null is as good as left out."""
    return {name: value for name, value in fields.items() if value is not None}


def _form_digest(parts: Sequence[Part]) -> str:
    """Return a digest that depends neither on the boundary nor on which field comes first.

    The boundary changes with each retry, and a gateway may write the fields in any order.
    """
    ordered = sorted(parts, key=lambda part: part.name)
    return _digest([[p.name, p.is_file, hashlib.sha256(p.content).hexdigest()] for p in ordered])


def _identity(image: InputSource | None) -> str:
    return hashlib.sha256(image).hexdigest() if isinstance(image, bytes) else str(image)


def _digest(*content: Any) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()
