"""Expressions, templates and responses that try to cost as much as they can, for Hypothesis to combine."""

import json

from hypothesis import strategies as st

from imagegen_adapters.providers.document.calls import write_body
from imagegen_adapters.providers.document.expressions import (
    MAX_EXPRESSION_CHARS,
    Budget,
    Expression,
    Malformed,
    UpstreamResponse,
)
from imagegen_adapters.providers.document.operations import BodySpec, ImageRule, ResponseSpec
from imagegen_adapters.providers.document.reading import check_size, parse_document
from imagegen_adapters.providers.document.results import find_images
from imagegen_adapters.providers.document.templates import Template
from imagegen_core.errors import CallError, ValidationFailed

RESPONSE = {
    "data": [{"url": f"https://x/{i}", "n": i, "text": "猫" * 50} for i in range(2000)],
    "words": [f"{'a' * 2000}{i}" for i in range(500)],
    "same": ["b" * 60_000, "b" * 59_999 + "c"] * 200,
    "numbers": list(range(20_000)),
    "mixed": [True, "x", 1.5, None, {}, float("nan"), float("inf"), 10**4000, -1],
    "text": "x" * 60_000,
    "digits": "9" * 4000,
    "deep": json.loads("[" * 300 + "]" * 300),
    "n": 5,
}
"""As long and as awkward as one can be that is parsed."""

COSTLY = (
    "'a'" + "|[@,@]" * 40 + "|to_string(@)",
    "'a'" + "|[@,@]" * 40 + "|@ == [@,@]",
    "data[].[@,@,@,@,@,@,@,@][][]",
    "[numbers,numbers,numbers,numbers][][::-1]",
    "sort_by(same[].[@][], &@)",
    "sort(same)",
    "contains(same, text)",
    "contains(deep, deep)",
    "join(text, words)",
    "data[].[@.a.b.c.d, @]",
    "map(&to_string(@), data)",
    "||".join(["data[?@ == 'x']"] * 50),
)
"""Expressions that would take long, or much memory."""

_FIELDS = st.sampled_from([*RESPONSE, "data[].text", "data[*].n", "mixed[]", "data[0]", "*", "nothing", "@"])
_STARTS = _FIELDS | st.sampled_from(
    ["'a'", "`[1, [2, [3]]]`", "[data, numbers, words]", "{a: data, b: same}", "$.data", "header:x-id", "$.*"]
)
_UNARY = st.sampled_from(
    (
        *("abs", "avg", "ceil", "floor", "keys", "length", "max", "min", "not_null", "reverse", "sort"),
        *("sum", "to_array", "to_number", "to_string", "type", "values", "merge", "nonsense"),
    )
)
_STEPS = st.one_of(
    st.sampled_from(
        (
            *("[@,@]", "[@,@,@,@,@,@,@,@]", "{a: @, b: @}", "[]", "[*]", "[][]", "@[]", "[::-1]", "[:3]"),
            *("[?@ == @]", "[?@ < `5`]", "[?contains(@, 'x')]", "[?@ == [@, @]]", "*", "*.*", "[0]", "!@"),
            *("@ == @", "@ != [@, @]", "@ && @ || @", "map(&[@, @, @, @], @)", "map(&to_string(@), @)"),
            *("sort_by(@, &@)", "max_by(@, &to_string(@))", "min_by(@, &n)", "contains(@, @)", "merge(@, @)"),
            *("join(to_string(@), @)", "join('aaaaaaaaaaaaaaaaaaaaaaa', @)", "contains(@, [@])", "[::0]"),
            *("ends_with(@, @)", "[@,@][]", "{a: @}.*", "map(&map(&@, @), @)", "sort_by(@, &to_string(@))"),
        )
    ),
    _UNARY.map(lambda name: f"{name}(@)"),
)


@st.composite
def expressions(draw):
    """An expression: a start, and steps that may be repeated."""
    text = draw(_STARTS)
    for step in draw(st.lists(_STEPS, min_size=1, max_size=6)):
        text += f"|{step}" * draw(st.sampled_from((1, 1, 2, 8, 30)))
    if draw(st.integers(0, 4)) == 0:
        text = "||".join([text, draw(_STARTS)] * draw(st.sampled_from((1, 20))))
    return text[:MAX_EXPRESSION_CHARS]


PROMPT = "猫" * 32_000
SCOPE = {
    "prompt": PROMPT,
    "negative_prompt": "x" * 500_000,
    "params": {"list": [{"a": [1, 2, 3]}] * 1000, "text": "y" * 900_000, "words": ["z" * 1000] * 300},
    "vars": {},
}
_VALUES = st.sampled_from(
    (
        "${prompt}",
        "${negative_prompt}",
        "${params}",
        "${params.list}",
        "${params.words}",
        "${item}",
        "c" * 9000,
    )
)


def _directives(inner):
    lists = st.sampled_from(("params.list", "params.words", "item.a"))
    return st.one_of(
        st.builds(lambda path, item: {"$each": path, "$item": item}, lists, inner),
        st.builds(lambda items: {"$concat": items}, st.lists(inner, max_size=4)),
        st.builds(lambda item: {"$default": ["${vars.x}", item]}, inner),
        st.builds(lambda item: {"$map": item, "$to": {"1": item}}, inner),
        st.builds(lambda item, path: {"$if": path, "$then": item, "$else": item}, inner, lists),
        st.builds(
            lambda path, key, item: {"$spread": {"$each": path, "$key": key, "$value": item}},
            *(lists, _VALUES, inner),
        ),
        st.builds(lambda item, n: {f"k{i}": item for i in range(n)}, inner, st.sampled_from((1, 3, 30))),
        st.builds(lambda item, n: [item] * n, inner, st.sampled_from((1, 3, 100))),
    )


templates = st.recursive(
    _VALUES | st.builds(lambda value, n: value * n, _VALUES, st.sampled_from((2, 28, 300))),
    _directives,
    max_leaves=12,
)


def read(text):
    """Read a response with an expression as a document does, in each of its roles; return how it ended."""
    try:
        expression = Expression.parse(text)
    except Malformed:
        return "refused"
    response = UpstreamResponse(status=200, headers={"x-id": "1"}, tree=RESPONSE)
    spec = ResponseSpec(
        images=(ImageRule(select=expression, url=expression, blocked_if=expression, seed=expression),),
        meta={"x": expression},
    )
    try:
        find_images(response, spec, "http://x")
    except CallError:
        return "failed"
    return "skipped" if response.skipped else "read"


def save(text):
    """Save a document with an expression that also decorates; return how it ended."""
    response = {"images": [{"select": text, "url": text}], "meta": {f"m{i}": text for i in range(20)}}
    operation = {"request": {"path": "/x"}, "response": response}
    try:
        parse_document({"schema": 1, "id": "x", "operations": {"generate": operation}}, "spec")
    except ValidationFailed:
        return "refused"
    return "saved"


def write(source):
    """Write the body of a request by a template as JSON, and as a form; return how it ended."""
    try:
        check_size(source, "spec")
        template = Template.parse(source)
    except (Malformed, ValidationFailed):
        return "refused"
    try:
        rendered = template.render(SCOPE, Budget())
        for kind in ("json", "form"):
            write_body(BodySpec(type=kind), rendered)
    except CallError:
        return "failed"
    return "written"
