"""What a client wants, read out of its body before any model is known."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec
from litestar.exceptions import ValidationException

from imagegen_core.errors import ValidationFailed
from imagegen_core.submissions import InputSource
from imagegen_http.guard import HeldBody, Text
from imagegen_http.input_pictures import InputPictures, read_picture
from imagegen_http.json_request import malformed
from imagegen_http.openai.multipart_form import Part, read_parts
from imagegen_http.openai.wire import OWN_FIELDS, ImageEdit, ImageGeneration, Reference

_PICTURES = ("image", "image[]", "images", "images[]")


@attrs.frozen(kw_only=True)
class Wanted:
    """``fields`` are those that may belong to the model, as they came; ``digest`` is of all that was sent.

    ``images`` is None for a generation.
    """

    asked: ImageGeneration
    fields: Mapping[str, Any]
    digest: str
    images: tuple[InputSource, ...] | None = None
    mask: InputSource | None = None


def read_generation(asked: ImageGeneration, body: Text) -> Wanted:
    """Return what a body wants that has been read as ``asked`` already.

    Raises:
        ClientException: a field that ``asked`` has no part of cannot be read.
    """
    fields = _decoded(body)
    return Wanted(asked=asked, fields=_beside(fields), digest=hashlib.sha256(body).hexdigest())


def read_edit(held: HeldBody, content_type: str) -> Wanted:
    """Return what the body of an edit wants, JSON or multipart; blocks.

    Raises:
        ValidationFailed, ValidationException, ClientException: it cannot be read as one.
        InvalidImage: a picture in it is none, as far as its text shows.
    """
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return _of_form(read_parts(held.text, content_type))
    return _of_json(held)


def _of_form(parts: Sequence[Part]) -> Wanted:
    pictures = tuple(_picture(p) for p in parts if p.name in _PICTURES)
    masks = [_picture(p) for p in parts if p.name == "mask"]
    fields = {p.name: p.text() for p in parts if p.name not in (*_PICTURES, "mask") and not p.is_file}
    return Wanted(
        asked=_converted(fields, ImageEdit, strict=False),
        fields=_beside(fields),
        digest=_digest(parts),
        images=pictures,
        mask=masks[0] if masks else None,
    )


def _of_json(held: HeldBody) -> Wanted:
    fields = _decoded(held.outline.text)
    asked = _converted(fields, ImageEdit, strict=True)
    given = asked.image if isinstance(asked.image, list) else [asked.image] if asked.image else []
    texts = [_text(r) for r in (*asked.images, *given)]
    with InputPictures.of(held) as pictures:
        images = tuple(pictures.read_now(text, f"images.{i}") for i, text in enumerate(texts))
        mask = None if asked.mask is None else pictures.read_now(_text(asked.mask), "mask")
        digest = hashlib.sha256(held.text).hexdigest()
    return Wanted(asked=asked, fields=_beside(fields), digest=digest, images=images, mask=mask)


def _decoded(body: Text) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed(body) from error


def _converted(fields: Any, kind: type[ImageEdit], *, strict: bool) -> ImageEdit:
    try:
        return msgspec.convert(fields, kind, strict=strict)
    except msgspec.ValidationError as error:
        problem = {"key": "body", "message": str(error)}
        raise ValidationException("the body is not valid", extra=[problem]) from error


def _picture(part: Part) -> InputSource:
    """Return a file of a form; a field may name a picture as JSON does."""
    if not part.content:
        raise ValidationFailed.of(part.name, "is empty")
    return part.content if part.is_file else read_picture(part.content, part.name)


def _text(reference: Reference) -> str:
    return reference if isinstance(reference, str) else reference.image_url


def _beside(fields: Mapping[str, Any]) -> dict[str, Any]:
    taken = {*OWN_FIELDS, "images", "image", "mask"}
    return {name: value for name, value in fields.items() if name not in taken and value is not None}


def _digest(parts: Sequence[Part]) -> str:
    """Return a digest that the boundary, which changes from repeat to repeat, has no part in."""
    told = [[p.name, p.is_file, hashlib.sha256(p.content).hexdigest()] for p in parts]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
