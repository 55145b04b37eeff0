"""What JSON bodies look like, and how they are parsed: as declared, or refused. The core checks the meaning.

Parsing is strict: ``"60"`` is not a number and 1 not a boolean, and a field that is not declared is refused.
"""

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, cast

import msgspec
from litestar import Request
from msgspec import UNSET, Meta, UnsetType

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import (
    MAX_API_BASE_CHARS,
    MAX_API_KEY_CHARS,
    MAX_DISPLAY_NAME_CHARS,
    MAX_KIND_CHARS,
    MAX_MODEL_ID_CHARS,
    MAX_MODEL_NAME_CHARS,
    MAX_MODELS,
    MAX_PROVIDER_NAME_CHARS,
    MAX_RETRIES,
    MAX_TIMEOUT_SECONDS,
    MAX_ZIPPED_IMAGES,
)
from imagegen_core.operations import Operation
from imagegen_core.problems import Problem, ProblemCode
from imagegen_core.providers.config_checks import PROVIDER_NAME_PATTERN
from imagegen_core.tasks.task import TaskStatus
from imagegen_core.text_problems import text_problems
from imagegen_http.answers.fields import JsonObject, doc
from imagegen_http.asgi.types import Scope
from imagegen_http.guard import BufferedBody, Text
from imagegen_http.problems.shapes import problems_of

Name = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_PROVIDER_NAME_CHARS),
    doc("name of a provider; left out: the default one", "demo"),
]
ModelId = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_MODEL_ID_CHARS),
    doc("id of a model; left out: the provider's default one"),
]
ImageText = Annotated[
    str, Meta(min_length=1), doc("a `data:image/…;base64,` URL, or `image:<id>` of an image of this service")
]

Shown = Annotated[Any, doc("as answers show it: taken, and ignored")]

EXAMPLE_PROMPT = "一只可爱的猫"
EXAMPLE_IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQMAAABJtOi3AAAABlBMVEX/yDwvW9dQ0jQ1AAAAQ0lEQVR42oXO"
    "sRFAUBQF0fMfgVBHdEYpSlMCOZ6AEX7JBndm72xJhDr2TtgOYTmfTTK5GP7cD4VRzvI9WJsMfatUC27igw8mAlMCMwAAAABJRU5ErkJggg=="
)
"""A PNG of 32×32 pixels, so that an operation can be tried that works on an image."""

MAX_IMAGE_ID = 2**63 - 1

_MAX_DIGITS = 300
"""A longer integer is out of range, as is a number that is as large."""


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Every body refuses what it does not know.

    The document's example of one has all fields that have an example, and those that must be there.
    """


class OverrideBody(Body, kw_only=True):
    """A configuration for one task alone; kept encrypted until the task ends, then wiped."""

    api_base: (
        Annotated[
            str, Meta(min_length=1, max_length=MAX_API_BASE_CHARS), doc("address of the provider's API")
        ]
        | None
    ) = None
    api_key: (
        Annotated[
            str,
            Meta(min_length=1, max_length=MAX_API_KEY_CHARS),
            doc("key of the provider's API; needed where `api_base` names another origin"),
        ]
        | None
    ) = None
    timeout: (
        Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_SECONDS), doc("seconds that one call may take")] | None
    ) = None
    max_retries: (
        Annotated[int, Meta(ge=0, le=MAX_RETRIES), doc("how often a call that started nothing is sent again")]
        | None
    ) = None


class SubmitBody(Body, kw_only=True):
    """What all operations share."""

    provider: Name | None = None
    model_id: ModelId | None = None
    use_saved_config: Annotated[
        bool, doc("refuse the task unless the provider's configuration was saved through the API")
    ] = False
    config: Annotated[
        OverrideBody | None, doc("settings of the provider for this task alone, over the saved ones")
    ] = None
    params: Annotated[JsonObject, doc("parameters of the model, as `GET /api/v1/providers` lists them")] = {}


_Prompt = Annotated[str, doc("what to make", EXAMPLE_PROMPT)]
_OptionalPrompt = Annotated[str | None, doc("what to make; not every model heeds it")]
_ParamsWithPrompt = Annotated[
    JsonObject,
    doc(
        "`prompt`, which is needed, and the model's parameters, as `GET /api/v1/providers` lists them",
        {"prompt": EXAMPLE_PROMPT, "width": 512, "height": 512},
    ),
]
_Image = Annotated[ImageText, doc("the image to work on, as a data URL or `image:<id>`", EXAMPLE_IMAGE)]
_References = Annotated[
    list[ImageText], doc("images to go by, each a data URL or `image:<id>`", [EXAMPLE_IMAGE])
]
_Mask = Annotated[ImageText | None, doc("white, or transparent, is repainted; black stays")]
_ImageSize = Annotated[str | None, doc("about how large: `1K`, `2K`, where the model takes it")]
_AspectRatio = Annotated[str | None, doc("the shape: `16:9`, where the model takes it")]
_EditMode = Annotated[str | None, doc("what to do with the masked part")]
_UpscaleFactor = Annotated[str | None, doc("`x2` or `x4`")]
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
    name = "".join(word.title() for word in operation.split("_"))
    body = msgspec.defstruct(
        f"{name}Body",
        fields,
        bases=(SubmitBody,),
        module=__name__,
        kw_only=True,
        namespace={"__doc__": rules.description},
    )
    return cast("type[SubmitBody]", body)


OPERATION_BODIES: Mapping[Operation, type[SubmitBody]] = {o: _operation_body(o) for o in Operation}


class EstimateBody(SubmitBody, kw_only=True):
    """A request that is only to be priced: the body of any operation, whose images may be left out."""

    operation: Annotated[Operation, doc("what the request would ask for", Operation.GENERATE)] = (
        Operation.GENERATE
    )
    prompt: Annotated[str | None, doc("what to make; `params.prompt` does as well", EXAMPLE_PROMPT)] = None
    reference_images: Annotated[list[ImageText], doc("may be left out, although their number may count")] = []
    image: ImageText | None = None
    mask: ImageText | None = None
    image_size: _ImageSize = None
    aspect_ratio: _AspectRatio = None
    edit_mode: _EditMode = None
    upscale_factor: _UpscaleFactor = None
    mode: _SegmentMode = None


class RerunBody(Body, kw_only=True):
    """What is to be other than in the task that is made again; what is left out stays as it was."""

    params: Annotated[
        JsonObject,
        doc(
            "parameters, and `prompt`, in place of the task's own; null takes one back",
            {"prompt": f"{EXAMPLE_PROMPT}，水彩"},
        ),
    ] = {}
    provider: Name | None = None
    model_id: ModelId | None = None


class CancelBody(Body, kw_only=True):
    """Which tasks are to be cancelled; those that are submitted meanwhile are not."""

    status: Annotated[
        TaskStatus | None, doc("`pending`, `processing`, or null: both", TaskStatus.PENDING)
    ] = TaskStatus.PENDING
    provider: Name | None = None


class ZipBody(Body, kw_only=True):
    """Which images to put into a zip file. A form has the numbers in one field ``ids`` or several."""

    ids: Annotated[
        list[Annotated[int, Meta(ge=1, le=MAX_IMAGE_ID)]],
        Meta(min_length=1, max_length=MAX_ZIPPED_IMAGES),
        doc("ids of images, in this order; each once", [1]),
    ]


class ModelBody(Body, kw_only=True):
    """A model of a provider; ``capabilities`` left out: from the catalogue. An answer's may be sent back."""

    id: ModelId
    name: Annotated[str, Meta(max_length=MAX_MODEL_NAME_CHARS), doc("its name for people")] = ""
    default: Annotated[bool, doc("whether a task goes to it that names no model")] = False
    capabilities: Annotated[list[str] | None, doc("the operations that it takes")] = None
    limits: Shown = UNSET
    parameters: Shown = UNSET
    form: Shown = UNSET
    sizes: Shown = UNSET
    accepts_extras: Shown = UNSET
    lifecycle: Shown = UNSET
    price: Shown = UNSET
    facts_read: Shown = UNSET


class ProviderConfigBody(Body, kw_only=True):
    """A provider's configuration. On an update, what is left out stays as it was.

    What an answer showed may be sent back whole: keys in their masks stay, and what is only shown is ignored.
    """

    provider_name: Annotated[
        str, Meta(pattern=f"^{PROVIDER_NAME_PATTERN}$"), doc("name of the provider", "my-demo")
    ]
    kind: (
        Annotated[
            str, Meta(min_length=1, max_length=MAX_KIND_CHARS), doc("which adapter speaks to it", "demo")
        ]
        | UnsetType
        | None
    ) = UNSET
    display_name: (
        Annotated[str, Meta(max_length=MAX_DISPLAY_NAME_CHARS), doc("its name for people", "My demo")]
        | UnsetType
        | None
    ) = UNSET
    api_base: (
        Annotated[str, Meta(max_length=MAX_API_BASE_CHARS), doc("address of its API, with the path")]
        | UnsetType
        | None
    ) = UNSET
    api_key: (
        Annotated[str, Meta(max_length=MAX_API_KEY_CHARS), doc("its key; an answer's mask leaves it")]
        | UnsetType
        | None
    ) = UNSET
    models: (
        Annotated[list[ModelBody], Meta(max_length=MAX_MODELS), doc("its models; left out: the known ones")]
        | UnsetType
        | None
    ) = UNSET
    enabled: Annotated[bool, doc("whether tasks may be sent to it", example=True)] | UnsetType = UNSET
    timeout_seconds: (
        Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_SECONDS), doc("how long one call may take", 60)]
        | UnsetType
        | None
    ) = UNSET
    max_retries: (
        Annotated[
            int, Meta(ge=0, le=MAX_RETRIES), doc("how often a call that started nothing is sent again", 3)
        ]
        | UnsetType
        | None
    ) = UNSET
    extra_config: (
        Annotated[JsonObject, doc("settings of its kind: `preset`, `spec`, `headers`, `max_concurrency`, …")]
        | UnsetType
        | None
    ) = UNSET
    has_api_key: Shown = UNSET
    source: Shown = UNSET
    warnings: Shown = UNSET
    created_at: Shown = UNSET
    updated_at: Shown = UNSET


class ToggleBody(Body, kw_only=True):
    """Switches a provider on or off."""

    enabled: Annotated[bool, doc("whether tasks may be sent to it", example=True)]


class StorageBody(Body, kw_only=True):
    """Something to do to the stores; in a dry run, nothing is changed."""

    dry_run: Annotated[bool, doc("count only, and change nothing", example=True)] = False


class VerifyBody(StorageBody, kw_only=True):
    """What to compare in the stores, and whether to put it right."""

    checksums: Annotated[
        bool, doc("read every local file whole; else only sizes are compared", example=True)
    ] = True


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
