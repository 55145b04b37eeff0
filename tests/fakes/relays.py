"""Services that pass requests on: OpenRouter, and relays with asynchronous routes like those of sub2api."""

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png_base64
from tests.fakes.job_upstreams import JobUpstream
from tests.fakes.upstream import Upstream

_OPENROUTER_FIELDS = {
    *("model", "prompt", "n", "size", "aspect_ratio", "resolution", "quality", "background"),
    *("output_format", "output_compression", "seed", "input_references"),
}


def _openrouter_problem(body: dict) -> str | None:
    """Return the field that the only model here refuses, GPT Image 2."""
    is_right = {
        "n": 1 <= body.get("n", 1) <= 10,
        "quality": body.get("quality", "auto") in ("auto", "low", "medium", "high"),
        "background": body.get("background", "auto") in ("auto", "opaque"),
        "output_format": body.get("output_format", "png") in ("png", "jpeg", "webp"),
        "output_compression": 0 <= body.get("output_compression", 0) <= 100,
    }
    return next((name for name, right in is_right.items() if not right), None)


class FakeOpenRouter(Upstream):
    """One route for all; input images are objects with a URL."""

    preset, base, key = "openrouter", "/api/v1", "sk-or-0123456789abcdef"
    paid = "/api/v1/images"

    def serve(self, request: Request) -> Reply:
        if (request.method, request.path) == ("GET", "/api/v1/key"):
            return self.answer("key")
        assert (request.method, request.path) == ("POST", "/api/v1/images"), request.path
        body = request.json
        assert set(body) <= _OPENROUTER_FIELDS, set(body) - _OPENROUTER_FIELDS
        for reference in body.get("input_references", []):
            assert reference["type"] == "image_url"
            assert reference["image_url"]["url"].startswith("data:image/png;base64,")
        self.bodies.append(body)
        if "forbidden" in body["prompt"]:
            return self.answer("refused")
        if (field := _openrouter_problem(body)) is not None:
            return self.answer("invalid", field=field)
        count = int(body.get("n", 1))
        self.ledger.append((body["model"], count))
        return self.answer("images", image=tuple(png_base64(i) for i in range(count)))


class FakeSub2Api(JobUpstream):
    """It accepts a call with 202, and one route answers for all of its tasks."""

    preset, base, key = "sub2api", "/v1", "sk-relay-0123456789abcdef"
    paid = "^/v1/images/(generations|edits)/async$"
    models = ("gpt-image-2",)
    native_count = True

    def __init__(self):
        super().__init__()
        self.counts = {}

    def serve(self, request: Request) -> Reply:
        if request.path == "/v1/images/edits/async":
            assert request.method == "POST"
            assert {p.name for p in request.parts if p.filename} <= {"image", "mask"}
            self.bodies.append(request.form)
            return self.submit(request, request.form)
        return super().serve(request)

    def submit(self, request: Request, body: dict) -> Reply:
        assert body["response_format"] == "url"
        job = self.new_job(body["model"], body["prompt"])
        self.counts[job] = int(body.get("n", 1))
        return self.answer("accepted", job=job)

    def follow(self, request: Request) -> Reply:
        if request.path == "/v1/models":
            return self.answer("models")
        folder, _, job = request.path.rpartition("/")
        assert folder == "/v1/images/tasks", request.path
        if job not in self.jobs:
            return self.answer("not_found")
        if self.is_refused(job):
            return self.answer("failed", job=job)
        if not self.looked(job):
            return self.answer("processing", job=job)
        return self.answer("completed", job=job, url=self.files(request, self.counts[job]))
