"""Bodies with images are encoded while they are sent."""

import base64
import json

import pytest

from imagegen_adapters.providers.common.images import BodyImage, InputPart, body_of, input_parts, json_body
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MediaType
from imagegen_core.requests import ImageRequest, InputImage, Operation
from tests.contracts.provider import MemoryExchange

pytestmark = pytest.mark.anyio


def image_input(key, size):
    return InputImage(key=key, mime_type=MediaType.PNG, width=1, height=1, size_bytes=size, sha256="")


def body_image(key, size, prefix=""):
    return BodyImage(InputPart(image=image_input(key, size)), prefix)


async def streamed(body, data):
    return b"".join([piece async for piece in body.stream(MemoryExchange(data))])


@pytest.mark.parametrize("sizes", [(0, 1), (2, 3), (1000, 1001), (400_001, 1)])
async def test_the_body_is_json_of_the_promised_length(sizes):
    """In the order of the body, each in the caller's own bytes."""
    data = {str(size): bytes(i % 251 for i in range(size)) for size in sizes}
    first, second = (body_image(str(size), size) for size in sizes)
    uri = body_image(str(sizes[1]), sizes[1], "data:image/png;base64,")
    body = json_body([second, "猫", {"a": first}, 1.5, uri])

    raw = await streamed(body, data)

    assert body.length == len(raw)
    decoded = [base64.b64encode(each).decode() for each in data.values()]
    expected = [decoded[1], "猫", {"a": decoded[0]}, 1.5, f"data:image/png;base64,{decoded[1]}"]
    assert expected == json.loads(raw)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
async def test_an_image_replaces_its_token(encode):
    """In either base64 alphabet of what the token stands for."""
    token = encode(base64.b64decode("a1" * 32)).decode()
    body = body_of(f'{{"a": "{token}"}}'.encode(), {"a1" * 32: body_image("p", 3)})

    assert b'{"a": "eHl6"}' == await streamed(body, {"p": b"xyz"})


@pytest.mark.parametrize("text", [b"{}", b"aa aa"])
def test_an_image_that_is_not_in_the_text_once_is_an_error(text):
    """Nothing is paid for without it."""
    with pytest.raises(ValueError, match="once"):
        body_of(text, {"aa": body_image("p", 3)})


async def test_it_can_be_sent_again():
    """A second iteration yields the same bytes."""
    body, data = json_body([body_image("p", 3), body_image("q", 2)]), {"p": b"xyz", "q": b"12"}

    assert await streamed(body, data) == await streamed(body, data)


async def test_nothing_of_an_image_is_read_before_its_turn():
    """A call that waits for the server holds no image."""
    exchange = MemoryExchange()
    stream = json_body({"a": body_image("p", 3)}).stream(exchange)

    before = await anext(stream)
    exchange.inputs["p"] = b"xyz"
    rest = [piece async for piece in stream]

    assert b'{"a": "' == before
    assert b'eHl6"}' == b"".join(rest)


@pytest.mark.parametrize("prefix", ["", None])
@pytest.mark.parametrize(
    ("data", "size"), [({}, 3), ({"p": b"xyz"}, 9), ({"p": b"xyz"}, 0)], ids=["gone", "cut", "grown"]
)
async def test_an_image_that_is_not_what_it_was_ends_the_call_for_free(data, size, prefix):
    """The server did not receive the whole body, and never more than the promised length."""
    request = ImageRequest(operation=Operation.EDIT, image=image_input("p", size))
    exchange, received = MemoryExchange(data), []
    (part,) = await input_parts(request, exchange)
    image = BodyImage(part, prefix)

    async def receive():
        async for piece in image.blocks(exchange):
            received.append(piece)  # noqa: PERF401 - a list would lose what came before the error

    with pytest.raises(CallError) as caught:
        await receive()

    failure = caught.value.failure
    assert (FailureCode.STORAGE_FAILED, False) == (failure.code, failure.possible_charge)
    assert len(b"".join(received)) <= image.length
