"""What is wrong with a body is found by its type, and agrees with msgspec's own judgement."""

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from imagegen_core.requests import Operation
from imagegen_http.api import images, marks, operations, providers, requests, tasks, upkeep
from imagegen_http.openai.requests import ImageEdit, ImageGeneration
from imagegen_http.schemas import Body
from imagegen_http.shapes import problems_of

BODIES = (
    *(
        kind
        for module in (images, marks, providers, upkeep, tasks, requests, operations)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Body)
    ),
    *operations.OPERATION_BODIES.values(),
    ImageGeneration,
    ImageEdit,
)
SCALARS = st.sampled_from(
    [None, True, False, 0, 1, -1, 11, 1.5, 3600.5, -0.5, "", "a", "A b", "url", "x" * 65, "x" * 9000]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "image_url", "timeout", "zzz"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def rows_of(value, declared, **options):
    return [(p.field, str(p.reason.code), p.message) for p in problems_of(value, declared, **options)]


def refuses(value, declared):
    try:
        msgspec.json.decode(json.dumps(value), type=declared)
    except msgspec.ValidationError:
        return True
    return False


@given(st.data())
def test_it_agrees_with_msgspec(data):
    """About every body that the API takes: something is wrong exactly where msgspec says so."""
    declared = data.draw(st.sampled_from(BODIES))
    names = [field.encode_name for field in msgspec.structs.fields(declared)]
    value = data.draw(st.dictionaries(st.sampled_from([*names, "zzz"]), VALUES, max_size=6) | VALUES)

    assert refuses(value, declared) == bool(rows_of(value, declared))


@pytest.mark.parametrize(
    ("declared", "value", "code", "message"),
    [
        (str, 1, "wrong_type", "must be a string"),
        (int, "1", "wrong_type", "must be an integer"),
        (int, 1.5, "wrong_type", "must be an integer"),
        (int, True, "wrong_type", "must be an integer"),
        (float, "1", "wrong_type", "must be a number"),
        (float, float("inf"), "not_representable", "is a number out of range"),
        (bool, 1, "wrong_type", "must be true or false"),
        (bool | None, 1, "wrong_type", "must be true or false"),
        (dict[str, Any], [], "wrong_type", "must be an object"),
        (list[str], {}, "wrong_type", "must be an array"),
        (str | list[str], 1, "wrong_type", "must be a string or an array"),
        (Annotated[str, Meta(min_length=1)], "", "empty", "must not be empty"),
        (Annotated[str, Meta(min_length=2)], "a", "too_short", "must be at least 2 characters"),
        (Annotated[str, Meta(max_length=1)], "ab", "too_long", "must be at most 1 characters"),
        (Annotated[str, Meta(pattern="^a$")], "b", "not_matching", "must match ^a$"),
        (Annotated[int, Meta(ge=1)], 0, "too_small", "must be at least 1"),
        (Annotated[int, Meta(gt=1)], 1, "not_above", "must be greater than 1"),
        (Annotated[float, Meta(le=1)], 1.5, "too_large", "must be at most 1"),
        (Annotated[float, Meta(lt=1)], 1, "not_below", "must be less than 1"),
        (Annotated[list[str], Meta(min_length=1)], [], "too_few_items", "must have at least 1 items"),
        (Annotated[list[str], Meta(max_length=1)], ["a", "b"], "too_many_items", "must have at most 1 items"),
        (Literal["a", "b"], "c", "not_one_of", "must be one of a, b"),
        (Operation, "draw", "not_one_of", f"must be one of {', '.join(Operation)}"),
    ],
)
def test_every_kind_of_constraint_has_its_code(declared, value, code, message):
    """All that msgspec checks of the types that bodies and queries declare."""
    assert [("body", code, message)] == rows_of(value, declared)


def test_everything_that_is_wrong_is_named_by_its_path():
    """Where msgspec stops at the first."""
    body = {"models": [{"id": "a"}, {"name": "x" * 201}], "timeout_seconds": 0, "unknown": 1}

    assert [
        ("models.1.id", "required"),
        ("models.1.name", "too_long"),
        ("provider_name", "required"),
        ("timeout_seconds", "not_above"),
        ("unknown", "unknown_field"),
    ] == sorted((field, code) for field, code, _ in rows_of(body, providers.ProviderConfigBody))


def test_a_number_out_of_range_is_found_in_what_may_be_anything():
    """JSON may spell one that nothing holds."""
    body = json.loads('{"params": {"a": [1, 1e999]}}')

    assert [("params.a.1", "not_representable", "is a number out of range")] == rows_of(
        body, operations.OPERATION_BODIES[Operation.GENERATE]
    )


@pytest.mark.parametrize(
    ("declared", "text", "code"),
    [
        (Annotated[int, Meta(ge=1)], "0", "too_small"),
        (Annotated[int, Meta(ge=1)], "5", None),
        (int, "five", "wrong_type"),
        (float, "1.5", None),
        (bool, "true", None),
        (bool | None, "perhaps", "wrong_type"),
        (str, "5", None),
    ],
)
def test_a_query_and_a_form_write_numbers_as_text(declared, text, code):
    """And a text that is no number stays one."""
    codes = [code for _, code, _ in rows_of(text, declared, path="page", from_text=True)]

    assert ([] if code is None else [code]) == codes
