"""Bodies with pictures are encoded while they are sent."""

import base64
import json

import pytest

from imagegen_adapters.providers.stable_diffusion.bodies import Inline, JsonBody

pytestmark = pytest.mark.anyio


async def sent(body):
    return b"".join([piece async for piece in body])


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000, 400_000, 800_001])
async def test_the_body_is_json_of_the_promised_length(size):
    """Pictures stand where they were put, in plain base64."""
    picture = bytes(i % 251 for i in range(size))
    body = JsonBody({"a": [Inline(picture), "猫"], "mask": Inline(b"m"), "n": 1.5})

    data = await sent(body)

    assert len(data) == body.length
    assert {"a": [base64.b64encode(picture).decode(), "猫"], "mask": "bQ==", "n": 1.5} == json.loads(data)


async def test_it_can_be_sent_again():
    """Iterating twice gives the same bytes twice."""
    body = JsonBody({"a": Inline(b"xyz")})

    assert await sent(body) == await sent(body)
