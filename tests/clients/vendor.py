"""A strict vendor that charges for each request that it has read, and writes down for whom."""

import asyncio
from collections import Counter

from tests.fakes.http_server import Reply, Request
from tests.fakes.pictures import png_base64

KEY = "sk-vendor-0123456789abcdef"


class CountingVendor:
    """OpenAI's Images API below any path; ``ledger`` counts charged calls by prompt.

    Below ``/slow`` a picture takes ``seconds``.
    """

    def __init__(self):
        self.ledger = Counter()
        self.seconds = 0.0

    async def __call__(self, request: Request) -> Reply:
        assert (request.method, request.path[-22:]) == ("POST", "/v1/images/generations"), request.path
        assert request.headers["authorization"] == f"Bearer {KEY}"
        body = request.json
        assert {"model", "prompt"} <= body.keys() <= {"model", "prompt", "n", "size", "quality"}, body
        self.ledger[body["prompt"]] += 1
        if request.path.startswith("/slow/"):
            await asyncio.sleep(self.seconds)
        return Reply.json({"data": [{"b64_json": png_base64(sum(self.ledger.values()))}]})
