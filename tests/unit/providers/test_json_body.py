"""Bodies with images are encoded while they are sent."""

import base64
import json
from functools import partial

import pytest

from imagegen_adapters.providers.common.images import JsonBody, Upload, uploads_of
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MediaType
from imagegen_core.models import Model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import ImageRequest, InputImage, Operation
from tests.contracts.provider import MemoryExchange

pytestmark = pytest.mark.anyio


async def pieces(data):
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


def upload(token, data):
    return Upload(token=token * 64, mime_type="image/png", size=len(data), chunks=partial(pieces, data))


async def streamed(body):
    return b"".join([piece async for piece in body])


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("sizes", [(0, 1), (2, 3), (1000, 1001), (400_001, 1)])
async def test_the_body_is_json_of_the_promised_length(encode, sizes):
    """In either base64 alphabet of the placeholders, and in the order of the body."""
    images = [bytes(i % 251 for i in range(size)) for size in sizes]
    uploads = [upload(token, image) for token, image in zip("ab", images, strict=True)]
    first, second = (encode(each.placeholder).decode() for each in uploads)
    body = JsonBody(text=json.dumps([second, "猫", {"a": first}, 1.5]).encode(), uploads=uploads)

    raw = await streamed(body)

    assert body.length == len(raw)
    decoded = [base64.b64encode(image).decode() for image in images]
    assert [decoded[1], "猫", {"a": decoded[0]}, 1.5] == json.loads(raw)


async def test_it_can_be_sent_again():
    """A second iteration yields the same bytes."""
    body = JsonBody(text=b"a" * 64 + b"b" * 64, uploads=(upload("b", b"xyz"), upload("a", b"12")))

    assert await streamed(body) == await streamed(body)


async def test_nothing_of_an_image_is_read_before_its_turn():
    """A call that waits for the server holds no image."""
    read = []

    async def chunks():
        read.append("image")
        yield b"xyz"

    image = Upload(token="a" * 64, mime_type="image/png", size=3, chunks=chunks)
    stream = aiter(JsonBody(text=b'{"a": "' + b"a" * 64 + b'"}', uploads=(image,)))
    before = [await anext(stream), *read]
    rest = [piece async for piece in stream]

    assert ([b'{"a": "'], ["image"]) == (before, read)
    assert b'eHl6"}' == b"".join(rest)


@pytest.mark.parametrize(
    ("data", "size"), [({}, 3), ({"p": b"xyz"}, 9), ({"p": b"xyz"}, 0)], ids=["gone", "cut", "grown"]
)
async def test_an_image_that_is_not_what_it_was_ends_the_call_for_free(data, size):
    """The server did not receive the whole body, and never more than the promised length."""
    image = InputImage(key="p", mime_type=MediaType.PNG, width=1, height=1, size_bytes=size, sha256="")
    call = ProviderCall(
        call_id="call-1",
        request=ImageRequest(operation=Operation.EDIT, image=image),
        model=Model(id="m"),
        config=ProviderConfig(provider_name="p", source=ConfigSource.FILE),
    )
    uploads = await uploads_of(call, MemoryExchange(data))
    body = JsonBody(text=uploads[0].token.encode(), uploads=uploads)
    received = []

    async def receive():
        async for piece in body:
            received.append(piece)  # noqa: PERF401 - a list would lose what came before the error

    with pytest.raises(CallError) as caught:
        await receive()

    failure = caught.value.failure
    assert (FailureCode.STORAGE_FAILED, False) == (failure.code, failure.possible_charge)
    assert len(b"".join(received)) <= body.length
