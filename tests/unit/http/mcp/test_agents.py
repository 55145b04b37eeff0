"""What agents are told of the tools, and how much of a result they get."""

import asyncio
import gc
import json
import weakref
from types import SimpleNamespace

import httpx
import multipart
import pytest
from mcp_types import CallToolResult, ListToolsResult, ReadResourceRequestParams

from imagegen_core import limits
from imagegen_http.guard.delivery import CALLER, Caller
from imagegen_http.mcp import server, tools
from imagegen_http.mcp.tools import TOOLS, Api

pytestmark = pytest.mark.anyio

IMAGE = {"mime_type": "image/png", "size_bytes": 7, "prompt": "a", "width": 1, "height": 1}


def api(status=200, content=b"x"):
    async def send(method, path, **request):
        return httpx.Response(status, content=content)

    return Api(send)


async def result(count, *, links=True, **answer):
    outcome = {"images": [{"id": number, **IMAGE} for number in range(count)]}
    return await server._result(api(**answer), outcome, links=links)


def kinds(shown):
    return [block["type"] for block in shown["content"]]


async def test_each_image_has_a_thumbnail_and_a_link():
    assert ["text", *["image", "resource_link"] * 2] == kinds(await result(2))


async def test_an_old_protocol_has_no_links():
    assert ["text", "image", "image"] == kinds(await result(2, links=False))


@pytest.mark.parametrize("answer", [{"content": b"x" * 200_001}, {"status": 503}])
async def test_without_a_small_thumbnail_there_is_the_link(answer):
    """Too large, or its store does not answer: the images are made and paid for all the same."""
    assert ["text", "resource_link"] == kinds(await result(1, **answer))


async def test_of_an_svg_there_is_the_link_alone():
    """Nobody asks for a thumbnail that it cannot have."""
    drawing = {"id": 7, **IMAGE, "mime_type": "image/svg+xml"}

    shown = await server._result(api(status=500), {"images": [drawing]}, links=True)

    assert ["text", "resource_link"] == kinds(shown)


async def test_images_that_find_no_room_are_in_the_data():
    """As many thumbnails as go into 900 kB."""
    shown = await result(10, content=b"x" * 200_000)

    assert (10, 3) == (len(shown["structuredContent"]["images"]), kinds(shown).count("image"))
    assert len(json.dumps(shown)) < server.MAX_RESULT_BYTES


async def test_an_accepted_task_is_told_although_nothing_else_answers():
    """It may cost money, so its id must not be lost."""
    accepted = {"task_id": "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a", "status": "pending"}

    async def send(method, path, **request):
        return httpx.Response(202, json={"data": accepted}) if method == "POST" else httpx.Response(503)

    outcome = await TOOLS["generate_image"].call(Api(send), {"prompt": "a"})

    assert ("pending", []) == (outcome["status"], outcome["images"])
    assert accepted["task_id"] in outcome["next"]


async def test_an_image_without_a_link_is_shown():
    record = {
        **IMAGE,
        "id": 7,
        "task_id": "t",
        "provider": "p",
        "model_id": "m",
        "cost": None,
        "created_at": "",
    }
    image = await api(503).shown(record)

    assert ("image://7", False) == (image["resource"], "url" in image)


async def test_an_answer_is_freed_without_a_garbage_collection():
    """Thirty reads of an image of 5 MB took 300 MB of memory."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"an image", "more_body": False})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        gc.disable()
        try:
            response = await Api(client.request).respond("GET", "images/7/content")
            content, answer = response.content, weakref.ref(response)
            del response

            assert (b"an image", None) == (content, answer())
        finally:
            gc.enable()


async def test_who_left_while_an_image_was_read_holds_no_slot():
    """Else four of them end all reads."""
    caller = Caller(asyncio.create_task(asyncio.sleep(0)))
    await caller.leave(arrived=False)
    own = server.Handlers(lambda _: api(content=json.dumps({"data": {"id": 7, **IMAGE}}).encode()))
    context = SimpleNamespace(request=SimpleNamespace(scope={CALLER: caller}))
    async with asyncio.timeout(10):
        for _ in range(5):
            read = await own.read_resource(context, ReadResourceRequestParams(uri="image://7"))

    assert 1 == len(read["contents"])


async def test_a_foreign_answer_is_a_failure():
    """Of a proxy, for example: nobody knows whether a request for an image got through."""
    with pytest.raises(tools.ToolFailed) as failed:
        await api(502).respond("POST", "tasks/generate")

    assert ("unavailable", True) == (failed.value.code, failed.value.outcome["error"]["possible_charge"])


def test_the_table_is_what_the_protocol_wants():
    """A program refuses a whole list for one tool that is not."""
    listed = ListToolsResult.model_validate({"tools": [tool.listed for tool in TOOLS.values()]})

    assert [*TOOLS] == [tool.name for tool in listed.tools]


def test_a_failure_is_what_the_protocol_wants():
    failed = tools.ToolFailed("rejected", "no", may_cost=True)
    shown = CallToolResult.model_validate(server._texts(failed.outcome))

    assert (True, failed.outcome) == (shown.is_error, shown.structured_content)


def test_the_listing_is_short():
    """A program reads it at each start, and pays for it by the token."""
    assert len(json.dumps([tool.listed for tool in TOOLS.values()])) < 20_000


@pytest.mark.parametrize(
    ("argument", "word", "limit"),
    [
        ("prompt", "maxLength", limits.MAX_PROMPT_CHARS),
        ("provider", "maxLength", limits.MAX_PROVIDER_NAME_CHARS),
        ("model", "maxLength", limits.MAX_MODEL_ID_CHARS),
        ("width", "maximum", limits.MAX_SIDE_PIXELS),
        ("height", "maximum", limits.MAX_SIDE_PIXELS),
        ("n", "maximum", limits.MAX_NUM),
        ("idempotency_key", "maxLength", limits.MAX_IDEMPOTENCY_KEY_CHARS),
    ],
)
def test_the_bounds_are_those_of_the_api(argument, word, limit):
    inputs = TOOLS["generate_image"].listed["inputSchema"]["properties"]

    assert limit == inputs[argument][word]


def test_as_many_images_are_taken_as_the_api_takes():
    inputs = TOOLS["edit_image"].listed["inputSchema"]["properties"]

    assert limits.MAX_REFERENCES == inputs["image_ids"]["maxItems"]


def test_the_sdk_leaves_our_multipart_alone():
    """`python-multipart`, which it needs, installs a package of the same name over our module."""
    assert hasattr(multipart, "PushMultipartParser")
