"""Bodies with images are encoded while they are sent."""

import base64
import json

import pytest

from imagegen_adapters.providers.a1111.requests import InlineImage, JsonBody
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MediaType
from imagegen_core.requests import InputImage
from tests.contracts.provider import MemoryExchange

pytestmark = pytest.mark.anyio


def image_of(size):
    """Return an input image of that many bytes."""
    return InputImage(key="p", mime_type=MediaType.PNG, width=1, height=1, size_bytes=size, sha256="")


async def streamed(body):
    return b"".join([piece async for piece in body])


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, 400_001])
async def test_the_body_is_json_of_the_promised_length(size):
    """Images appear in their places, in plain base64."""
    image = bytes(i % 251 for i in range(size))
    exchange = MemoryExchange({"p": image})
    document = {"a": [InlineImage(image_of(size)), "猫"], "mask": InlineImage(image), "n": 1.5}
    body = JsonBody(document, exchange.input_chunks)

    data = await streamed(body)

    assert len(data) == body.length
    text = base64.b64encode(image).decode()
    assert {"a": [text, "猫"], "mask": text, "n": 1.5} == json.loads(data)


async def test_it_can_be_sent_again():
    """A second iteration yields the same bytes."""
    exchange = MemoryExchange({"p": b"xyz"})
    body = JsonBody({"a": InlineImage(image_of(3)), "b": InlineImage(b"xyz")}, exchange.input_chunks)

    assert await streamed(body) == await streamed(body)


async def test_nothing_of_an_image_is_read_before_its_turn():
    """A call that waits for the server holds no image."""
    keys_read = []

    async def chunks(image):
        keys_read.append(image.key)
        yield b"xyz"

    pieces = aiter(JsonBody({"a": InlineImage(image_of(3))}, chunks))
    before = [await anext(pieces), *keys_read]
    rest = [piece async for piece in pieces]

    assert ([b'{"a": '], ["p"]) == (before, keys_read)
    assert b'"eHl6"}' == b"".join(rest)


@pytest.mark.parametrize(("data", "size"), [({}, 3), ({"p": b"xyz"}, 9)], ids=["gone", "changed"])
async def test_an_image_that_is_not_what_it_was_ends_the_call_for_free(data, size):
    """The server did not receive the whole body."""
    body = JsonBody({"a": InlineImage(image_of(size))}, MemoryExchange(data).input_chunks)
    with pytest.raises(CallError) as caught:
        await streamed(body)

    assert (FailureCode.STORAGE_FAILED, False) == (
        caught.value.failure.code,
        caught.value.failure.possible_charge,
    )
