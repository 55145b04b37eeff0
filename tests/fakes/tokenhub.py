"""Tencent TokenHub: one path for each family of models, and one image a call."""

import attrs

from tests.fakes.http_server import Reply, Request
from tests.fakes.reference_rules import ReferenceRule
from tests.fakes.size_rules import SizeRule
from tests.fakes.upstream import Upstream

_HUNYUAN = "/v1/wand/hunyuan-image/v3-generation"
_CONVERSATION = "/v1/wand/hunyuan-image/v35-generation"
_SEEDREAM = "/v1/wand/si-image/generation"
_MINIMAX = "/v1/wand/minimax-image/generation"


_ANY_REFERENCE = ReferenceRule()


@attrs.frozen(kw_only=True)
class _Model:
    """What one model accepts; no number of references means that the documentation names none."""

    path: str
    fields: frozenset[str]
    size: SizeRule
    prompt: int = 100_000
    references: int | None = None
    reference: ReferenceRule = _ANY_REFERENCE


def _seedream(pixels: tuple[int, int], *words: str, references: int) -> _Model:
    return _Model(
        path=_SEEDREAM,
        fields=frozenset(
            ("model", "prompt", "images", "size", "output_format", "response_format", "watermark")
        ),
        size=SizeRule(pixels=pixels, ratio=16, words=frozenset(words)),
        prompt=600,
        references=references,
        reference=ReferenceRule(max_bytes=30 * 2**20),
    )


_H3 = _Model(
    path=_MINIMAX,
    fields=frozenset(("model", "prompt", "size")),
    size=SizeRule(pixels=(655_360, 20_000_000), ratio=3, words=frozenset(("auto",))),
    prompt=32_000,
)
_MODELS = {
    "minimax-image-h3": _H3,
    "minimax-image-h3-highspeed": _H3,
    "hy-image-v3": _Model(
        path=_HUNYUAN,
        fields=frozenset(("model", "prompt", "images", "size", "seed", "revise")),
        size=SizeRule(sides=(512, 2048), pixels=(1, 1024 * 1024)),
        prompt=8192,
        references=3,
        reference=ReferenceRule(max_bytes=10 * 2**20, formats=frozenset(("PNG", "JPEG"))),
    ),
    "hy-image-v3.5-preview": _Model(
        path=_CONVERSATION,
        fields=frozenset(("model", "messages", "size", "seed")),
        size=SizeRule(sides=(256, 8192), pixels=(1, 4096 * 4096)),
    ),
    "seedream-image-v5.0-pro": _seedream((921_600, 4_624_220), "1K", "1.5K", "2K", references=10),
    "seedream-image-v5.0-lite": _seedream((3_686_400, 4096 * 4096), "2K", "3K", "4K", references=14),
}


class FakeTokenHub(Upstream):
    """A prompt with "forbidden" in it is refused; one with "broken" is an error with status 200."""

    preset, key = "tokenhub", "sk-tokenhub-0123456789abcdef"
    paid = "^/v1/wand/"
    native_count = False

    def serve(self, request: Request) -> Reply:
        body = request.json
        model = _MODELS[body["model"]]
        assert (request.method, request.path) == ("POST", model.path)
        assert set(body) <= model.fields, set(body) - model.fields
        prompt, images = _conversation(body) if "messages" in body else (body["prompt"], body.get("images"))
        assert images != [], "no references are no list"
        assert all(image.startswith("data:image/") for image in images or ())
        self.bodies.append(body)
        if "forbidden" in prompt:
            return self.answer("refused")
        if "broken" in prompt:
            return self.answer("refused_with_200")
        wrong = _wrong_field(model, body, prompt, images or [])
        return self.images(request, body) if wrong is None else self.answer("invalid", param=wrong)

    def images(self, request: Request, body: dict) -> Reply:
        """Charge the call and return its image."""
        self.ledger.append(body["model"])
        name = "turn" if "messages" in body else "image"
        return self.answer(name, url=self.files(request, 1)[0], model=body["model"])


def _wrong_field(model: _Model, body: dict, prompt: str, images: list[str]) -> str | None:
    """Return the field that is outside the model's limits, None if all are within."""
    is_right = {
        "prompt": len(prompt) <= model.prompt,
        "size": model.size.allows(body.get("size")),
        "images": (model.references is None or len(images) <= model.references)
        and all(map(model.reference.allows, images)),
        "output_format": body.get("output_format", "png") in ("png", "jpeg"),
        "seed": 1 <= body.get("seed", 1) <= 2**32 - 1,
    }
    return next((field for field, right in is_right.items() if not right), None)


def _conversation(body: dict) -> tuple[str, list[str] | None]:
    (message,) = body["messages"]
    assert "user" == message["role"]
    *parts, text = message["content"]
    assert {"image_url"} >= {part["type"] for part in parts}
    return text["text"], [part["image_url"]["url"] for part in parts] or None
