"""``sd-server`` of stable-diffusion.cpp on loopback: of A1111's API, the routes that it has.

It reads the fields that it knows and passes over all others; a path that it does not have is answered as its
HTTP library does, by a 404 without a body.
"""

import base64
import json

from tests.fakes.a1111 import png
from tests.fakes.loopback import Answer, Loopback
from tests.fakes.samples import sample


class FakeSdServer(Loopback):
    """Attributes: ``ledger``, the (path, body) of each image that it began to make."""

    def __init__(self):
        super().__init__(self._reply)
        self.ledger = []

    def _reply(self, request):
        handler = {
            ("POST", "/sdapi/v1/txt2img"): self._images,
            ("POST", "/sdapi/v1/img2img"): self._images,
            ("GET", "/sdapi/v1/sd-models"): lambda _: Answer.sample("sd-server", "models"),
            ("GET", "/sdapi/v1/options"): lambda _: Answer.sample("sd-server", "options"),
        }.get((request.method, request.path))
        return handler(request) if handler else Answer(status=404)

    def _images(self, request):
        body = json.loads(request.body)
        if not body.get("prompt"):
            return Answer.sample("sd-server", "refused", reason="prompt required")
        self.ledger.append((request.path, body))
        seed = body.get("seed", -1)
        seeds = [(42 if seed < 0 else seed) + i for i in range(body.get("batch_size", 1))]
        images = tuple(base64.b64encode(png((64, 64), seed)).decode() for seed in seeds)
        info = sample("sd-server", "info", seed=seeds[0], seeds=seeds)
        return Answer.sample("sd-server", "images", image=images, info=json.dumps(info.body))
