"""The types of fields in bodies and answers, and what the OpenAPI document says of them."""

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
"""Where the document has them."""

Schema = dict[str, Any]
_NO_PART_OF_A_NAME = re.compile(r"_(?:[a-z_]+\.)*")


class NoExample(Exception):
    """A field has none, nor anything that one could be made of."""


class DescribedTypes(OpenAPISchemaPlugin):
    """Collects the structs and enumerations that Litestar meets, for msgspec to describe them."""

    def __init__(self) -> None:
        self.types: set[Any] = set()

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        if not field_definition.is_union and field_definition.is_subclass_of((msgspec.Struct, Enum)):
            self.types.add(field_definition.annotation)
        return False

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> NoReturn:
        raise NotImplementedError(field_definition.name)


def schemas_of(types: Iterable[Any]) -> dict[str, Schema]:
    """Return the schemas of structs and enumerations, and of all that they are made of, by name."""
    _, schemas = msgspec.json.schema_components(types, ref_template=f"{SCHEMAS}{{name}}")
    for kind in types:
        if isinstance(kind, type) and issubclass(kind, Enum):  # which msgspec sorts
            schemas[kind.__name__] |= {"type": "string", "enum": [member.value for member in kind]}
        if isinstance(kind, type) and kind.__name__ in schemas:
            schemas[kind.__name__] |= getattr(kind, "schema_words", {})
    for schema in schemas.values():
        del schema["title"]
        for field in schema.get("properties", {}).values():
            field.pop("default", None)  # generators take a field with one for a field that must be there
        if "description" in schema:
            schema["description"] = unwrapped(schema["description"])
    return dict(sorted(schemas.items()))


def unwrapped(docstring: str) -> str:
    """Return the paragraphs of a docstring, each as one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in cleandoc(docstring).split("\n\n"))


def short_name(name: str) -> str:
    """Return what the schema of ``Success[Task]`` is called: ``SuccessTask``."""
    return _NO_PART_OF_A_NAME.sub("", name)


def example_of(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """Return an example of what a schema describes: its own, or one made of those of its parts."""
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
    """Return an example of a body: of the fields that it must have, and of those with their own example."""
    if "$ref" in schema:
        return request_example_of(schemas[schema["$ref"].removeprefix(SCHEMAS)], schemas)
    required = schema.get("required", ())
    fields = schema.get("properties", {}).items()

    def has_own(field: Schema) -> bool:  # of itself, or of what it is when it is not null
        return any("examples" in choice for choice in (field, *field.get("anyOf", ())))

    return {name: example_of(field, schemas) for name, field in fields if name in required or has_own(field)}


T = TypeVar("T")
_encoder = msgspec.json.Encoder()
_CHECKED = ("ge", "gt", "le", "min_length", "max_length")


def doc(description: str, example: Any = UNSET, **words: Any) -> Meta:
    """Return what the OpenAPI document says of a field; ``words`` are further ones of JSON Schema.

    Of them those that msgspec has names of its own for are checked.
    """
    limits = {word: words.pop(word) for word in _CHECKED if word in words}
    examples = None if example is UNSET else [example]
    return Meta(description=description, examples=examples, extra_json_schema=words or None, **limits)


JsonObject = dict[str, Annotated[Any, Meta(description="any JSON value")]]
Scalar = str | int | float | bool
Time = Annotated[str, doc("UTC with milliseconds", "2026-11-24T08:00:00.000Z", format="date-time")]
EXAMPLE_TASK_ID = "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a"
TaskId = Annotated[str, doc("id of the task", EXAMPLE_TASK_ID)]
ImageId = Annotated[int, doc("id of the image", 7)]
ProviderName = Annotated[str, doc("name of the provider", "demo")]
ModelId = Annotated[str, doc("id of the model with its provider", "demo")]
Prompt = Annotated[str, doc("the caller's prompt, empty where the operation took none", "一只可爱的猫")]


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A part of an answer; what is ``UNSET`` is not in it."""

    @classmethod
    def from_attributes(cls, source: Any, /, **own: Any) -> Self:
        """Return the answer with what ``source`` has by the names of its fields, but for its ``own`` values.

        Times, days and messages become texts, tuples lists. What is empty is left out where the field may be.
        It takes twice as long as naming each field, which is what images do, of which there are hundreds at
        once.
        """
        fields, optional = {}, _may_be_left_out(cls)
        for name in cls.__struct_fields__:
            value = own[name] if name in own else getattr(source, name)
            if name in own or value or name not in optional:
                fields[name] = _shown(value)
        return cls(**fields)


@cache
def _may_be_left_out(kind: type[Answer]) -> frozenset[str]:
    return frozenset(field.name for field in msgspec.structs.fields(kind) if field.default is UNSET)


def _shown(value: Any) -> Any:
    show = _SHOWN.get(type(value))
    return value if show is None else show(value)


MAX_SAFE_INTEGER = 2**53 - 1
"""The largest whole number that every client reads exactly from JSON; JavaScript rounds larger ones."""


def with_exact_seed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters or metadata, a seed that clients would round as a text of digits."""
    seed = values.get("seed")
    if isinstance(seed, int) and abs(seed) > MAX_SAFE_INTEGER:
        return {**values, "seed": str(seed)}
    return dict(values)


def timestamp(at: datetime) -> str:
    """Return UTC with milliseconds, such as ``2026-11-24T08:00:00.000Z``."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    text = _encoder.encode(utc).decode()  # in a quarter of the time of isoformat
    return f"{text[1:24]}Z" if utc.microsecond else f"{text[1:20]}.000Z"


_SHOWN: Mapping[type, Callable[[Any], Any]] = {
    datetime: timestamp,
    date: date.isoformat,
    Message: asgi.text,
    tuple: lambda items: [_shown(item) for item in items],
}
"""How an answer shows values of the core."""


def if_any(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value


_INVISIBLE = (
    r"\u0000-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)

TEXT_PATTERN = r"^[^\u0000]*[^\u0000\s][^\u0000]*$"
"""Text that is not blank, as JSON Schema has patterns."""

NAME_PATTERN = rf"^[^{_INVISIBLE}]*[^{_INVISIBLE}\s][^{_INVISIBLE}]*$"
"""The same on one line, and nothing in it that cannot be seen."""

API_BASE_PATTERN = r"\s*[Hh][Tt][Tt][Pp][Ss]?://[^\s\\?#@/]+(/[^\s\\?#]*)?\s*$"

PROMPT_WORDS: Mapping[str, Any] = {"minLength": 1, "maxLength": MAX_PROMPT_CHARS, "pattern": TEXT_PATTERN}
"""What JSON Schema says of a prompt that must be there; the core checks it, and says more of a mistake."""

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
"""A PNG of 32×32 pixels, so that an operation can be tried that works on an image."""


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Every body refuses what it does not know.

    The document's example of one has all fields that have an example, and those that must be there.
    ``schema_words`` are what JSON Schema says of the body as a whole, beside what its fields say.
    """

    schema_words: ClassVar[Mapping[str, Any]] = {}
