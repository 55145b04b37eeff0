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
from imagegen_http.asgi.types import Scope
from imagegen_http.guard import BufferedBody, Text
from imagegen_http.problems.shapes import problems_of

Name = Annotated[str, Meta(min_length=1, max_length=MAX_PROVIDER_NAME_CHARS, description="provider name")]
ModelId = Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_ID_CHARS, description="model id")]
ImageText = Annotated[
    str, Meta(min_length=1, description="a data:image/…;base64, URL, or image:<id> of a kept image")
]

Shown = Annotated[Any, Meta(description="as answers show it: taken, and ignored")]

MAX_IMAGE_ID = 2**63 - 1

_MAX_DIGITS = 300
"""A longer integer is out of range, as is a number that is as large."""


class Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Every body refuses what it does not know."""


class OverrideBody(Body, kw_only=True):
    """A configuration for one task alone; kept encrypted until the task ends, then wiped."""

    api_base: Annotated[str, Meta(min_length=1, max_length=MAX_API_BASE_CHARS)] | None = None
    api_key: Annotated[str, Meta(min_length=1, max_length=MAX_API_KEY_CHARS)] | None = None
    timeout: Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_SECONDS, description="seconds")] | None = None
    max_retries: Annotated[int, Meta(ge=0, le=MAX_RETRIES)] | None = None


class SubmitBody(Body, kw_only=True):
    """What all operations share."""

    provider: Name | None = None
    model_id: ModelId | None = None
    use_saved_config: bool = False
    config: OverrideBody | None = None
    params: dict[str, Any] = {}


def _operation_body(operation: Operation) -> type[SubmitBody]:
    """Return what the body of an operation looks like: what all share, and what its row of the table says."""
    rules = operation.rules
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    if rules.prompt_field == "prompt":
        fields.append(("prompt", str) if rules.needs_prompt else ("prompt", str | None, None))
    if rules.max_references > 0:
        fields.append(("reference_images", list[ImageText]))
    if rules.takes_image:
        fields.append(("image", ImageText))
    if rules.takes_mask:
        fields.append(("mask", ImageText | None, None))
    fields += [(name, str | None, None) for name in rules.body_parameters]
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

    operation: Operation = Operation.GENERATE
    prompt: str | None = None
    reference_images: list[ImageText] = []
    image: ImageText | None = None
    mask: ImageText | None = None
    image_size: str | None = None
    aspect_ratio: str | None = None
    edit_mode: str | None = None
    upscale_factor: str | None = None
    mode: str | None = None


class RerunBody(Body, kw_only=True):
    """What is to be other than in the task that is made again; what is left out stays as it was."""

    params: Annotated[
        dict[str, Any],
        Meta(description="parameters, and `prompt`, in place of the task's own; null takes one back"),
    ] = {}
    provider: Name | None = None
    model_id: ModelId | None = None


class CancelBody(Body, kw_only=True):
    """Which tasks are to be cancelled; those that are submitted meanwhile are not."""

    status: Annotated[TaskStatus | None, Meta(description="`pending`, `processing`, or null: both")] = (
        TaskStatus.PENDING
    )
    provider: Name | None = None


class ZipBody(Body, kw_only=True):
    """Which images to put into a zip file. A form has the numbers in one field ``ids`` or several."""

    ids: Annotated[
        list[Annotated[int, Meta(ge=1, le=MAX_IMAGE_ID)]],
        Meta(min_length=1, max_length=MAX_ZIPPED_IMAGES, description="in this order; each once"),
    ]


class ModelBody(Body, kw_only=True):
    """A model of a provider; ``capabilities`` left out: from the catalogue. An answer's may be sent back."""

    id: ModelId
    name: Annotated[str, Meta(max_length=MAX_MODEL_NAME_CHARS)] = ""
    default: bool = False
    capabilities: list[str] | None = None
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

    provider_name: Annotated[str, Meta(pattern=f"^{PROVIDER_NAME_PATTERN}$")]
    kind: Annotated[str, Meta(min_length=1, max_length=MAX_KIND_CHARS)] | UnsetType | None = UNSET
    display_name: Annotated[str, Meta(max_length=MAX_DISPLAY_NAME_CHARS)] | UnsetType | None = UNSET
    api_base: Annotated[str, Meta(max_length=MAX_API_BASE_CHARS)] | UnsetType | None = UNSET
    api_key: Annotated[str, Meta(max_length=MAX_API_KEY_CHARS)] | UnsetType | None = UNSET
    models: Annotated[list[ModelBody], Meta(max_length=MAX_MODELS)] | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    timeout_seconds: Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_SECONDS)] | UnsetType | None = UNSET
    max_retries: Annotated[int, Meta(ge=0, le=MAX_RETRIES)] | UnsetType | None = UNSET
    extra_config: dict[str, Any] | UnsetType | None = UNSET
    has_api_key: Shown = UNSET
    source: Shown = UNSET
    warnings: Shown = UNSET
    created_at: Shown = UNSET
    updated_at: Shown = UNSET


class ToggleBody(Body, kw_only=True):
    """Switches a provider on or off."""

    enabled: bool


class StorageBody(Body, kw_only=True):
    """Something to do to the stores; in a dry run, nothing is changed."""

    dry_run: bool = False


class VerifyBody(StorageBody, kw_only=True):
    """``checksums``: read every local file whole; else only sizes are compared."""

    checksums: bool = True


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
