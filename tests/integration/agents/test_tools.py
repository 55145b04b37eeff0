"""Each tool over each transport, with the official client."""

import base64
import io
import json
import threading

import pytest
from mcp.shared.exceptions import MCPError
from PIL import Image

from tests.integration.api.asking import TASKS, data, total

PROVIDER = "stable-diffusion"
SMALL = {"width": 256, "height": 128}


def thumbnails(result):
    return [block for block in result.content if block.type == "image"]


def links(result):
    return [block for block in result.content if block.type == "resource_link"]


def make_image(agent, prompt, **more):
    """Make an image and return what is shown of it."""
    (image,) = agent.data("generate_image", prompt=prompt, **SMALL, **more)["images"]
    return image


def test_the_tools_say_what_they_take_and_do(agent):
    """A program asks before it calls what changes something, by the hints."""
    tools = {tool.name: tool for tool in agent.do(agent.client.list_tools).tools}
    reading = {name for name, tool in tools.items() if tool.annotations.read_only_hint}

    assert {"generate_image", "edit_image", "cancel_task"} == tools.keys() - reading
    assert {"get_task", "search_images", "get_image", "list_models", "estimate_cost"} == reading
    assert all(tool.output_schema["type"] == "object" and tool.description for tool in tools.values())


def test_an_image_is_made_and_shown(agent, api):
    """As data, as a thumbnail, and as a link to its bytes."""
    result = agent.call("generate_image", prompt="一只可爱的猫", n=2, **SMALL)
    task, sizes = result.structured_content, []
    for block in thumbnails(result):
        with Image.open(io.BytesIO(base64.b64decode(block.data))) as thumbnail:
            sizes.append((thumbnail.format, thumbnail.size))

    assert ("completed", False, []) == (task["status"], task["replayed"], task["costs"])
    assert [("WEBP", (256, 128))] * 2 == sizes
    assert [image["resource"] for image in task["images"]] == [link.uri for link in links(result)]
    assert [200, 200] == [api.get(image["url"]).status_code for image in task["images"]]
    assert json.loads(result.content[0].text) == task


def test_a_resource_has_the_bytes(agent, api):
    image = make_image(agent, "bytes")
    (content,) = agent.do(agent.client.read_resource, image["resource"]).contents

    assert api.get(image["url"]).content == base64.b64decode(content.blob)
    assert "image/png" == content.mime_type


def test_the_newest_images_are_listed_as_resources(agent):
    image = make_image(agent, "the newest")
    listed = agent.do(agent.client.list_resources).resources

    assert image["resource"] == listed[0].uri


@pytest.mark.parametrize("uri", ["image://999999", "image://0", "image://7/../8", "file:///etc/passwd"])
def test_an_unknown_resource_is_an_error(agent, uri):
    with pytest.raises(MCPError):
        agent.do(agent.client.read_resource, uri)


def test_chinese_is_found(agent):
    """Without spaces, also simplified for traditional; the newest first."""
    make_image(agent, "雪山下的湖泊")
    matches = agent.data("search_images", keyword="湖泊", limit=1)
    traditional = agent.data("search_images", keyword="雪山下的湖泊")

    assert ["雪山下的湖泊"] == [image["prompt"] for image in matches["images"]]
    assert matches["images"] == traditional["images"][:1]


def test_without_a_keyword_the_newest_are_found(agent):
    image = make_image(agent, "the latest")

    assert [image] == agent.data("search_images", limit=1)["images"]


def test_a_long_prompt_is_whole_where_one_image_is_asked_for(agent):
    """A list of such prompts would fill what an agent can read."""
    prompt = "一" * 1000
    image = make_image(agent, prompt)

    assert 301 == len(image["prompt"])
    assert [prompt] == [shown["prompt"] for shown in agent.data("get_image", image_id=image["id"])["images"]]


def test_a_stored_image_is_edited(agent, api):
    """By its id; several are gone by."""
    image = make_image(agent, "to be changed")
    edited = agent.data("edit_image", prompt="with a hat", image_ids=[image["id"]])
    several = agent.data("edit_image", prompt="together", image_ids=[image["id"], edited["images"][0]["id"]])
    tasks = [data(api.get(f"{TASKS}/{task['task_id']}")) for task in (edited, several)]

    assert ["edit", "reference"] == [task["operation"] for task in tasks]
    assert [image["id"]] == [each["image_id"] for each in tasks[0]["inputs"]]


def test_a_mask_goes_with_one_image(agent):
    first, mask = make_image(agent, "masked"), make_image(agent, "a mask")
    masked = agent.data("edit_image", prompt="a sun", image_ids=[first["id"]], mask_image_id=mask["id"])
    error = agent.error("edit_image", prompt="x", image_ids=[1, 1], mask_image_id=mask["id"])

    assert ("completed", "validation_failed") == (masked["status"], error["code"])
    assert "mask_image_id: goes with one image only" in error["message"]


def test_a_model_that_cannot_edit_goes_by_the_image(agent, api):
    """Its price is asked for in the same way; of one that takes one image, two are too many."""
    (image,) = agent.data("generate_image", prompt="not for editing", provider="goes-by", **SMALL)["images"]
    task = agent.data("edit_image", prompt="something like it", image_ids=[image["id"]], provider="goes-by")
    cost = agent.data("estimate_cost", image_ids=[image["id"]], provider="goes-by")
    error = agent.error("edit_image", prompt="x", image_ids=[image["id"]] * 2, provider=PROVIDER)

    assert "reference" == data(api.get(f"{TASKS}/{task['task_id']}"))["operation"]
    assert ({"cost": None}, "reference_count") == (cost, error["code"])


def test_a_slow_image_is_waited_for_and_asked_for_again(agent, hold, upstream):
    """The answer says how; a wait of no seconds is none."""
    slow = agent.data("generate_image", prompt="slow", provider=PROVIDER, wait_seconds=1)
    now = agent.data("get_task", task_id=slow["task_id"], wait_seconds=0)
    waiting = agent.begin("get_task", task_id=slow["task_id"])
    assert upstream.begun.wait(30)
    hold.set()
    ended = waiting.result(60)

    assert {slow["status"], now["status"]} <= {"pending", "processing"}
    assert slow["task_id"] in slow["next"]
    assert ("completed", 1) == (ended.structured_content["status"], len(thumbnails(ended)))


@pytest.mark.long
@pytest.mark.timeout(240)
def test_an_image_that_takes_fifty_seconds(agent, hold, upstream):
    """With the waits that an agent has unless it asks for others; one call is paid for."""
    charged = len(upstream.ledger)
    timer = threading.Timer(50, hold.set)
    timer.start()
    slow = agent.data("generate_image", prompt="fifty seconds", provider=PROVIDER)
    ended = agent.data("get_task", task_id=slow["task_id"])
    timer.cancel()

    assert ("processing", True) == (slow["status"], slow["task_id"] in slow["next"])
    assert ("completed", 1) == (ended["status"], len(ended["images"]))
    assert charged + 1 == len(upstream.ledger)


def test_a_task_is_cancelled(agent, hold, upstream):
    """That is what was wanted, and no error; asked for later it is one."""
    slow = {"provider": PROVIDER, "wait_seconds": 0}
    agent.data("generate_image", prompt="in the way", **slow)
    assert upstream.begun.wait(30)
    waiting = agent.data("generate_image", prompt="to be cancelled", **slow)["task_id"]
    statuses = {agent.data("cancel_task", task_id=waiting)["status"] for _ in range(2)}
    hold.set()
    error = agent.error("get_task", task_id=waiting)

    assert ({"cancelled"}, "cancelled") == (statuses, error["code"])


def priced_model(agent):
    models = agent.data("list_models", provider="openai")["models"]
    return next(model for model in models if model["price"] is not None)


def test_models_have_prices(agent):
    listed, priced = agent.data("list_models"), priced_model(agent)

    assert ("demo", True) == (listed["default_provider"], len(listed["models"]) > 3)
    assert ("USD", True) == (priced["price"]["currency"], "generate" in priced["operations"])


def test_a_price_is_told_before_anything_is_sent(agent, api):
    before, model = total(api), priced_model(agent)["model_id"]
    cost = agent.data("estimate_cost", provider="openai", model=model, width=1024, height=1024)["cost"]
    free = agent.data("estimate_cost", width=512, height=512)["cost"]

    assert ("estimated", "USD") == (cost["basis"], cost["currency"])
    assert (None, before) == (free, total(api))


def test_a_failure_says_whether_it_may_cost(agent, upstream):
    """Nobody was reached, the provider refused, or nobody knows."""
    dead = agent.error("generate_image", prompt="dead", provider="dead")
    upstream.faults.append("crash")
    unknown = agent.error("generate_image", prompt="crashes", provider=PROVIDER)

    assert ("unavailable", False) == (dead["code"], dead["possible_charge"])
    assert ("outcome_unknown", True) == (unknown["code"], unknown["possible_charge"])


WRONG = [
    ("generate_image", {}, "prompt: is required"),
    ("generate_image", {"prompt": " "}, "prompt"),
    ("generate_image", {"prompt": "a" * 500_000}, "at most 32000"),
    ("generate_image", {"prompt": "a", "n": 11}, "n: must be at most 10"),
    ("generate_image", {"prompt": "a", "n": "many"}, "n: must be an integer"),
    ("generate_image", {"prompt": "a", "wait_seconds": 41}, "wait_seconds: must be at most 40"),
    ("generate_image", {"prompt": "a", "size": "1x1"}, "size: unknown field"),
    ("generate_image", {"prompt": ["a"]}, "prompt: must be a string"),
    ("generate_image", {"prompt": "a", "width": 10**30}, "width: must be at most 16384"),
    ("generate_image", {"prompt": "a", "provider": "nobody"}, "not configured"),
    ("generate_image", {"prompt": "a", "model": "nothing"}, "'nothing' is not among"),
    ("generate_image", {"prompt": "a", "idempotency_key": "with spaces"}, "visible ASCII"),
    ("generate_image", {"prompt": "a", "idempotency_key": "猫"}, "visible ASCII"),
    ("generate_image", {"prompt": "a", "idempotency_key": "a\r\nb: c"}, "visible ASCII"),
    ("edit_image", {"prompt": "a", "image_ids": []}, "image_ids"),
    ("edit_image", {"prompt": "a", "image_ids": [999_999]}, "999999"),
    ("edit_image", {"prompt": "a", "image_ids": [10**40]}, "image_ids.0"),
    ("edit_image", {"prompt": "a", "image_ids": [1] * 15}, "image_ids"),
    ("get_task", {"task_id": "../images"}, "task"),
    ("get_task", {"task_id": "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a"}, "task"),
    ("get_task", {"task_id": "0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a\n"}, "task_id: must match"),
    ("cancel_task", {"task_id": "?"}, "task"),
    ("get_image", {"image_id": 999_999}, "image"),
    ("search_images", {"keyword": ""}, "keyword"),
    ("search_images", {"keyword": "a", "limit": 21}, "limit"),
    ("list_models", {"provider": 7}, "provider"),
]


@pytest.mark.parametrize(("tool", "arguments", "reason"), WRONG, ids=[f"{t} {r}" for t, _, r in WRONG])
def test_wrong_arguments_are_told_and_cost_nothing(agent, api, tool, arguments, reason):
    """In the caller's language."""
    before = total(api)
    error = agent.error(tool, **arguments)

    assert reason.lower() in error["message"].lower()
    assert (False, before) == (error["possible_charge"], total(api))


def test_nulls_and_numbers_in_quotes_are_taken(agent):
    """Models write them."""
    task = agent.data("generate_image", prompt="quoted", width="64", height="64", n=None, provider=None)

    assert 64 == task["images"][0]["width"]


def test_an_unknown_tool_is_an_error_of_the_protocol(agent):
    with pytest.raises(MCPError, match="no tool nothing"):
        agent.call("nothing")


def test_forty_calls_at_once_are_forty_images(agent):
    calls = [
        ("generate_image", {"prompt": f"one of forty, {n}", "width": 64, "height": 64}) for n in range(40)
    ]
    tasks = [result.structured_content for result in agent.together(calls)]

    assert {"completed"} == {task["status"] for task in tasks}
    assert 40 == len({task["images"][0]["id"] for task in tasks})


def test_a_result_has_at_most_900_kilobytes(agent, upstream):
    """However many images there are, and however badly they can be made smaller; the data are complete."""
    task = agent.data("generate_image", prompt="noise", provider=PROVIDER, width=3200, height=3200, n=10)
    result = agent.call("search_images", keyword="noise", limit=20)
    size = len(json.dumps([block.model_dump(mode="json") for block in result.content]))

    assert (10, True) == (len(task["images"]), 0 < len(thumbnails(result)) < 10)
    assert size + len(json.dumps(result.structured_content)) < 900_000


def test_a_large_image_is_opened_by_its_url(agent, api, upstream):
    """Not by its resource, which would be in memory several times on both sides."""
    upstream.spoilt.append(upstream._images({"width": 11200, "height": 11200}))
    task = agent.data("generate_image", prompt="large", provider=PROVIDER)
    (image,) = task["images"]
    with pytest.raises(MCPError, match=image["url"]):
        agent.do(agent.client.read_resource, image["resource"])

    assert image["size_bytes"] > 5 * 1024 * 1024
    assert 200 == api.get(image["url"]).status_code
