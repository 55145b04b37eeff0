"""The OpenAPI document describes every answer: what its fields are, what they mean, how they look."""

from collections import defaultdict

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator

from imagegen_http.api.errors import ErrorAnswer, error_example
from imagegen_http.errors import TABLE
from imagegen_http.schemas import NoExample, example_of
from tests.openapi import document

REF = "#/components/schemas/"

DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]
ANSWERS = {
    f"{method.upper()} {path} {status}": answer["content"]["application/json"]
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    for status, answer in operation["responses"].items()
    if "application/json" in answer.get("content", {})
}
SUCCESSES = [name for name in ANSWERS if name.rpartition(" ")[2].startswith("2")]
BESIDE = [
    *("ErrorAnswer", "OpenAIError", "TaskProgress", "TaskChange", "PartialImage", "DeletedImage"),
    *("ImagePartial", "ImageCompleted", "OpenAIErrorEvent"),
]
"""Errors, and the data of events."""


def _faults(schema, place, above=()):
    """Yield what a schema, or one that it is made of, leaves open."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        if name not in above:
            yield from _faults(SCHEMAS[name], name, (*above, name))
    elif "anyOf" in schema:
        for choice in schema["anyOf"]:
            yield from _faults(choice, place, above)
    elif schema.get("type") == "array":
        yield from _faults(schema.get("items", {}), f"{place}[]", above)
    elif schema.get("type") == "object":
        yield from _object_faults(schema, place, above)
    elif not {"type", "enum", "const"} & schema.keys():
        yield f"{place} is anything"


def _object_faults(schema, place, above):
    properties = schema.get("properties", {})
    if not properties and not schema.get("additionalProperties"):
        yield f"{place} is an object of anything"
    for name, field in properties.items():
        if not any("description" in part for part in (field, *field.get("anyOf", []))):
            yield f"{place}.{name} has no description"
        if not _has_example(field):
            yield f"{place}.{name} has no example"
        yield from _faults(field, f"{place}.{name}", above)


def _has_example(field):
    try:
        example_of(field, SCHEMAS)
    except NoExample:
        return False
    return True


@pytest.mark.parametrize("name", SUCCESSES)
def test_an_answer_leaves_nothing_open(name):
    """Each field has a type, a description and an example, down to the last one."""
    assert [] == list(_faults(ANSWERS[name]["schema"], name))


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_no_answer_leaves_nothing_open(name):
    """Errors and the data of events are described as well."""
    assert [] == list(_faults({"$ref": REF + name}, name))


@pytest.mark.parametrize("name", SUCCESSES)
def test_an_answer_has_an_example(name):
    """Made of those of its fields."""
    assert "example" in ANSWERS[name]


def test_examples_are_as_the_schemas_say():
    """Those of errors, too."""
    examples = defaultdict(list)
    for content in ANSWERS.values():
        named = [example["value"] for example in content.get("examples", {}).values()]
        examples[content["schema"]["$ref"]] += named or [content.get("example")]
    wrong = [
        (ref, error.message)
        for ref, values in examples.items()
        for error in Draft202012Validator(
            {"type": "array", "items": {"$ref": ref}, "components": DOCUMENT["components"]}
        ).iter_errors(values)
    ]

    assert [] == wrong


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_every_operation_says_how_it_may_end(path):
    """Well or badly; health checks are never refused."""
    statuses = [set(operation["responses"]) for operation in DOCUMENT["paths"][path].values()]
    errors = set() if path.startswith("/health") else {"4XX", "5XX"}

    assert all(errors <= each and any(status.startswith("2") for status in each) for each in statuses)


def test_every_reference_leads_somewhere():
    """No schema is missing, and none is there for nothing."""
    text = msgspec.json.encode(DOCUMENT).decode()
    names = {part.partition('"')[0] for part in text.split(f'"$ref":"{REF}')[1:]}

    assert set(SCHEMAS) == names


@pytest.mark.parametrize("slug", TABLE)
def test_an_error_is_what_its_struct_says(slug):
    """Every row of the table, with all that it adds: nothing more, and in the same order."""
    body = error_example(slug)

    assert body == msgspec.to_builtins(msgspec.convert(body, ErrorAnswer, strict=True))
