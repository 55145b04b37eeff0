"""The schemas of the OpenAPI document, as msgspec makes them, and examples of what they describe."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from inspect import cleandoc
from typing import Any, NoReturn

import msgspec
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

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
        """Leave the field to Litestar."""
        if not field_definition.is_union and field_definition.is_subclass_of((msgspec.Struct, Enum)):
            self.types.add(field_definition.annotation)
        return False

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> NoReturn:
        """Describe no field, since none is supported."""
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
    """Return an example of what a schema describes: its own, or one made of those of its parts.

    Raises:
        NoExample: a part has none.
    """
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
    """Return an example of a body: of the fields that it must have, and of those with their own example.

    Raises:
        NoExample: a field that it must have has none.
    """
    if "$ref" in schema:
        return request_example_of(schemas[schema["$ref"].removeprefix(SCHEMAS)], schemas)
    required = schema.get("required", ())
    fields = schema.get("properties", {}).items()
    return {name: example_of(field, schemas) for name, field in fields if name in required or _has_own(field)}


def _has_own(field: Schema) -> bool:
    """Return whether the field says of itself what it may look like, or what it is when it is not null."""
    return any("examples" in choice for choice in (field, *field.get("anyOf", ())))
