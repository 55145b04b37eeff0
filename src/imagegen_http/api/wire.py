"""Parses JSON bodies, as declared or not at all, and says what those of operations are; `bodies` has others.

Parsing is strict: ``"60"`` is not a number and 1 not a boolean, and a field that is not declared is refused.
The core checks the meaning.
"""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

import msgspec
from litestar import Request
from msgspec import Meta

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.operations import UPSCALE_FACTORS, Operation
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.text_problems import text_problems
from imagegen_http.answers.fields import JsonObject, doc
from imagegen_http.api.bodies.fields import (
    EXAMPLE_IMAGE,
    EXAMPLE_PROMPT,
    PROMPT_WORDS,
    Body,
    ImageText,
    ModelId,
    Name,
)
from imagegen_http.api.bodies.providers import OverrideBody
from imagegen_http.asgi.types import Scope
from imagegen_http.guard import BufferedBody, Text
from imagegen_http.problems.shapes import problems_of

_MAX_DIGITS = 300
"""A longer integer is out of range, as is a number that is as large."""


class SubmitBody(Body, frozen=True, kw_only=True):
    """What all operations share."""

    provider: Name | None = None
    model_id: ModelId | None = None
    use_saved_config: Annotated[
        bool, doc("refuse the task unless the provider's configuration was saved through the API")
    ] = False
    config: Annotated[
        OverrideBody | None, doc("settings of the provider for this task alone, over the saved ones")
    ] = None
    params: Annotated[JsonObject, doc("parameters of the model, as `GET /api/v1/providers` lists them")] = (
        msgspec.field(default_factory=dict)
    )


_Prompt = Annotated[str, doc("what to make", EXAMPLE_PROMPT, **PROMPT_WORDS)]
_OptionalPrompt = Annotated[str | None, doc("what to make; not every model heeds it")]
_ParamsWithPrompt = Annotated[
    JsonObject,
    doc(
        "`prompt`, which is needed, and the model's parameters, as `GET /api/v1/providers` lists them",
        {"prompt": EXAMPLE_PROMPT, "width": 512, "height": 512},
        required=["prompt"],
        properties={"prompt": {"description": "what to make", "type": "string", **PROMPT_WORDS}},
    ),
]
_Image = Annotated[ImageText, doc("the image to work on, as a data URL or `image:<id>`", EXAMPLE_IMAGE)]
_References = Annotated[
    list[ImageText],
    doc(
        "images to go by, each a data URL or `image:<id>`",
        [EXAMPLE_IMAGE],
        minItems=1,
        maxItems=MAX_REFERENCES,
    ),
]
_Mask = Annotated[ImageText | None, doc("white, or transparent, is repainted; black stays")]
_ImageSize = Annotated[str | None, doc("about how large: `1K`, `2K`, where the model takes it")]
_AspectRatio = Annotated[str | None, doc("the shape: `16:9`, where the model takes it")]
_EditMode = Annotated[str | None, doc("what to do with the masked part")]
_UpscaleFactor = Annotated[str, doc("`x2` or `x4`", enum=[*UPSCALE_FACTORS])] | None
_SegmentMode = Annotated[str | None, doc("what to look for, where the model takes it")]
_PARAMETERS: Mapping[str, Any] = {
    "image_size": _ImageSize,
    "aspect_ratio": _AspectRatio,
    "edit_mode": _EditMode,
    "upscale_factor": _UpscaleFactor,
    "mode": _SegmentMode,
}
"""What may stand beside ``params``."""


def _operation_body(operation: Operation) -> type[SubmitBody]:
    """Return what the body of an operation looks like: what all share, and what its row of the table says."""
    rules = operation.rules
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    if rules.prompt_field == "prompt":
        fields.append(("prompt", _Prompt) if rules.needs_prompt else ("prompt", _OptionalPrompt, None))
    else:
        fields.append(("params", _ParamsWithPrompt, {}))
    if rules.max_references > 0:
        fields.append(("reference_images", _References))
    if rules.takes_image:
        fields.append(("image", _Image))
    if rules.takes_mask:
        fields.append(("mask", _Mask, None))
    fields += [(name, _PARAMETERS[name], None) for name in rules.body_parameters]
    required = [name for name, _, *default in fields if not default or name == "params"]
    name = "".join(word.title() for word in operation.split("_"))
    body = msgspec.defstruct(
        f"{name}Body",
        fields,
        bases=(SubmitBody,),
        module=__name__,
        kw_only=True,
        namespace={"__doc__": rules.description, "schema_words": {"required": required}},
    )
    return cast("type[SubmitBody]", body)


def _estimate_words() -> dict[str, Any]:
    """Return which of the parameters beside ``params`` an estimate takes for which operation."""
    conditions = [
        {
            "if": {
                "properties": {
                    "operation": {"enum": [o for o in Operation if name in o.rules.body_parameters]}
                },
                "required": ["operation"],
            },
            "else": {"properties": {name: {"type": "null"}}},
        }
        for name in _PARAMETERS
    ]
    return {"allOf": conditions}


OPERATION_BODIES: Mapping[Operation, type[SubmitBody]] = {o: _operation_body(o) for o in Operation}


_Counted = Annotated[
    str, Meta(min_length=1), doc("a `data:image/…;base64,` URL, or `image:<id>` of an image of this service")
]
"""An image of an estimate: counted, and not read."""


class EstimateBody(SubmitBody, frozen=True, kw_only=True):
    """A request that is only to be priced: of any operation, whose prompt and images may be left out."""

    operation: Annotated[Operation, doc("what the request would ask for", Operation.GENERATE)] = (
        Operation.GENERATE
    )
    prompt: Annotated[str | None, doc("what to make; `params.prompt` does as well", EXAMPLE_PROMPT)] = None
    reference_images: Annotated[list[_Counted], doc("may be left out, although their number may count")] = (
        msgspec.field(default_factory=list)
    )
    image: _Counted | None = None
    mask: _Counted | None = None
    image_size: _ImageSize = None
    aspect_ratio: _AspectRatio = None
    edit_mode: _EditMode = None
    upscale_factor: _UpscaleFactor = None
    mode: _SegmentMode = None

    schema_words: ClassVar[Mapping[str, Any]] = _estimate_words()


class JsonRequest(Request[Any, Any, Any]):
    """Litestar's own parsing is lenient: query parameters need that, but bodies must be strict."""

    @property
    def buffered_body(self) -> BufferedBody:
        """The body as the guard buffered it; `json` returns placeholders for its large images."""
        scope: Scope = self.scope  # type: ignore[assignment] # plain ASGI, for which Litestar has its own type
        return BufferedBody.from_scope(scope)

    async def body(self) -> bytes:
        """Return the body without its large images; Litestar would keep a copy until the response."""
        text = self.buffered_body.outline.text or await super().body()
        return cast("bytes", text)  # or a bytearray, which nobody modifies

    async def json(self) -> Any:
        """Return the parsed body, with the type of the handler's ``data`` if it has one.

        Raises:
            ValidationFailed: it does not match that type, or is not JSON.
        """
        declared = self.route_handler.parsed_data_field
        return decoded(await self.body(), declared.annotation if declared else Any)


def decoded(body: Text, declared: Any) -> Any:
    """Return what JSON holds, as the declared type.

    Raises:
        ValidationFailed: with everything that is wrong.
    """
    try:
        return msgspec.json.decode(body, type=declared)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # also what is JSON and of another type
        wrong_type = isinstance(error, msgspec.ValidationError)
        raise ValidationFailed(*_problems(body, declared if wrong_type else None)) from error


def converted(value: Any, declared: Any, *, strict: bool) -> Any:
    """Return what JSON or a form holds, as the declared type.

    Raises:
        ValidationFailed: with everything that is wrong.
    """
    try:
        return msgspec.convert(value, declared, strict=strict)
    except msgspec.ValidationError as error:
        problems = tuple(problems_of(value, declared, from_text=not strict))
        raise ValidationFailed(*problems or (_BODY_INVALID,)) from error


_BODY_INVALID = Problem(field="body", reason=ProblemCode.INVALID())


def _problems(body: Text, declared: Any) -> tuple[Problem, ...]:
    """Return what msgspec holds against a body, of which the guard lets through two megabytes at most.

    JSON's grammar allows half of a surrogate pair, so the field that has one is named.
    """
    not_json = (Problem(field="body", reason=ProblemCode.NOT_JSON()),)
    try:
        value = json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError):
        return not_json
    if declared is not None:
        return tuple(problems_of(value, declared)) or (_BODY_INVALID,)
    texts = tuple(Problem(field=field or "body", reason=reason) for field, reason in text_problems(value))
    return texts or not_json


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf
