"""Field types of bodies and answers, and their OpenAPI schemas."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from inspect import cleandoc
from typing import Annotated, Any, ClassVar, NoReturn, Self, TypeVar

import msgspec
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from msgspec import UNSET, Meta, UnsetType

from imagegen_core.limits import MAX_MODEL_ID_CHARS, MAX_PROMPT_CHARS, MAX_PROVIDER_NAME_CHARS
from imagegen_core.messages import Message
from imagegen_http.guard import asgi

SCHEMAS = "#/components/schemas/"
"""Where the document keeps them."""

Schema = dict[str, Any]
_SEPARATORS = re.compile(r"_(?:[a-z_]+\.)*")


class NoExample(Exception):
    """The field has no example, and none can be made."""


class DescribedTypes(OpenAPISchemaPlugin):
    """Collects the structs and enumerations that Litestar meets; msgspec describes them."""

    def __init__(self) -> None:
        self.types: set[Any] = set()

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        if not field_definition.is_union and field_definition.is_subclass_of((msgspec.Struct, Enum)):
            self.types.add(field_definition.annotation)
        return False

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> NoReturn:
        raise NotImplementedError(field_definition.name)


def schemas_of(types: Iterable[Any]) -> dict[str, Schema]:
    """Return the schemas of these types and of all that they refer to, by name."""
    _, schemas = msgspec.json.schema_components(types, ref_template=f"{SCHEMAS}{{name}}")
    for kind in types:
        if isinstance(kind, type) and issubclass(kind, Enum):  # which msgspec sorts
            schemas[kind.__name__] |= {"type": "string", "enum": [member.value for member in kind]}
        if isinstance(kind, type) and kind.__name__ in schemas:
            schemas[kind.__name__] |= getattr(kind, "schema_words", {})
    for schema in schemas.values():
        del schema["title"]
        for field in schema.get("properties", {}).values():
            field.pop("default", None)  # generators would require it
        if "description" in schema:
            schema["description"] = unwrapped(schema["description"])
    return dict(sorted(schemas.items()))


def unwrapped(docstring: str) -> str:
    """Return a docstring with each paragraph on one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in cleandoc(docstring).split("\n\n"))


def short_name(name: str) -> str:
    """Return ``SuccessTask`` for ``Success[Task]``."""
    return _SEPARATORS.sub("", name)


def example_of(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """Return a schema's own example, or one made of its parts."""
    match schema:
        case {"examples": [example, *_]} | {"const": example} | {"enum": [example, *_]}:
            return example
        case {"$ref": str(name)}:
            return example_of(schemas[name.removeprefix(SCHEMAS)], schemas)
        case {"anyOf": [first, *_]}:
            return example_of(first, schemas)
        case {"items": dict(items)}:
            return [example_of(items, schemas)]
        case {"properties": dict(properties)}:
            return {name: example_of(field, schemas) for name, field in properties.items()}
    raise NoExample(schema)


def request_example_of(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """Return an example of a body: required fields, and those with their own example."""
    if "$ref" in schema:
        return request_example_of(schemas[schema["$ref"].removeprefix(SCHEMAS)], schemas)
    required, fields = schema.get("required", ()), schema.get("properties", {}).items()

    def has_own(field: Schema) -> bool:  # of its own or of its non-null choice
        return any("examples" in choice for choice in (field, *field.get("anyOf", ())))

    return {name: example_of(field, schemas) for name, field in fields if name in required or has_own(field)}


T = TypeVar("T")
_encoder = msgspec.json.Encoder()
_LIMITS = ("ge", "gt", "le", "min_length", "max_length")


def doc(description: str, example: Any = UNSET, **words: Any) -> Meta:
    """Describe a field with JSON Schema ``words``; those that msgspec knows are also checked."""
    limits = {word: words.pop(word) for word in _LIMITS if word in words}
    examples = None if example is UNSET else [example]
    return Meta(description=description, examples=examples, extra_json_schema=words or None, **limits)


JsonObject = dict[str, Annotated[Any, Meta(description="any JSON value")]]
Scalar = str | int | float | bool
Time = Annotated[str, doc("UTC with milliseconds", "2026-11-24T08:00:00.000Z", format="date-time")]
EXAMPLE_TASK_ID = "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a"
EXAMPLE_BATCH_ID = "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7b"
TaskId = Annotated[str, doc("id of the task", EXAMPLE_TASK_ID)]
ImageId = Annotated[int, doc("id of the image", 7)]
ProviderName = Annotated[str, doc("name of the provider", "demo")]
ModelId = Annotated[str, doc("id of the model with its provider", "demo")]
Prompt = Annotated[str, doc("the caller's prompt, empty where the operation took none", "一只可爱的猫")]


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of an answer; what is ``UNSET`` is not in it."""

    @classmethod
    def from_attributes(cls, source: Any, /, **own: Any) -> Self:
        """Fill each field from ``own``, else from ``source``; what is empty is left out where it may be.

        Times, days and messages become text, tuples lists. It takes twice as long as naming each field, so
        `Image` names them: there are hundreds at once.
        """
        fields, optional = {}, _optional_fields(cls)
        for name in cls.__struct_fields__:
            value = own[name] if name in own else getattr(source, name)
            if name in own or value or name not in optional:
                fields[name] = _rendered(value)
        return cls(**fields)


@cache
def _optional_fields(kind: type[Answer]) -> frozenset[str]:
    return frozenset(field.name for field in msgspec.structs.fields(kind) if field.default is UNSET)


def _rendered(value: Any) -> Any:
    show = _RENDERERS.get(type(value))
    return value if show is None else show(value)


MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer that JavaScript reads exactly from JSON."""


def with_exact_seed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy in which a seed that clients would round is text."""
    seed = values.get("seed")
    if isinstance(seed, int) and abs(seed) > MAX_SAFE_INTEGER:
        return {**values, "seed": str(seed)}
    return dict(values)


def timestamp(at: datetime) -> str:
    """Return UTC with milliseconds, such as ``2026-11-24T08:00:00.000Z``."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    text = _encoder.encode(utc).decode()  # four times as fast as isoformat
    return f"{text[1:24]}Z" if utc.microsecond else f"{text[1:20]}.000Z"


_RENDERERS: Mapping[type, Callable[[Any], Any]] = {
    datetime: timestamp,
    date: date.isoformat,
    Message: asgi.text,
    tuple: lambda items: [_rendered(item) for item in items],
}
"""How answers show values of the core."""


def if_any(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value


_INVISIBLE = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)

TEXT_PATTERN = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"
"""JSON Schema pattern of text that is not blank."""

NAME_PATTERN = rf"^[^{_INVISIBLE}]*[^{_INVISIBLE}\s][^{_INVISIBLE}]*$"
"""The same on one line, without invisible characters."""

API_BASE_PATTERN = r"\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s\\?#@/]+(/[^\s\\?#]*)?\s*$"

PROMPT_WORDS: Mapping[str, Any] = {"minLength": 1, "maxLength": MAX_PROMPT_CHARS, "pattern": TEXT_PATTERN}
"""JSON Schema of a required prompt; the core checks it, with better messages."""

_IMAGE_PATTERN = (
    r"^(image:[1-9][0-9]{0,17}$|[Dd][Aa][Tt][Aa]:[Ii][Mm][Aa][Gg][Ee]/[A-Za-z0-9.+-]{1,40}"
    r"(;[A-Za-z0-9=.+-]{1,80})*;[Bb][Aa][Ss][Ee]64,)"
)
Name = Annotated[
    str,
    doc(
        "name of a provider; left out: the default one",
        "demo",
        min_length=1,
        max_length=MAX_PROVIDER_NAME_CHARS,
    ),
]
RequestedModel = Annotated[
    str,
    doc("id of a model; left out: the provider's default one", min_length=1, max_length=MAX_MODEL_ID_CHARS),
]
IMAGE_TEXT = "a `data:image/…;base64,` URL, or `image:<id>` of an image of this service"
ImageText = Annotated[str, doc(IMAGE_TEXT, min_length=1, pattern=_IMAGE_PATTERN)]
Shown = Annotated[Any, doc("as answers show it: taken, and ignored")]
EXAMPLE_PROMPT = "一只可爱的猫"

EXAMPLE_IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQMAAABJtOi3AAAABlBMVEX/yDwvW9dQ0jQ1AAAAQ0lEQVR42oXO"
    "sRFAUBQF0fMfgVBHdEYpSlMCOZ6AEX7JBndm72xJhDr2TtgOYTmfTTK5GP7cD4VRzvI9WJsMfatUC27igw8mAlMCMwAAAABJRU5ErkJggg=="
)
"""A PNG of 32×32 pixels, so that operations on an image can be tried."""


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Every body refuses what it does not know.

    The document's example of one has all fields that have an example, and those that must be there.
    ``schema_words`` are what JSON Schema says of the body as a whole, beside what its fields say.
    """

    schema_words: ClassVar[Mapping[str, Any]] = {}
