"""Aliyun DashScope: synchronous messages, and jobs."""

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png

_PARAMETERS = {"size", "n", "seed", "prompt_extend", "watermark", "negative_prompt"}


class FakeDashScope:
    preset = "dashscope"
    key = "sk-dashscope-0123456789abcdef"
    base = ""
    paid = "/api/v1/services/"
    native_count = True
    auth_failure = (401, "auth_failed")

    def __init__(self):
        self.ledger = []
        self.jobs = {}
        self.cancelled = []

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            assert "authorization" not in request.headers, "the key went along with a download"
            return Reply(200, png(int(request.path[-1])), {"content-type": "image/png"})
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return Reply.json(
                {"code": "InvalidApiKey", "message": "Invalid API-key provided.", "request_id": "r"}, 401
            )
        if request.path.startswith("/api/v1/tasks/"):
            return self._task(request)
        body = request.json
        assert set(body) == {"model", "input", "parameters"}, body
        assert set(body["parameters"]) <= _PARAMETERS, body["parameters"]
        assert "x" not in body["parameters"].get("size", ""), "sizes are written with *"
        if request.path == "/api/v1/services/aigc/multimodal-generation/generation":
            return self._message(request, body)
        assert request.path == "/api/v1/services/aigc/text2image/image-synthesis", request.path
        assert request.headers.get("x-dashscope-async") == "enable"
        return self._submit(body)

    def limited(self, **headers) -> Reply:
        error = {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded", "request_id": "r"}
        return Reply.json(error, 429, **headers)

    def _message(self, request: Request, body: dict) -> Reply:
        content = body["input"]["messages"][0]["content"]
        images = [item["image"] for item in content if "image" in item]
        assert all(image.startswith("data:image/png;base64,") for image in images)
        if "forbidden" in content[-1]["text"]:
            return Reply.json(
                {
                    "code": "DataInspectionFailed",
                    "message": "Input data may contain inappropriate content.",
                    "request_id": "r",
                },
                400,
            )
        count = body["parameters"].get("n", 1)
        self.ledger.append((body["model"], count))
        url = f"http://{request.headers['host']}/files"
        choices = [{"message": {"content": [{"image": f"{url}/{i}"}]}} for i in range(count)]
        return Reply.json(
            {"output": {"choices": choices}, "usage": {"image_count": count}, "request_id": "r"}
        )

    def _submit(self, body: dict) -> Reply:
        self.ledger.append((body["model"], body["parameters"].get("n", 1)))
        job = f"job-{len(self.jobs)}"
        self.jobs[job] = [body, 0]
        return Reply.json({"output": {"task_status": "PENDING", "task_id": job}, "request_id": "r"})

    def _task(self, request: Request) -> Reply:
        job, _, verb = request.path.removeprefix("/api/v1/tasks/").partition("/")
        if verb == "cancel":
            self.cancelled.append(job)
            return Reply.json({"request_id": "r"})
        if job not in self.jobs:
            return Reply.json({"output": {"task_status": "UNKNOWN", "task_id": job}, "request_id": "r"})
        body, polls = self.jobs[job]
        self.jobs[job][1] += 1
        if polls < 2:
            return Reply.json({"output": {"task_status": ("PENDING", "RUNNING")[polls], "task_id": job}})
        if "forbidden" in body["input"]["prompt"]:
            return Reply.json(
                {
                    "output": {
                        "task_status": "FAILED",
                        "task_id": job,
                        "code": "DataInspectionFailed",
                        "message": "no",
                    }
                }
            )
        url = f"http://{request.headers['host']}/files"
        results = [
            {"url": f"{url}/{i}", "actual_prompt": "better"} for i in range(body["parameters"].get("n", 1))
        ]
        if "partly" in body["input"]["prompt"]:
            results[-1] = {"code": "DataInspectionFailed", "message": "one image was held back"}
        return Reply.json(
            {
                "output": {"task_status": "SUCCEEDED", "task_id": job, "results": results},
                "usage": {"image_count": 1},
            }
        )
