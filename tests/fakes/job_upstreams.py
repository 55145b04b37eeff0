"""Providers that take jobs: BFL, fal, Replicate, Zhipu, Tencent. A job is done at the third poll."""

import hashlib
import hmac
import re

from tests.fakes.http_server import Reply, Request
from tests.fakes.reference_rules import ReferenceRule
from tests.fakes.size_rules import SizeRule
from tests.fakes.upstream import Upstream

_REFUSED = -99


class JobUpstream(Upstream):
    """What these fakes share: jobs that count their polls."""

    native_count = False

    def __init__(self):
        super().__init__()
        self.jobs = {}
        self.cancelled = []

    def serve(self, request: Request) -> Reply:
        if request.method == "POST" and self.is_submit(request):
            self.bodies.append(request.json)
            return self.submit(request, request.json)
        return self.follow(request)

    def is_submit(self, request: Request) -> bool:
        return re.search(self.paid, request.path) is not None

    def submit(self, request: Request, body: dict) -> Reply:
        """Answer the paid call."""
        raise NotImplementedError

    def follow(self, request: Request) -> Reply:
        """Answer a call that costs nothing."""
        raise NotImplementedError

    def new_job(self, charge, prompt: str = "") -> str:
        """Return a charged job, which will be refused if "forbidden" is in its prompt."""
        self.ledger.append(charge)
        job = f"job-{len(self.ledger)}"
        self.jobs[job] = _REFUSED if "forbidden" in prompt else 0
        return job

    def is_refused(self, job: str) -> bool:
        return self.jobs[job] < 0

    def looked(self, job: str) -> bool:
        """Count a poll; True when the job is done."""
        self.jobs[job] += 1
        return self.jobs[job] >= 3


_FLUX2_SIZES = SizeRule(sides=(64, 65_536), pixels=(4096, 2048 * 2048), multiple=16)
_MAX_FLUX_INPUTS = {"/v1/flux-2-klein-9b": 4, "/v1/flux-2-klein-4b": 4, "/v1/flux-kontext-pro": 4}


def _flux_problem(path: str, body: dict) -> str | None:
    """Return the field that an earlier FLUX refuses."""
    is_sized = "width" in body and path.startswith("/v1/flux-2")
    if is_sized and not _FLUX2_SIZES.allows(f"{body['width']}x{body['height']}"):
        return "width"
    if len([name for name in body if name.startswith("input_image")]) > _MAX_FLUX_INPUTS.get(path, 8):
        return "input_image"
    if body.get("output_format", "jpeg") not in ("jpeg", "png"):
        return "output_format"
    return None if 0 <= body.get("safety_tolerance", 2) <= 6 else "safety_tolerance"


_FLUX3_FIELDS = {"prompt", "images", "aspect_ratio", "resolution", "safety_tolerance", "grounding"}
_FLUX3_REFERENCE = ReferenceRule(max_bytes=15_000_000, pixels=(256 * 256, 4000 * 4000))
_FLUX3_RESOLUTIONS = {
    "/v1/flux-3-image": {"768sq", "1k", "1.5k", "2k", "4k"},
    "/v1/flux-3-image-klein": {"1k", "2k", "4k"},
}


def _flux3_problem(path: str, body: dict) -> str | None:
    """Return the field that FLUX 3 refuses."""
    assert set(body) <= _FLUX3_FIELDS, set(body) - _FLUX3_FIELDS
    if len(body["prompt"]) > 15_000:
        return "prompt"
    if body.get("resolution", "1k") not in _FLUX3_RESOLUTIONS[path]:
        return "resolution"
    images = body.get("images", [])
    if len(images) > 10 or not all(map(_FLUX3_REFERENCE.allows, images)):
        return "images"
    return None if 0 <= body.get("safety_tolerance", 2) <= 4 else "safety_tolerance"


class FakeBfl(JobUpstream):
    preset, key = "bfl", "bfl-0123456789abcdef"
    paid = "^/v1/flux"
    auth = ("x-key", "{key}")
    auth_failure = (403, "auth_failed")
    fields = frozenset(
        (
            *("prompt", "width", "height", "aspect_ratio", "seed", "output_format"),
            *("safety_tolerance", "prompt_upsampling", "image", "mask"),
        )
    )

    def submit(self, request: Request, body: dict) -> Reply:
        if request.path.startswith("/v1/flux-3-image"):
            if (field := _flux3_problem(request.path, body)) is not None:
                return self.answer("invalid", field=field)
        else:
            assert {k for k in body if not k.startswith("input_image")} <= self.fields, body.keys()
            if (field := _flux_problem(request.path, body)) is not None:
                return self.answer("invalid", field=field)
        return self.answer(
            "accepted", job=self.new_job(request.path, body["prompt"]), root=self.root(request)
        )

    def follow(self, request: Request) -> Reply:
        if request.path == "/v1/credits":
            return self.answer("credits")
        assert request.path == "/v1/get_result", request.path
        job = request.query["id"]
        if job not in self.jobs:
            return self.answer("not_found", job=job)
        if self.is_refused(job):
            return self.answer("moderated", job=job)
        if not self.looked(job):
            return self.answer("pending", job=job)
        return self.answer("ready", job=job, url=self.files(request, 1)[0])


_FAL_SIZES = SizeRule(sides=(64, 2048))
"""As our document has them: the provider names no bounds."""


def _fal_problem(path: str, body: dict) -> str | None:
    """Return the field that the model refuses."""
    most = 4 if path == "/fal-ai/flux/dev" else 1
    if not 1 <= body.get("num_images", 1) <= most:
        return "num_images"
    size = body.get("image_size", {"width": 1024, "height": 768})
    if not _FAL_SIZES.allows(f"{size['width']}x{size['height']}"):
        return "image_size"
    return "output_format" if body.get("output_format", "jpeg") not in ("jpeg", "png") else None


class FakeFal(JobUpstream):
    preset, key = "fal", "fal-id:0123456789abcdef"
    paid = "^/fal-ai/flux(/dev|-2-pro)$"
    auth = ("authorization", "Key {key}")
    native_count = True

    def __init__(self):
        super().__init__()
        self.counts = {}
        self.wrong = {}

    def submit(self, request: Request, body: dict) -> Reply:
        job = self.new_job(request.path, body["prompt"])
        self.counts[job] = body.get("num_images", 1)
        if (field := _fal_problem(request.path, body)) is not None:
            self.ledger.pop()  # it is accepted, and costs nothing when it is looked at
            self.wrong[job] = field
        return self.answer("accepted", job=job, root=self.root(request))

    def follow(self, request: Request) -> Reply:
        match = re.fullmatch(r"/fal-ai/flux/requests/(job-\d+|unknown)(/status|/cancel)?", request.path)
        assert match, request.path
        job, verb = match[1], match[2]
        if job not in self.jobs:
            return self.answer("not_found")
        if verb == "/cancel":
            assert request.method == "PUT"
            self.cancelled.append(job)
            return self.answer("cancelled")
        if verb == "/status":
            is_done = self.is_refused(job) or self.looked(job)
            return self.answer("completed" if is_done else "in_progress", job=job)
        if job in self.wrong:
            return self.answer("invalid", field=self.wrong[job])
        if self.is_refused(job):
            return self.answer("refused")
        urls = self.files(request, self.counts[job])
        return self.answer("images", url=urls, is_nsfw=(False,) * len(urls))


_REPLICATE_SHAPES = {
    *("match_input_image", "custom", "1:1", "16:9", "3:2", "2:3", "4:5", "5:4", "9:16", "3:4", "4:3"),
}


def _replicate_problem(body: dict) -> str | None:
    """Return the field that FLUX.2 pro refuses there."""
    is_right = {
        "aspect_ratio": body.get("aspect_ratio", "1:1") in _REPLICATE_SHAPES,
        "output_format": body.get("output_format", "webp") in ("webp", "jpg", "png"),
        "output_quality": 0 <= body.get("output_quality", 80) <= 100,
        "safety_tolerance": 1 <= body.get("safety_tolerance", 2) <= 5,
    }
    return next((name for name, right in is_right.items() if not right), None)


class FakeReplicate(JobUpstream):
    """ "at once" in a prompt makes a job that is done when it is accepted."""

    preset, key = "replicate", "r8_0123456789abcdef"
    paid = "^/v1/models/.*/predictions$"

    def submit(self, request: Request, body: dict) -> Reply:
        assert request.path == "/v1/models/black-forest-labs/flux-2-pro/predictions", request.path
        assert set(body) == {"input"}, body
        if (field := _replicate_problem(body["input"])) is not None:
            return self.answer("invalid", field=field)
        prompt = body["input"]["prompt"]
        job = self.new_job(request.path, prompt)
        if "at once" in prompt:
            self.jobs[job] = 9
        names = ("accepted", "accepted_and_done", "accepted_and_failed")
        return self._prediction(request, job, *names)

    def follow(self, request: Request) -> Reply:
        if request.path == "/v1/account":
            return self.answer("account")
        match = re.fullmatch(r"/v1/predictions/([\w-]+)(/cancel)?", request.path)
        assert match, request.path
        job = match[1]
        if job not in self.jobs:
            return self.answer("not_found")
        if match[2]:
            self.cancelled.append(job)
        elif not self.is_refused(job):
            self.looked(job)
        return self._prediction(request, job, "processing", "succeeded", "failed")

    def _prediction(self, request: Request, job: str, pending: str, done: str, refused: str) -> Reply:
        """Return the sample of this name for the job's present state."""
        name = refused if self.is_refused(job) else done if self.jobs[job] >= 3 else pending
        return self.answer(name, job=job, url=self.files(request, 1)[0])


_ZHIPU_SIZES = {
    "glm-image": SizeRule(sides=(1024, 2048), pixels=(1, 2**22), multiple=32),
    "cogview-4-250304": SizeRule(sides=(512, 2048), pixels=(1, 2**21), multiple=16),
    "cogview-3-flash": SizeRule(sides=(512, 2048), pixels=(1, 2**21), multiple=16),
}
_ZHIPU_QUALITIES = {"glm-image": {"hd"}, "cogview-4-250304": {"hd", "standard"}, "cogview-3-flash": set()}


class FakeZhipu(JobUpstream):
    preset, base, key = "zhipu", "/api/paas/v4", "zhipu-0123456789abcdef"
    paid = "/images/generations$"

    def submit(self, request: Request, body: dict) -> Reply:
        assert set(body) <= {"model", "prompt", "size", "quality", "watermark_enabled"}, body
        if "forbidden" in body["prompt"]:
            return self.answer("refused")
        if "arrears" in body["prompt"]:
            return self.answer("in_arrears")
        if not self.allows(body):
            return self.answer("invalid")
        job = self.new_job(body["model"])
        if "/async/" not in request.path:
            return self.answer("images", url=self.files(request, 1))
        return self.answer("accepted", job=job, model=body["model"])

    def allows(self, body: dict) -> bool:
        """Return whether the model makes images of this size and quality."""
        qualities = {None, *_ZHIPU_QUALITIES[body["model"]]}
        return _ZHIPU_SIZES[body["model"]].allows(body.get("size")) and body.get("quality") in qualities

    def follow(self, request: Request) -> Reply:
        job = request.path.removeprefix("/api/paas/v4/async-result/")
        assert job in self.jobs, request.path
        if not self.looked(job):
            return self.answer("processing", job=job)
        return self.answer("succeeded", url=self.files(request, 1))


class FakeTencent(JobUpstream):
    """Recomputes each signature by the provider's own recipe."""

    preset, key = "tencent", "AKID0123456789abcdef:secret-0123456789"
    paid = "^/$"
    native_count = True
    auth_failure = (200, "auth_failed")
    fields = frozenset(
        (
            *("Prompt", "NegativePrompt", "Style", "Resolution", "Num", "Seed"),
            *("Revise", "LogoAdd", "ContentImage"),
        )
    )

    def is_submit(self, request: Request) -> bool:
        assert request.headers["x-tc-version"] == "2023-09-01"
        return request.headers["x-tc-action"] == "SubmitHunyuanImageJob"

    def submit(self, request: Request, body: dict) -> Reply:
        assert set(body) <= self.fields, body
        if "forbidden" in body["Prompt"]:
            return self.answer("refused")
        self.count = body.get("Num", 1)
        return self.answer("accepted", job=self.new_job("SubmitHunyuanImageJob"))

    def follow(self, request: Request) -> Reply:
        assert request.headers["x-tc-action"] == "QueryHunyuanImageJob", request.headers["x-tc-action"]
        job = request.json["JobId"]
        if job not in self.jobs:
            return self.answer("not_found")
        if not self.looked(job):
            return self.answer("running")
        return self.answer("done", url=self.files(request, self.count), detail=("Success",) * self.count)

    def is_authorized(self, request: Request) -> bool:
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
