"""Images are streamed in place of their placeholders."""

import base64
import json

import pytest

from imagegen_adapters.providers.gemini.requests import Body, Upload
from imagegen_core.errors import CallError

pytestmark = pytest.mark.anyio


def upload(token, data, size=None):
    async def read():
        return data

    return Upload(
        token=token * 64, mime_type="image/png", size=len(data) if size is None else size, read=read
    )


async def streamed(body):
    return b"".join([chunk async for chunk in body.chunks()])


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("sizes", [(0, 1), (2, 3), (196_607, 196_609), (500_000, 1)])
async def test_the_body_holds_the_images(encode, sizes):
    """In either base64 alphabet of the placeholders, and in the order of the body."""
    first, second = (upload(token, bytes(size)) for token, size in zip("ab", sizes, strict=True))
    text = json.dumps(
        [encode(second.placeholder).decode(), "猫", encode(first.placeholder).decode()]
    ).encode()
    body = Body(text=text, uploads=(first, second))

    raw = await streamed(body)

    assert body.length == len(raw)
    assert [bytes(sizes[1]), bytes(sizes[0])] == [base64.b64decode(json.loads(raw)[i]) for i in (0, 2)]


async def test_an_image_that_changed_ends_the_request():
    """Its declared length would be wrong."""
    body = Body(text=b"a" * 64, uploads=(upload("a", b"xyz", size=4),))

    with pytest.raises(CallError, match="changed"):
        await streamed(body)
