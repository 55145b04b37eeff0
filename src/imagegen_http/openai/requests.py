"""OpenAI request bodies, as JSON or as a form, and the submissions that they become."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import attrs
import msgspec
from msgspec import UNSET, Meta, UnsetType
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_NUM, MAX_REFERENCES
from imagegen_core.messages import ProblemCode
from imagegen_core.models import Model, Parameter, common
from imagegen_core.requests import OPENAI_EDITS, OPENAI_GENERATIONS, Operation, parse_size
from imagegen_core.task import ImageReference as StoredReference
from imagegen_core.task import InputSource, Submission, Target, canonical_json
from imagegen_http.api.requests import converted, decoded, read_image, read_images
from imagegen_http.api.tasks import FallbackTarget
from imagegen_http.errors import RequestProblem
from imagegen_http.guard.bodies import BufferedBody, Text
from imagegen_http.schemas import EXAMPLE_IMAGE, EXAMPLE_PROMPT, IMAGE_TEXT, PROMPT_WORDS, doc

_NUM_WORDS = {"minimum": 1, "maximum": MAX_NUM}
_FILES = f"1 to {MAX_REFERENCES} images, as many as the model takes; also as `image[]`"
_MODEL = "`provider/model`, a model id, or empty"
_SIZE = "`WIDTHxHEIGHT` or `auto`"
_FORMAT = "the bytes in base64, or an address below this service"
_WEBHOOK = "where the end of its task is told, in the shape of this service's webhooks"
_FALLBACK = "what to ask next where a provider has provably charged nothing, such as `provider/model`"
_STREAM = "send events, the images so far among them"


class ImageGeneration(msgspec.Struct, kw_only=True):
    """Other fields (quality, background, output_format, seed, …) go to a model that declares them."""

    prompt: Annotated[str, doc("what to make", EXAMPLE_PROMPT, **PROMPT_WORDS)]
    model: Annotated[str, doc(_MODEL, "demo/demo")] | None = None
    n: Annotated[int, doc(f"number of images, 1 to {MAX_NUM}", **_NUM_WORDS)] | None = None
    size: Annotated[str, doc(_SIZE, "512x512")] | None = None
    response_format: Annotated[Literal["b64_json", "url"] | None, doc(_FORMAT, "url")] = None
    stream: Annotated[bool | None, doc(_STREAM)] = None
    webhook_url: Annotated[str, doc(_WEBHOOK)] | None = None
    fallback: Annotated[list[str | FallbackTarget] | None, doc(_FALLBACK)] = None


class ImageReference(msgspec.Struct, kw_only=True):
    """An image of a JSON body."""

    image_url: Annotated[str, doc(IMAGE_TEXT)]


Reference = Annotated[str, doc(IMAGE_TEXT)] | ImageReference
File = Annotated[str, Meta(extra_json_schema={"format": "binary"})]


class ImageEdit(ImageGeneration, kw_only=True):
    """As for a generation, with at least one image, and at most as many as the model takes.

    ``image`` means the same as ``images``.
    """

    images: Annotated[list[Reference], doc("the images to work on", [EXAMPLE_IMAGE])] = []
    image: Annotated[Reference | list[Reference] | None, doc("the same, or the only one")] = None
    mask: Annotated[Reference | None, doc("white, or transparent, is repainted; black stays")] = None


class ImageEditForm(msgspec.Struct, kw_only=True):
    """The same as a form; other fields go to a model that declares them."""

    image: Annotated[list[File], doc(_FILES, min_length=1, maxItems=MAX_REFERENCES)]
    prompt: Annotated[str, doc("what to make", EXAMPLE_PROMPT, **PROMPT_WORDS)]
    mask: Annotated[File | UnsetType, doc("white, or transparent, is repainted; black stays")] = UNSET
    model: Annotated[str | UnsetType, doc(_MODEL)] = UNSET
    n: Annotated[int | UnsetType, doc(f"number of images, 1 to {MAX_NUM}", **_NUM_WORDS)] = UNSET
    size: Annotated[str | UnsetType, doc(_SIZE)] = UNSET
    response_format: Annotated[Literal["b64_json", "url"] | UnsetType, doc(_FORMAT)] = UNSET
    stream: Annotated[bool | UnsetType, doc(_STREAM)] = UNSET
    webhook_url: Annotated[str | UnsetType, doc(_WEBHOOK)] = UNSET
    fallback: Annotated[list[str] | UnsetType, doc(_FALLBACK)] = UNSET

    schema_words: ClassVar[Mapping[str, Any]] = {
        "dependentSchemas": {"mask": {"properties": {"image": {"maxItems": 1}}}}
    }


_PIECE_BYTES = 256 * 1024
_MAX_PARTS = 100
_MAX_TEXT_BYTES = 1024 * 1024


class Part(NamedTuple):
    """One part of a form."""

    name: str
    is_file: bool
    content: bytes

    def text(self) -> str:
        if len(self.content) > _MAX_TEXT_BYTES:
            raise ValidationFailed.for_field(self.name, ProblemCode.TOO_MANY_BYTES(maximum=_MAX_TEXT_BYTES))
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise ValidationFailed.for_field(self.name, ProblemCode.NOT_UTF8()) from error


def _parts(body: Text, content_type: str) -> Iterator[Part]:
    _, options = parse_options_header(content_type)
    if "boundary" not in options:
        raise ValidationFailed.for_field("body", RequestProblem.NO_BOUNDARY())
    try:
        with PushMultipartParser(options["boundary"], max_segment_count=_MAX_PARTS) as parser:
            segment: MultipartSegment | None = None
            content: list[bytes | bytearray] = []
            for start in range(0, len(body), _PIECE_BYTES):
                for event in parser.parse(bytes(body[start : start + _PIECE_BYTES])):
                    if isinstance(event, MultipartSegment):
                        segment, content = event, []
                    elif event:
                        content.append(event)
                    elif segment is not None:
                        yield Part(segment.name or "", segment.filename is not None, b"".join(content))
    except MultipartError as error:
        raise ValidationFailed.for_field("body", RequestProblem.NOT_A_FORM()) from error


_IMAGE_FIELDS = ("image", "image[]", "images", "images[]")

_LEGACY_VALUES = {("quality", "standard"): None, ("quality", "hd"): "high"}
"""DALL·E values, for models that do not declare them; None is the model's default."""

_ABOUT_IMAGES = ("quality", "style", "background", "moderation", "input_fidelity", "output_format")

_OPENAI_PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        *(Parameter(name=name) for name in _ABOUT_IMAGES),
        Parameter(name="output_compression", type="integer"),
        *common("seed", "negative_prompt", "steps", "cfg_scale"),
    )
}
"""All that a model which accepts extras gets beyond its own: OpenAI's image fields and common parameters."""


@attrs.frozen(kw_only=True)
class ImageRequest:
    """``fields`` may be the model's, unchecked; ``digest`` covers the body; a generation has no images."""

    generation: ImageGeneration
    fields: Mapping[str, Any]
    digest: str
    images: tuple[InputSource, ...] | None = None
    mask: InputSource | None = None

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Those that `submission` may choose from."""
        path = OPENAI_GENERATIONS if self.images is None else OPENAI_EDITS
        return tuple(operation for operation in Operation if operation.rules.openai_path == path)

    def submission(self, provider_name: str, model: Model) -> Submission:
        """Return the submission, which the core will check.

        Undeclared fields are dropped, as gateways do; a model that accepts extras gets those OpenAI declares.
        Several images are references; a single one is edited, or a reference if the model cannot edit.
        """
        submission = Submission(
            prompt=self.generation.prompt,
            params=dict(self._params(model)),
            provider_name=provider_name,
            model_id=model.id,
            fallback=tuple(
                Target.parse(each, "/") if isinstance(each, str) else Target(each.provider, each.model_id)
                for each in self.generation.fallback or ()
            ),
            webhook_url=self.generation.webhook_url,
        )
        if self.images is None:
            return submission
        operation = self._operation(model, self.images)
        return attrs.evolve(
            submission,
            operation=operation,
            image=self.images[0] if operation.rules.takes_image else None,
            references=self.images if operation.rules.max_references else (),
            mask=self.mask,
        )

    def _operation(self, model: Model, images: tuple[InputSource, ...]) -> Operation:
        if not images:
            raise ValidationFailed.for_field("image", ProblemCode.REQUIRED())
        if len(images) > 1:
            if self.mask is not None:
                raise ValidationFailed.for_field("mask", RequestProblem.MASK_OF_SEVERAL())
            return Operation.REFERENCE
        can_edit = Operation.EDIT in model.operations or Operation.REFERENCE not in model.operations
        return Operation.EDIT if can_edit or self.mask is not None else Operation.REFERENCE

    def _params(self, model: Model) -> Iterator[tuple[str, Any]]:
        generation, declared = self.generation, {p.name: p for p in model.parameters}
        if generation.n is not None:
            yield "num", generation.n
        if generation.size and generation.size != "auto":
            if "size" in declared:
                yield "size", generation.size
            elif {"width", "height"} <= declared.keys() and (
                sides := parse_size(generation.size)
            ) is not None:
                yield from zip(("width", "height"), sides, strict=True)
        accepted = {**_OPENAI_PARAMETERS, **declared} if model.accepts_extras else declared
        for name, field in self.fields.items():
            if name == "partial_images" and not generation.stream:
                continue  # each costs money and would not be seen
            if name in accepted and name != "num" and (name in declared or field != "auto"):
                value = _value(accepted[name], field)
                if value is not None:
                    yield name, value


def _value(parameter: Parameter, field: Any) -> Any:
    """Convert a form's text to the declared type; None omits the field."""
    if not isinstance(field, str):
        return field
    text: str | None = field
    if parameter.enum and field not in parameter.enum:
        text = None if field == "auto" else _LEGACY_VALUES.get((parameter.name, field), field)
    if parameter.type == "string" or text is None:
        return text
    if parameter.type == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return int(text) if parameter.type == "integer" else float(text)
    except ValueError:
        return text


def read_generation(generation: ImageGeneration, body: Text) -> ImageRequest:
    """Return the request of a body that was already parsed as ``generation``."""
    fields = decoded(body, dict[str, Any])
    return ImageRequest(
        generation=generation, fields=_model_fields(fields), digest=_digest(_not_null(fields))
    )


def read_edit(body: BufferedBody, content_type: str) -> ImageRequest:
    """Parse the body of an edit, JSON or multipart. Blocks."""
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return _from_form(tuple(_parts(body.text, content_type)))
    return _from_json(body)


def _from_form(parts: Sequence[Part]) -> ImageRequest:
    images = tuple(_image(p) for p in parts if p.name in _IMAGE_FIELDS)
    masks = [_image(p) for p in parts if p.name == "mask"]
    texts = [(p.name, p.text()) for p in parts if p.name not in (*_IMAGE_FIELDS, "mask") and not p.is_file]
    if any(name.startswith("fallback[][") for name, _ in texts):  # what clients make of objects is ambiguous
        raise ValidationFailed.for_field("fallback", ProblemCode.NOT_MATCHING(pattern="provider/model"))
    fallback = [text for name, text in texts if name in ("fallback", "fallback[]")]
    fields: dict[str, Any] = {**dict(texts), "fallback": fallback or None}
    ordered = sorted(parts, key=lambda p: p.name)  # a retry has another boundary, a gateway another order
    return ImageRequest(
        generation=converted(fields, ImageEdit),
        fields=_model_fields(fields),
        digest=_digest([[p.name, p.is_file, hashlib.sha256(p.content).hexdigest()] for p in ordered]),
        images=images,
        mask=masks[0] if masks else None,
    )


def _from_json(body: BufferedBody) -> ImageRequest:
    generation = decoded(body.outline.text, ImageEdit)
    fields = decoded(body.outline.text, dict[str, Any])
    single = generation.image or []
    references = [*generation.images, *(single if isinstance(single, list) else [single])]
    texts = {f"images.{index}": _text(reference) for index, reference in enumerate(references)}
    masks = {} if generation.mask is None else {"mask": _text(generation.mask)}
    images = read_images(body, {**texts, **masks})
    mask = images.pop("mask", None)
    others = {name: value for name, value in fields.items() if name not in ("images", "image", "mask")}
    return ImageRequest(
        generation=generation,
        fields=_model_fields(fields),
        digest=_digest(_not_null(others), [_identity(image) for image in images.values()], _identity(mask)),
        images=tuple(images.values()),
        mask=mask,
    )


def _image(part: Part) -> InputSource:
    """Return a form part's image: a file, or a data URL or image id as in JSON."""
    if not part.content:
        raise ValidationFailed.for_field(part.name, ProblemCode.EMPTY())
    return part.content if part.is_file else read_image(part.content, part.name)


def _text(reference: Reference) -> str:
    return reference if isinstance(reference, str) else reference.image_url


def _model_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    own = ImageEdit.__struct_fields__
    return {name: value for name, value in _not_null(fields).items() if name not in own}


def _not_null(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Null counts as left out."""
    return {name: value for name, value in fields.items() if value is not None}


def _identity(image: InputSource | None) -> str:
    """Must be the same in all versions: the keys of stored tasks begin with a digest of it."""
    if isinstance(image, StoredReference):
        return f"StoredImage(id={image.id})"
    return hashlib.sha256(image).hexdigest() if isinstance(image, bytes) else str(image)


def _digest(*content: Any) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()
