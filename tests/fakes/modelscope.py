"""ModelScope's API-Inference: jobs of one image each."""

from tests.fakes.http_server import Reply, Request
from tests.fakes.job_upstreams import JobUpstream
from tests.fakes.size_rules import SizeRule

_FLUX = SizeRule(sides=(64, 1024))
_SIZES = {
    "Qwen/Qwen-Image": SizeRule(sides=(64, 1664)),
    "Tongyi-MAI/Z-Image-Turbo": SizeRule(sides=(64, 2048)),
    "black-forest-labs/FLUX.1-Krea-dev": _FLUX,
    "MAILAND/majicflus_v1": _FLUX,
}
_FIELDS = {"model", "prompt", "negative_prompt", "size", "seed", "steps", "guidance"}


class FakeModelScope(JobUpstream):
    """A prompt with "forbidden" in it makes a job that fails."""

    preset, key = "modelscope", "ms-0123456789abcdef"
    paid = "^/v1/images/generations$"

    def submit(self, request: Request, body: dict) -> Reply:
        assert "true" == request.headers["x-modelscope-async-mode"]
        assert set(body) <= _FIELDS, body.keys()
        is_right = {
            "prompt": len(body["prompt"]) < 2000,
            "size": _SIZES[body["model"]].allows(body.get("size")),
            "seed": 0 <= body.get("seed", 0) < 2**31,
            "steps": 1 <= body.get("steps", 30) <= 100,
            "guidance": 1.5 <= body.get("guidance", 3.5) <= 20,
        }
        wrong = next((name for name, right in is_right.items() if not right), None)
        if wrong is not None:
            return self.answer("invalid", param=wrong)
        return self.answer("accepted", job=self.new_job(body["model"], body["prompt"]))

    def follow(self, request: Request) -> Reply:
        assert "image_generation" == request.headers["x-modelscope-task-type"]
        job = request.path.removeprefix("/v1/tasks/")
        if job not in self.jobs:
            return self.answer("not_found")
        if self.is_refused(job):
            return self.answer("failed", job=job)
        if not self.looked(job):
            return self.answer("processing", job=job)
        return self.answer("succeeded", job=job, url=self.files(request, 1))
