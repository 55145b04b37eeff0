"""The OpenAPI document can be read in both languages, and each of its operations can be tried as it is."""

import asyncio
import re
import threading
from pathlib import Path

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator

from imagegen_core.messages import Language
from imagegen_http import document as outline
from imagegen_http.document import Newest, Renderings, _mapped, chinese_texts
from imagegen_http.errors import TABLE
from imagegen_http.settings.schema import ServerSettings, Settings
from tests.openapi import JSON, application, document, operations

ENGLISH, CHINESE = document(), document(Language.ZH)
OPERATIONS = operations(ENGLISH)
BODIES = {
    name: operation["requestBody"]["content"][JSON]
    for name, operation in OPERATIONS.items()
    if "requestBody" in operation
}
TEXTS = "src/imagegen_http/chinese.yaml"


def _parameters():
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            yield pytest.param(parameter, id=f"{name} {parameter['name']}")


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does(name):
    """In one line of a list, and in a few sentences below it."""
    summary, description = OPERATIONS[name]["summary"], OPERATIONS[name]["description"]

    assert summary, f"{name}: give its handler a docstring, whose first line becomes the summary"
    assert description, (
        f"{name}: give the docstring of its handler a second paragraph that says what comes back, or what to "
        "know; it becomes the description"
    )


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_in_a_group_of_the_page(name):
    """The groups have an order and a description."""
    groups = {tag.name for tag in outline.TAGS}

    assert set(OPERATIONS[name]["tags"]) <= groups, f"{name}: add its tag to TAGS in {outline.__file__}"


@pytest.mark.parametrize("parameter", list(_parameters()))
def test_a_parameter_is_described_and_can_be_tried(parameter):
    """One that must be there has an example."""
    name = parameter["name"]

    assert parameter.get("description"), f"give {name} a description"
    assert "example" in parameter or not parameter["required"], (
        f'give {name} an example: schema_extra={{"examples": ["…"]}}'
    )


@pytest.mark.parametrize("name", BODIES)
def test_a_body_has_an_example_that_it_takes(name):
    """Made of the examples of its fields."""
    body = BODIES[name]
    assert "example" in body, (
        f"{name}: give each field of its body that must be there an example, with doc() of "
        "imagegen_http.schemas"
    )
    schema = {**body["schema"], "components": ENGLISH["components"]}

    assert [] == [error.message for error in Draft202012Validator(schema).iter_errors(body["example"])]


@pytest.mark.parametrize("name", BODIES)
def test_a_body_describes_its_fields(name):
    """Each of them."""
    schema = ENGLISH["components"]["schemas"][BODIES[name]["schema"]["$ref"].rpartition("/")[2]]
    silent = [
        field
        for field, about in schema["properties"].items()
        if not any("description" in part for part in (about, *about.get("anyOf", [])))
    ]

    assert [] == silent, f"{name}: describe these fields with doc() of imagegen_http.schemas"


def sentences(document):
    """Return what must be translated: all texts with letters but those of the error table."""
    texts = set()
    _mapped(document, lambda paragraph: texts.add(paragraph.removesuffix(".")) or paragraph)
    texts -= {row.en for row in TABLE.values()}
    return {text for text in texts if re.search(r"[^\W\d_]", re.sub("`[^`]*`", "", text))}


def test_every_text_has_its_chinese():
    """In one file, by the English text."""
    missing = sorted(sentences(ENGLISH) - set(chinese_texts()))
    lines = "\n".join(f'{msgspec.json.encode(text).decode()}: "…"' for text in missing)

    assert [] == missing, f"add the Chinese of these texts to {TEXTS}, in the order of the English:\n{lines}"


def test_no_chinese_is_left_of_a_text_that_is_gone():
    """Its line would never be read."""
    unused = sorted(set(chinese_texts()) - sentences(ENGLISH))

    assert [] == unused, f"remove these texts from {TEXTS}, or give them their new English"


def test_the_chinese_texts_are_in_order():
    """That of the English ones, so that two people seldom add to the same place."""
    assert sorted(chinese_texts()) == list(chinese_texts()), f"sort the lines of {TEXTS}"


def test_code_is_the_same_in_both_languages():
    """Names, values and addresses are no words."""
    code = re.compile(r"`+[^`]+`+")
    different = [
        english
        for english, chinese in chinese_texts().items()
        if sorted(set(code.findall(english))) != sorted(set(code.findall(chinese)))
    ]

    assert [] == different


def test_a_text_has_no_line_of_its_own_twice():
    """YAML would take the last one without a word."""
    root = Path(__file__).parents[3]
    lines = [line for line in (root / TEXTS).read_text("utf-8").splitlines() if not line.startswith("#")]

    assert len(chinese_texts()) == len(lines)


def test_the_documents_differ_in_words_alone():
    """What a program reads is the same in both."""

    def without_words(part):
        if isinstance(part, list):
            return [without_words(item) for item in part]
        if not isinstance(part, dict):
            return part
        words = ("description", "summary", "value")
        return {
            k: without_words(v) for k, v in part.items() if k not in words or not isinstance(v, str | dict)
        }

    assert without_words(ENGLISH) == without_words(CHINESE)


def test_errors_are_shown_in_the_language_of_the_document():
    """As their callers see them."""
    path = ENGLISH["paths"]["/api/v1/tasks/{task_id}"]["get"]["responses"]["404"]["content"][JSON]["examples"]
    chinese = CHINESE["paths"]["/api/v1/tasks/{task_id}"]["get"]["responses"]["404"]["content"][JSON][
        "examples"
    ]

    assert re.search("[a-z]", path["task_not_found"]["value"]["message"])
    assert re.search("[\u4e00-\u9fff]", chinese["task_not_found"]["value"]["message"])
    assert re.search("[\u4e00-\u9fff]", chinese["task_not_found"]["summary"])


def test_a_token_is_asked_for_where_it_is_needed():
    """Without the setting nothing needs one; health never does."""
    closed = document(settings=Settings(server=ServerSettings(auth_token="a-token-of-sixteen")))
    schemes = set(closed["components"]["securitySchemes"])

    assert {"token", "session"} == schemes
    assert [{"token": []}, {"session": []}] == closed["security"]
    assert [{}, {"token": []}, {"session": []}] == ENGLISH["security"]
    assert {"/health", "/health/live", "/health/ready"} == {
        name.partition(" ")[2]
        for name, operation in operations(closed).items()
        if operation.get("security") == []
    }


def test_what_can_be_deleted_is_there_until_all_else_was_tried():
    """In the order of the document, whose first operation makes an image."""
    names = list(OPERATIONS)

    assert "POST /api/v1/tasks/generate" == names[0]
    resources = [name.partition(" ")[2] for name in names if name.startswith("DELETE ")]
    for resource in resources:
        others = [name for name in names if f" {resource}" in name and not name.startswith("DELETE ")]
        assert max(map(names.index, others)) < names.index(f"DELETE {resource}")


def test_addresses_begin_where_the_document_is():
    """Below any prefix that a proxy has."""
    assert ["."] == [server["url"] for server in ENGLISH["servers"]]


def test_only_the_body_of_a_rerun_may_be_missing():
    """Generated clients ask for all others."""
    bodies = {name: OPERATIONS[name]["requestBody"].get("required") for name in BODIES}

    assert ["POST /api/v1/tasks/{task_id}/rerun"] == [
        name for name, is_needed in bodies.items() if not is_needed
    ]


class _Watched:
    """An application whose routes can be read once `is_wanted` is set."""

    def __init__(self, app):
        self.state, self.plugins, self.is_wanted = app.state, app.plugins, threading.Event()
        self._app = app

    @property
    def openapi_schema(self):
        assert self.is_wanted.wait(10), "the event loop is blocked"
        return self._app.openapi_schema


@pytest.mark.anyio
async def test_others_are_served_while_the_document_is_made():
    """It takes half a second the first time; several who ask for it get the same."""
    app = _Watched(application())
    renderings = Renderings(app)
    contents = [asyncio.create_task(renderings.content(language, Newest())) for language in Language] * 2
    await asyncio.sleep(0)
    app.is_wanted.set()
    english, chinese, *others = await asyncio.gather(*contents)

    assert [english, chinese] == others
    assert ENGLISH == msgspec.json.decode(english.body)


def test_there_is_no_other_way_to_the_document():
    """Litestar would make it on the event loop."""
    assert [] == [route.path for route in application().routes if route.path.startswith("/openapi/")]


def test_no_route_has_a_handler_of_its_own_for_options():
    """Each would take as long to build as one that does something; the answer is the same for all routes."""
    handlers = [each for route in application().routes for each in getattr(route, "route_handlers", ())]

    assert 90 < len(handlers)
    assert [] == [str(each) for each in handlers if "OPTIONS" in each.http_methods]
