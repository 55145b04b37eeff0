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
JOBS = {
    "schema": 1,
    "id": "jobs",
    "auth": {"type": "bearer"},
    "models": [{"id": "m", "default": True, "operation": {"generate": "job"}}],
    "operations": {
        "job": {
            "implements": "generate",
            "request": {
                "path": "/images/generations",
                "body": {"type": "json", "template": {"model": "${model}", "prompt": "${prompt}"}},
            },
            "task": {"id": "id"},
            "poll": {
                "request": {"method": "GET", "path": "/jobs/${task.id}"},
                "first_after_s": 0.05,
                "status": {"source": "status", "pending": ["running"], "succeeded": ["done"]},
            },
            "response": {"images": [{"select": "images[]", "url": "url"}]},
        }
    },
}
"""A provider that takes jobs, and forgets them."""


class CountingUpstream:
    """OpenAI's Images API below any path; ``ledger`` counts charged calls by prompt.

    Below ``/slow`` an image takes ``seconds``; below ``/large`` it has some megabytes. Below ``/gone`` its
    address has nothing, below ``/garbage`` it is none, and below ``/expired`` it is a job's.
    """

    def __init__(self):
        self.ledger = Counter()
        self.seconds = 0.0

    async def __call__(self, request: Request) -> Reply:
        if request.method == "GET" and request.path.endswith("/v1/models"):
            return Reply.json({"object": "list", "data": []})  # LiteLLM's proxy asks its models' providers
        if request.method == "GET":
            return Reply.json({"error": {"message": "no such thing"}}, 404)
        assert (request.method, request.path[-22:]) == ("POST", "/v1/images/generations"), request.path
        assert request.headers["authorization"] == f"Bearer {KEY}"
        body = request.json
        assert {"model", "prompt"} <= body.keys() <= {"model", "prompt", "n", "size", "quality"}, body
        self.ledger[body["prompt"]] += 1
        if request.path.startswith("/slow/"):
            await asyncio.sleep(self.seconds)
        if request.path.startswith("/expired/"):
            return Reply.json({"id": "1"})
        if request.path.startswith("/gone/"):
            return Reply.json({"data": [{"url": f"http://{request.headers['host']}/gone.png"}]})
        if request.path.startswith("/garbage/"):
            return Reply.json({"data": [{"b64_json": base64.b64encode(b"none").decode()}]})
        image = noise() if request.path.startswith("/large/") else png(sum(self.ledger.values()))
        return Reply.json(sample("openai", "images", image=base64.b64encode(image).decode()).body)


def noise():
    """Return an incompressible PNG."""
    side, out = 1000, io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(7).randbytes(3 * side * side)).save(out, "PNG")
    return out.getvalue()
