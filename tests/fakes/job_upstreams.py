"""Providers that take jobs: BFL, fal, Replicate, Zhipu, Tencent, ComfyUI. A job is done at the third poll."""

import hashlib
import hmac
import re

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png


class _JobUpstream:
    """What these fakes share: jobs that count their polls, and files that need no key."""

    base = ""
    native_count = False
    auth = ("authorization", "Bearer {key}")
    auth_failure = (401, "auth_failed")

    def __init__(self):
        self.ledger = []
        self.bodies = []
        self.jobs = {}
        self.cancelled = []

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            assert self.key not in str(request.headers), "the key went along with a download"
            return Reply(200, png(int(request.path[-1])), {"content-type": "image/png"})
        header, value = self.auth
        if self.key and request.headers.get(header) != value.format(key=self.key):
            return self.unauthorized()
        if request.method == "POST" and self.is_submit(request):
            self.bodies.append(request.json)
            return self.submit(request, request.json)
        return self.serve(request)

    def is_submit(self, request: Request) -> bool:
        return re.search(self.paid, request.path) is not None

    def new_job(self, charge) -> str:
        self.ledger.append(charge)
        job = f"job-{len(self.ledger)}"
        self.jobs[job] = 0
        return job

    def looked(self, job: str) -> bool:
        """Count a poll; True when the job is done."""
        self.jobs[job] += 1
        return self.jobs[job] >= 3

    def root(self, request: Request) -> str:
        return f"http://{request.headers['host']}"


class FakeBfl(_JobUpstream):
    preset, key = "bfl", "bfl-0123456789abcdef"
    paid = "^/v1/flux"
    auth = ("x-key", "{key}")
    auth_failure = (403, "auth_failed")

    def submit(self, request: Request, body: dict) -> Reply:
        fields = {
            "prompt",
            "width",
            "height",
            "aspect_ratio",
            "seed",
            "output_format",
            "safety_tolerance",
            "prompt_upsampling",
            "image",
            "mask",
        }
        assert {k for k in body if not k.startswith("input_image")} <= fields, body.keys()
        job = self.new_job(request.path)
        if "forbidden" in body["prompt"]:
            self.jobs[job] = -99
        return Reply.json(
            {"id": job, "polling_url": f"{self.root(request)}/v1/get_result?id={job}", "cost": 4}
        )

    def serve(self, request: Request) -> Reply:
        if request.path == "/v1/credits":
            return Reply.json({"credits": 10})
        assert request.path == "/v1/get_result", request.path
        job = request.query["id"]
        if job not in self.jobs:
            return Reply.json({"id": job, "status": "Task not found"})
        if self.jobs[job] < 0:
            return Reply.json({"id": job, "status": "Content Moderated", "result": None})
        if not self.looked(job):
            return Reply.json({"id": job, "status": "Pending", "progress": 0.5, "result": None})
        return Reply.json(
            {
                "id": job,
                "status": "Ready",
                "result": {"sample": f"{self.root(request)}/files/1?sig=a%2Fb", "seed": 7},
            }
        )

    def unauthorized(self) -> Reply:
        return Reply.json({"detail": "Not authenticated"}, 403)

    def limited(self, **headers) -> Reply:
        return Reply.json({"detail": "Too many active tasks"}, 429, **headers)


class FakeFal(_JobUpstream):
    preset, key = "fal", "fal-id:0123456789abcdef"
    paid = "^/fal-ai/flux/dev$"
    auth = ("authorization", "Key {key}")
    native_count = True

    def submit(self, request: Request, body: dict) -> Reply:
        job = self.new_job(request.path)
        self.counts = getattr(self, "counts", {}) | {job: body.get("num_images", 1)}
        if "forbidden" in body["prompt"]:
            self.jobs[job] = -99
        url = f"{self.root(request)}/fal-ai/flux/requests/{job}"
        return Reply.json(
            {
                "status": "IN_QUEUE",
                "request_id": job,
                "response_url": url,
                "status_url": f"{url}/status",
                "cancel_url": f"{url}/cancel",
                "queue_position": 0,
            }
        )

    def serve(self, request: Request) -> Reply:
        match = re.fullmatch(r"/fal-ai/flux/requests/(job-\d+|unknown)(/status|/cancel)?", request.path)
        assert match, request.path
        job, verb = match[1], match[2]
        if job not in self.jobs:
            return Reply.json({"detail": "Request not found"}, 404)
        if verb == "/cancel":
            assert request.method == "PUT"
            self.cancelled.append(job)
            return Reply.json({"status": "CANCELLATION_REQUESTED"}, 202)
        if verb == "/status":
            if self.jobs[job] >= 0 and not self.looked(job):
                return Reply.json({"status": "IN_PROGRESS", "request_id": job}, 202)
            return Reply.json({"status": "COMPLETED", "request_id": job})
        if self.jobs[job] < 0:
            error = {
                "loc": ["body"],
                "msg": "The content could not be processed",
                "type": "content_policy_violation",
            }
            return Reply.json({"detail": [error]}, 422)
        images = [
            {"url": f"{self.root(request)}/files/{i}", "content_type": "image/png"}
            for i in range(self.counts[job])
        ]
        return Reply.json({"images": images, "seed": 9, "has_nsfw_concepts": [False] * len(images)})

    def unauthorized(self) -> Reply:
        return Reply.json({"detail": "No user found for Key ID and Secret"}, 401)

    def limited(self, **headers) -> Reply:
        return Reply.json({"detail": "Too many"}, 429, **headers)


class FakeReplicate(_JobUpstream):
    preset, key = "replicate", "r8_0123456789abcdef"
    paid = "^/v1/models/.*/predictions$"

    def submit(self, request: Request, body: dict) -> Reply:
        assert request.path == "/v1/models/black-forest-labs/flux-2-pro/predictions", request.path
        assert set(body) == {"input"}, body
        job = self.new_job(request.path)
        if "forbidden" in body["input"]["prompt"]:
            self.jobs[job] = -99
        if "at once" in body["input"]["prompt"]:
            self.jobs[job] = 9
        return Reply.json(self._prediction(request, job), 201)

    def serve(self, request: Request) -> Reply:
        if request.path == "/v1/account":
            return Reply.json({"username": "x"})
        match = re.fullmatch(r"/v1/predictions/([\w-]+)(/cancel)?", request.path)
        assert match, request.path
        if match[1] not in self.jobs:
            return Reply.json({"title": "Not found", "detail": "no", "status": 404}, 404)
        if match[2]:
            self.cancelled.append(match[1])
        elif self.jobs[match[1]] >= 0:
            self.looked(match[1])
        return Reply.json(self._prediction(request, match[1]))

    def _prediction(self, request: Request, job: str) -> dict:
        looks = self.jobs[job]
        answer = {"id": job, "status": "processing", "output": None, "error": None}
        if looks < 0:
            return {**answer, "status": "failed", "error": "NSFW content detected. Try again."}
        if looks >= 3:
            return {**answer, "status": "succeeded", "output": f"{self.root(request)}/files/1"}
        return answer

    def unauthorized(self) -> Reply:
        return Reply.json({"title": "Unauthenticated", "detail": "no", "status": 401}, 401)

    def limited(self, **headers) -> Reply:
        detail = "Request was throttled. Your rate limit resets in ~30s."
        return Reply.json({"detail": detail, "status": 429}, 429, **headers)


class FakeZhipu(_JobUpstream):
    preset, base, key = "zhipu", "/api/paas/v4", "zhipu-0123456789abcdef"
    paid = "/images/generations$"

    def submit(self, request: Request, body: dict) -> Reply:
        assert set(body) <= {"model", "prompt", "size", "quality", "watermark_enabled"}, body
        if "forbidden" in body["prompt"]:
            return self._error(400, "1301", "sensitive")
        if "arrears" in body["prompt"]:
            return self._error(429, "1113", "your account is in arrears")
        job = self.new_job(body["model"])
        if "/async/" not in request.path:
            return Reply.json({"created": 1, "data": [{"url": f"{self.root(request)}/files/1"}]})
        return Reply.json({"id": job, "request_id": "r", "model": body["model"], "task_status": "PROCESSING"})

    def serve(self, request: Request) -> Reply:
        job = request.path.removeprefix("/api/paas/v4/async-result/")
        assert job in self.jobs, request.path
        if not self.looked(job):
            return Reply.json({"task_status": "PROCESSING", "id": job})
        return Reply.json(
            {"task_status": "SUCCESS", "image_result": [{"url": f"{self.root(request)}/files/1"}]}
        )

    def unauthorized(self) -> Reply:
        return self._error(401, "1000", "bad key")

    def limited(self, **headers) -> Reply:
        return self._error(429, "1302", "slow", **headers)

    def _error(self, status: int, code: str, message: str, **headers) -> Reply:
        return Reply.json({"error": {"code": code, "message": message}}, status, **headers)


class FakeTencent(_JobUpstream):
    """Recomputes each signature by the provider's own recipe."""

    preset, key = "tencent", "AKID0123456789abcdef:secret-0123456789"
    paid = "^/$"
    native_count = True
    auth_failure = (200, "auth_failed")

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            assert "authorization" not in request.headers
            return Reply(200, png(1), {"content-type": "image/png"})
        if not self._signed(request):
            return self._error(
                "AuthFailure.SignatureFailure", "The provided credentials could not be validated."
            )
        assert request.headers["x-tc-version"] == "2023-09-01"
        body, action = request.json, request.headers["x-tc-action"]
        if action == "SubmitHunyuanImageJob":
            self.bodies.append(body)
            fields = {
                "Prompt",
                "NegativePrompt",
                "Style",
                "Resolution",
                "Num",
                "Seed",
                "Revise",
                "LogoAdd",
                "ContentImage",
            }
            assert set(body) <= fields, body
            if "forbidden" in body["Prompt"]:
                return self._error("OperationDenied.TextIllegalDetected", "no")
            job = self.new_job(action)
            self.count = body.get("Num", 1)
            return Reply.json({"Response": {"JobId": job, "RequestId": "r"}})
        assert action == "QueryHunyuanImageJob", action
        return self._job(request, body)

    def _job(self, request: Request, body: dict) -> Reply:
        if body["JobId"] not in self.jobs:
            return self._error("FailedOperation.JobNotExist", "no such job")
        if not self.looked(body["JobId"]):
            return Reply.json({"Response": {"JobStatusCode": "2", "RequestId": "r"}})
        urls = [f"{self.root(request)}/files/{i}" for i in range(self.count)]
        return Reply.json(
            {
                "Response": {
                    "JobStatusCode": "5",
                    "ResultImage": urls,
                    "ResultDetails": ["Success"] * self.count,
                    "RequestId": "r",
                }
            }
        )

    def limited(self, **headers) -> Reply:
        return Reply.json(
            {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "slow"}, "RequestId": "r"}},
            200,
            **headers,
        )

    def _signed(self, request: Request) -> bool:
        secret_id, _, secret = self.key.partition(":")
        match = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=([^/]+)/([\d-]+)/hunyuan/tc3_request, "
            r"SignedHeaders=content-type;host, Signature=(\w{64})",
            request.headers.get("authorization", ""),
        )
        if match is None or match[1] != secret_id:
            return False
        headers = f"content-type:{request.headers['content-type']}\nhost:{request.headers['host']}\n"
        payload = hashlib.sha256(request.body).hexdigest()
        hashed = hashlib.sha256(f"POST\n/\n\n{headers}\ncontent-type;host\n{payload}".encode()).hexdigest()
        scope = f"{match[2]}/hunyuan/tc3_request"
        text = f"TC3-HMAC-SHA256\n{request.headers['x-tc-timestamp']}\n{scope}\n{hashed}"
        key = ("TC3" + secret).encode()
        for part in (match[2], "hunyuan", "tc3_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), match[3])

    def _error(self, code: str, message: str) -> Reply:
        return Reply.json({"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "r"}})


class FakeComfyUI(_JobUpstream):
    preset, key = "comfyui", None
    paid = "^/prompt$"
    native_count = True
    auth_failure = None

    def submit(self, request: Request, body: dict) -> Reply:
        assert set(body) == {"client_id", "prompt"}, body.keys()
        graph = body["prompt"]
        for node in graph.values():
            for value in node["inputs"].values():
                assert not isinstance(value, list) or value[0] in graph, value
        job = self.new_job(graph)
        return Reply.json({"prompt_id": job, "number": 1, "node_errors": {}})

    def serve(self, request: Request) -> Reply:
        if request.path == "/view":
            assert request.query == {
                "filename": f"imagegen {request.query['filename'][9:]}",
                "subfolder": "",
                "type": "output",
            }
            return Reply(200, png(int(request.query["filename"][9:-4])), {"content-type": "image/png"})
        if request.path == "/system_stats":
            return Reply.json({"system": {}})
        if request.path == "/queue":
            self.cancelled += request.json["delete"]
            return Reply()
        job = request.path.removeprefix("/history/")
        if job not in self.jobs or not self.looked(job):
            return Reply.json({})
        count = self.ledger[-1]["5"]["inputs"]["batch_size"]
        images = [{"filename": f"imagegen {i}.png", "subfolder": "", "type": "output"} for i in range(count)]
        outputs = {"9": {"images": [*images, {"filename": "t.png", "subfolder": "", "type": "temp"}]}}
        return Reply.json(
            {
                job: {
                    "outputs": outputs,
                    "status": {"status_str": "success", "completed": True, "messages": []},
                }
            }
        )

    def limited(self, **headers) -> Reply:
        return Reply.json({"error": {"type": "busy", "message": "slow"}}, 429, **headers)
