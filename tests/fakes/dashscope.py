"""Aliyun DashScope: synchronous messages, and jobs."""

import attrs

from tests.fakes.http_server import Reply, Request
from tests.fakes.reference_rules import ReferenceRule
from tests.fakes.samples import sample
from tests.fakes.size_rules import SizeRule
from tests.fakes.upstream import Upstream

_MESSAGE = "/api/v1/services/aigc/multimodal-generation/generation"
_JOB = "/api/v1/services/aigc/text2image/image-synthesis"
_PARAMETERS = frozenset(("size", "n", "seed", "prompt_extend", "watermark", "negative_prompt"))


_TEN_MEGABYTES = ReferenceRule(max_bytes=10 * 2**20)


@attrs.frozen(kw_only=True)
class _Model:
    """What one model accepts; a longer prompt is cut and not refused."""

    size: SizeRule
    count: int = 1
    references: int = 0
    reference: ReferenceRule = _TEN_MEGABYTES
    parameters: frozenset[str] = _PARAMETERS
    size_of_generate: SizeRule | None = None
    path: str = _MESSAGE


def _pixels(least: int, most: int, ratio: float = 100_000.0, *words: str) -> SizeRule:
    return SizeRule(separator="*", pixels=(least**2, most**2), ratio=ratio, words=frozenset(words))


_QWEN3 = _Model(size=_pixels(512, 2048, 8), count=6, references=3)
_QWEN2 = _Model(size=_pixels(512, 2048), count=6, references=3)
_WAN27 = _Model(
    size=_pixels(768, 2048, 8, "1K", "2K"),
    count=4,
    references=9,
    reference=ReferenceRule(max_bytes=20 * 2**20),
    parameters=frozenset(("size", "n", "seed", "watermark", "thinking_mode")),
)
_FIXED = ("1664*928", "1472*1104", "1328*1328", "1104*1472", "928*1664")
_PLUS = _Model(size=SizeRule(pixels=(0, 0), words=frozenset(_FIXED)))
_MODELS = {
    "qwen-image-3.0": _QWEN3,
    "qwen-image-3.0-pro": _QWEN3,
    "qwen-image-2.1-pro": attrs.evolve(_QWEN3, references=10, parameters=_PARAMETERS - {"negative_prompt"}),
    "qwen-image-2.0": _QWEN2,
    "qwen-image-2.0-pro": _QWEN2,
    "qwen-image-max": _Model(size=_pixels(512, 2048)),
    "qwen-image-plus": _PLUS,
    "qwen-image": _PLUS,
    "wan2.7-image-pro": attrs.evolve(_WAN27, size_of_generate=_pixels(768, 4096, 8, "1K", "2K", "4K")),
    "wan2.7-image": _WAN27,
    "wan2.6-t2i": _Model(size=_pixels(768, 1440, 4), count=4),
    "wan2.5-t2i-preview": _Model(size=_pixels(768, 1440, 4), count=4, path=_JOB),
    "z-image-turbo": _Model(size=_pixels(512, 2048), parameters=frozenset(("size", "seed", "prompt_extend"))),
}


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
        model = _MODELS[body["model"]]
        assert request.path == model.path, request.path
        if (wrong := _wrong_parameter(_asked_of(model, body), body["parameters"])) is not None:
            return self.answer("invalid", param=wrong)
        self.bodies.append(body)
        if model.path == _MESSAGE:
            return self._message(request, model, body)
        assert request.headers.get("x-dashscope-async") == "enable"
        return self._submit(body)

    def _message(self, request: Request, model: _Model, body: dict) -> Reply:
        content = body["input"]["messages"][0]["content"]
        images = [item["image"] for item in content if "image" in item]
        assert all(image.startswith("data:image/png;base64,") for image in images)
        if "forbidden" in content[-1]["text"]:
            return self.answer("refused")
        if len(images) > model.references or not all(map(model.reference.allows, images)):
            return self.answer("invalid", param="image")
        count = self._charge(body)
        return self.answer("message", url=self.files(request, count), count=count)

    def _submit(self, body: dict) -> Reply:
        self._charge(body)
        job = f"job-{len(self.jobs)}"
        self.jobs[job] = [body, 0]
        return self.answer("accepted", job=job)

    def _charge(self, body: dict) -> int:
        # Wan 2.7 makes four where no number is sent.
        default = 4 if body["model"].startswith("wan2.7") else 1
        count = body["parameters"].get("n", default)
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


def _asked_of(model: _Model, body: dict) -> _Model:
    """Return the model with the sizes that it makes for this request."""
    content = body["input"].get("messages", [{"content": []}])[0]["content"]
    has_images = any("image" in item for item in content)
    return model if has_images else attrs.evolve(model, size=model.size_of_generate or model.size)


def _wrong_parameter(model: _Model, parameters: dict) -> str | None:
    """Return a parameter that the model does not take as it is, None if it takes all."""
    unknown = set(parameters) - model.parameters
    is_right = {
        **dict.fromkeys(unknown, False),
        "size": model.size.allows(parameters.get("size")),
        "n": 1 <= parameters.get("n", 1) <= model.count,
        "seed": 0 <= parameters.get("seed", 0) < 2**31,
    }
    return next((name for name, right in is_right.items() if not right), None)
