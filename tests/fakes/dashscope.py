"""Aliyun DashScope: synchronous messages, and jobs."""

from tests.fakes.http_server import Reply, Request
from tests.fakes.samples import sample
from tests.fakes.upstream import Upstream

_PARAMETERS = {"size", "n", "seed", "prompt_extend", "watermark", "negative_prompt"}


class FakeDashScope(Upstream):
    """A job is done at the third poll; "partly" in its prompt holds the last image back."""

    preset = "dashscope"
    key = "sk-dashscope-0123456789abcdef"
    paid = "/api/v1/services/"

    def __init__(self):
        super().__init__()
        self.jobs = {}
        self.cancelled = []

    def serve(self, request: Request) -> Reply:
        if request.path.startswith("/api/v1/tasks/"):
            return self._task(request)
        body = request.json
        assert set(body) == {"model", "input", "parameters"}, body
        assert set(body["parameters"]) <= _PARAMETERS, body["parameters"]
        assert "x" not in body["parameters"].get("size", ""), "sizes are written with *"
        self.bodies.append(body)
        if request.path == "/api/v1/services/aigc/multimodal-generation/generation":
            return self._message(request, body)
        assert request.path == "/api/v1/services/aigc/text2image/image-synthesis", request.path
        assert request.headers.get("x-dashscope-async") == "enable"
        return self._submit(body)

    def _message(self, request: Request, body: dict) -> Reply:
        content = body["input"]["messages"][0]["content"]
        images = [item["image"] for item in content if "image" in item]
        assert all(image.startswith("data:image/png;base64,") for image in images)
        if "forbidden" in content[-1]["text"]:
            return self.answer("refused")
        count = self._charge(body)
        return self.answer("message", url=self.files(request, count), count=count)

    def _submit(self, body: dict) -> Reply:
        self._charge(body)
        job = f"job-{len(self.jobs)}"
        self.jobs[job] = [body, 0]
        return self.answer("accepted", job=job)

    def _charge(self, body: dict) -> int:
        count = body["parameters"].get("n", 1)
        self.ledger.append((body["model"], count))
        return count

    def _task(self, request: Request) -> Reply:
        job, _, verb = request.path.removeprefix("/api/v1/tasks/").partition("/")
        if verb == "cancel":
            self.cancelled.append(job)
            return self.answer("cancelled")
        if job not in self.jobs:
            return self.answer("unknown", job=job)
        body, polls = self.jobs[job]
        self.jobs[job][1] += 1
        if polls < 2:
            return self.answer("running", job=job, status=("PENDING", "RUNNING")[polls])
        if "forbidden" in body["input"]["prompt"]:
            return self.answer("failed", job=job)
        urls = self.files(request, body["parameters"].get("n", 1))
        results = [sample(self.preset, "result", url=url).body for url in urls]
        if "partly" in body["input"]["prompt"]:
            results[-1] = sample(self.preset, "result_held_back").body
        return self.answer("succeeded", job=job, result=tuple(results))
