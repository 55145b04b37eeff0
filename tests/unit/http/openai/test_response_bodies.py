"""Response bodies that are encoded while images are read."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_core.images import Image, MediaType
from imagegen_core.requests import Operation
from imagegen_http.openai.responses import Style, encode_pieces, event_pieces, json_pieces, length_of
from tests.contracts.samples import NOW, a_task

pytestmark = pytest.mark.anyio

TASK = a_task(completed_at=NOW)
USAGE = {"total_tokens": 3, "input_tokens": 1, "output_tokens": 2, "input_tokens_details": {"text_tokens": 1}}


def image(number, content=b"12345", **more):
    return Image(
        **{
            "id": number,
            "task_id": TASK.task_id,
            "attempt_id": "a",
            "position": number,
            "operation": Operation.GENERATE,
            "prompt": "猫",
            "provider_name": "demo",
            "model_id": "demo",
            "mime_type": MediaType.JPEG,
            "width": 64,
            "height": 32,
            "size_bytes": len(content),
            "sha256": "",
            "blob_key": str(number),
            "created_at": NOW,
            **more,
        }
    )


async def text_of(pieces, chunks):
    async def open_blob(key):
        for chunk in chunks[int(key)]:
            yield chunk

    return b"".join([part async for part in encode_pieces(pieces, open_blob)])


async def test_an_svg_without_a_size_says_none():
    """And its format as the request names it."""
    drawing = image(0, mime_type=MediaType.SVG, width=0, height=0)

    body = json.loads(await text_of(json_pieces(TASK, [drawing], Style()), {0: [b"<svg/>"]}))

    assert ("svg", False) == (body["output_format"], "size" in body)


@given(st.lists(st.lists(st.binary(max_size=7), max_size=5), max_size=3))
async def test_the_bytes_survive_any_chunks_and_the_length_is_known_before(chunks):
    """Groups of three bytes across chunks, empty chunks, empty images."""
    contents = [b"".join(parts) for parts in chunks]
    images = [image(number, content) for number, content in enumerate(contents)]
    pieces = json_pieces(TASK, images, Style())
    text = await text_of(pieces, chunks)

    assert length_of(pieces) == len(text)
    assert contents == [base64.b64decode(d["b64_json"]) for d in json.loads(text)["data"]]


async def test_the_body_has_the_fields_of_openais():
    """And the provider's usage unchanged, if one call generated all images."""
    metadata = {"usage": USAGE, "revised_prompt": '一只"猫"'}
    images = [image(number, metadata=metadata) for number in (7, 8)]
    text = await text_of(
        json_pieces(TASK, images, Style(url="http://h:1/api/v1/images/{}/content".format)), {}
    )

    assert {
        "created": int(NOW.timestamp()),
        "data": [
            {"revised_prompt": '一只"猫"', "url": f"http://h:1/api/v1/images/{number}/content"}
            for number in (7, 8)
        ],
        "size": "64x32",
        "output_format": "jpeg",
        "usage": USAGE,
    } == json.loads(text)


@pytest.mark.parametrize(
    ("usages", "usage_sum"),
    [
        ([USAGE, USAGE], {"total_tokens": 6, "input_tokens": 2, "output_tokens": 4}),
        ([USAGE, None], None),
        ([{"promptTokenCount": 3}, {"promptTokenCount": 3}], None),
        ([{**USAGE, "total_tokens": "3"}, USAGE], None),
    ],
)
async def test_the_usage_of_several_calls_is_added(usages, usage_sum):
    """Or left out if one of them reported none."""
    images = [image(n, attempt_id=str(n), metadata={"usage": usage}) for n, usage in enumerate(usages)]
    text = await text_of(json_pieces(TASK, images, Style()), {0: [b"1"], 1: [b"2"]})

    assert usage_sum == json.loads(text).get("usage")


async def test_no_images_are_an_empty_list():
    """They were deleted meanwhile."""
    text = await text_of(json_pieces(TASK, [], Style()), {})

    assert {"created": int(NOW.timestamp()), "data": []} == json.loads(text)


async def test_events_carry_an_image_each():
    """With name, date, size and format; the usage is in the last one."""
    images = [image(number, b"abc", metadata={"usage": USAGE}) for number in (0, 1)]
    text = await text_of(event_pieces(TASK, images, Style(events="image_edit")), {0: [b"abc"], 1: [b"abc"]})
    frames = [frame.split("\n") for frame in text.decode().split("\n\n")[:-1]]
    data = [json.loads(frame[1].removeprefix("data: ")) for frame in frames]

    assert ["event: image_edit.completed"] * 2 == [frame[0] for frame in frames]
    assert {
        "type": "image_edit.completed",
        "created_at": int(NOW.timestamp()),
        "quality": "auto",
        "background": "auto",
        "size": "64x32",
        "output_format": "jpeg",
        "b64_json": "YWJj",
    } == data[0]
    assert USAGE == data[1]["usage"]


async def test_an_image_is_written_in_small_pieces():
    """Each slow client costs one piece, so a chunk of the store would be too much."""
    content = bytes(range(251)) * 4001
    chunks = [content[:524_288], content[524_288:]]
    pieces = [piece async for piece in encode_pieces([image(0, content)], lambda _: _yielded(chunks))]

    assert base64.b64encode(content) == b"".join(pieces)
    assert max(map(len, pieces)) <= 64 * 1024


async def _yielded(chunks):
    for chunk in chunks:
        yield chunk
