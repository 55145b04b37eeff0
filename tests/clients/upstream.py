"""A strict provider that charges for each request that it has read, and records for whom."""

import asyncio
import base64
import io
import random
from collections import Counter

from PIL import Image

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png
from tests.fakes.samples import sample

KEY = "sk-vendor-0123456789abcdef"


class CountingUpstream:
    """OpenAI's Images API below any path; ``ledger`` counts charged calls by prompt.

    Below ``/slow`` an image takes ``seconds``; below ``/large`` it has some megabytes.
    """

    def __init__(self):
        self.ledger = Counter()
        self.seconds = 0.0

    async def __call__(self, request: Request) -> Reply:
        if request.method == "GET" and request.path.endswith("/v1/models"):
            return Reply.json({"object": "list", "data": []})  # LiteLLM's proxy asks its models' providers
        assert (request.method, request.path[-22:]) == ("POST", "/v1/images/generations"), request.path
        assert request.headers["authorization"] == f"Bearer {KEY}"
        body = request.json
        assert {"model", "prompt"} <= body.keys() <= {"model", "prompt", "n", "size", "quality"}, body
        self.ledger[body["prompt"]] += 1
        if request.path.startswith("/slow/"):
            await asyncio.sleep(self.seconds)
        image = noise() if request.path.startswith("/large/") else png(sum(self.ledger.values()))
        return Reply.json(sample("openai", "images", image=base64.b64encode(image).decode()).body)


def noise():
    """Return an incompressible PNG."""
    side, out = 1000, io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(7).randbytes(3 * side * side)).save(out, "PNG")
    return out.getvalue()
