"""Synchronous providers, which differ in path, fields and shape: a table, and what goes beyond it."""

import attrs

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png_base64
from tests.fakes.reference_rules import ReferenceRule
from tests.fakes.size_rules import SizeRule
from tests.fakes.upstream import Upstream


class _SyncUpstream(Upstream):
    """One POST, answered by the images; a prompt with "forbidden" in it is refused.

    Attributes:
        path: where images are made.
        fields: what a body may have, or None for anything.
        count_field: the field with the number of images, or None.
        refuses_prompts: whether its documentation says how a refused prompt is answered.
    """

    path: str
    fields: frozenset[str] | None
    count_field: str | None = None
    refuses_prompts = True

    def serve(self, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.json({"ok": True})
        assert request.path == self.path, request.path
        return self.make(request, request.json)

    def make(self, request: Request, body: dict) -> Reply:
        """Charge a well-formed call that is not refused, and return its images."""
        assert self.fields is None or set(body) <= self.fields, set(body) - self.fields
        self.bodies.append(body)
        if self.refuses_prompts and "forbidden" in body["prompt"]:
            return self.answer("refused")
        self.ledger.append(body["model"])
        return self.images(request, body)

    def images(self, request: Request, body: dict) -> Reply:
        count = int(body.get(self.count_field, 1))
        encoded = tuple(png_base64(number) for number in range(count))
        return self.answer("images", url=self.files(request, count), image=encoded)


class FakeSiliconFlow(_SyncUpstream):
    preset, base, key = "siliconflow", "/v1", "sk-silicon-0123456789abcdef"
    paid = "/v1/images"
    path = "/v1/images/generations"
    native_count = False
    fields = frozenset(
        (
            *("model", "prompt", "negative_prompt", "image_size", "seed"),
            *("num_inference_steps", "guidance_scale", "cfg", "image", "image2", "image3"),
        )
    )

    def make(self, request: Request, body: dict) -> Reply:
        is_kolors = body["model"] == "Kwai-Kolors/Kolors"
        is_edit = "-Edit" in body["model"]
        assert is_kolors or "guidance_scale" not in body, "this is for Kolors"
        assert not (is_kolors and "cfg" in body), "this is for Qwen"
        assert is_edit == ("image_size" not in body), "edits keep the size, all others need one"
        is_right = {
            "seed": 0 <= body.get("seed", 0) <= 9_999_999_999,
            "num_inference_steps": 1 <= body.get("num_inference_steps", 20) <= 100,
            "guidance_scale": 0 <= body.get("guidance_scale", 7.5) <= 20,
            "cfg": 0.1 <= body.get("cfg", 4) <= 20,
        }
        wrong = next((name for name, right in is_right.items() if not right), None)
        return super().make(request, body) if wrong is None else self.answer("invalid", field=wrong)


_TEN_MEGABYTES = ReferenceRule(max_bytes=10 * 2**20)


class FakeQianfan(_SyncUpstream):
    preset, base, key = "qianfan", "/v2", "bce-v3-0123456789abcdef"
    paid = "^/v2/(musesteamer/)?images"
    path = "/v2/images/generations"
    count_field = "n"
    fields = frozenset(("model", "prompt", "n", "size", "seed", "steps", "guidance", "refer_image"))

    def serve(self, request: Request) -> Reply:
        """One model has a path of its own, makes one image a call and knows other fields."""
        if request.path != "/v2/musesteamer/images/generations":
            return super().serve(request)
        body = request.json
        assert set(body) <= {"model", "prompt", "size", "seed", "prompt_extend"}, body.keys()
        assert "musesteamer-air-image" == body["model"]
        self.bodies.append(body)
        if body["size"] not in ("1152x864", "864x1152"):
            return self.answer("invalid", param="size")
        self.ledger.append(body["model"])
        return self.images(request, {"n": 1})

    def make(self, request: Request, body: dict) -> Reply:
        assert body["model"] != "musesteamer-air-image", "it has a path of its own"
        is_irag = body["model"] == "irag-1.0"
        longest = {"irag-1.0": 220, "flux.1-schnell": 512}.get(body["model"], 100_000)
        is_right = {
            "prompt": len(body["prompt"]) <= longest,
            "n": 1 <= body.get("n", 1) <= 4,
            "size": SizeRule(sides=(512, 2048)).allows(body.get("size")),
            "refer_image": "refer_image" not in body
            or (is_irag and _TEN_MEGABYTES.allows(body["refer_image"])),
            "steps": 1 <= body.get("steps", 1) <= 50 and not (is_irag and {"steps", "guidance"} & set(body)),
            "guidance": 0 <= body.get("guidance", 0) <= 30,
        }
        wrong = next((name for name, right in is_right.items() if not right), None)
        return super().make(request, body) if wrong is None else self.answer("invalid", param=wrong)


class FakeHuaweiMaas(_SyncUpstream):
    """One image a call, as a data URI; refuses no prompt."""

    preset, base, key = "huawei-maas", "/v1", "huawei-0123456789abcdef"
    paid = "/v1/images"
    path = "/v1/images/generations"
    native_count = False
    fields = frozenset(("model", "prompt", "size", "seed", "response_format", "watermark"))
    refuses_prompts = False

    def make(self, request: Request, body: dict) -> Reply:
        assert ("qwen-image", "b64_json") == (body["model"], body["response_format"])
        is_right = {
            "size": "size" in body and SizeRule(pixels=(512**2, 2048**2)).allows(body["size"]),
            "seed": 0 <= body.get("seed", 0) <= 2**31,
        }
        wrong = next((name for name, right in is_right.items() if not right), None)
        return super().make(request, body) if wrong is None else self.answer("invalid", param=wrong)

    def images(self, request: Request, body: dict) -> Reply:
        return self.answer("images", image=png_base64(1))


_MINIMAX_STYLES = ("漫画", "元气", "中世纪", "水彩")


class FakeMiniMax(_SyncUpstream):
    """Reports every error with a 200."""

    preset, key = "minimax", "eyJ-minimax-0123456789abcdef"
    paid = path = "/v1/image_generation"
    auth_failure = (200, "auth_failed")
    count_field = "n"
    fields = frozenset(
        (
            *("model", "prompt", "aspect_ratio", "n", "seed", "response_format", "prompt_optimizer"),
            *("aigc_watermark", "subject_reference", "width", "height", "style"),
        )
    )

    def make(self, request: Request, body: dict) -> Reply:
        is_live = body["model"] == "image-01-live"
        sides = [body[name] for name in ("width", "height") if name in body]
        assert not (is_live and sides), "sides are for image-01"
        references = [reference["image_file"] for reference in body.get("subject_reference", [])]
        formats = ("data:image/png;", "data:image/jpeg;")
        is_right = {
            "prompt": len(body["prompt"]) <= 1500,
            "n": 1 <= body.get("n", 1) <= 9,
            "width": len(sides) in (0, 2) and all(512 <= s <= 2048 and s % 8 == 0 for s in sides),
            "style": "style" not in body or (is_live and body["style"]["style_type"] in _MINIMAX_STYLES),
            "subject_reference": len(references) <= 1
            and all(image.startswith(formats) and _TEN_MEGABYTES.allows(image) for image in references),
        }
        wrong = next((name for name, right in is_right.items() if not right), None)
        return super().make(request, body) if wrong is None else self.answer("invalid", field=wrong)


_IDEOGRAM_SIZES = {
    "ideogram-4-5": SizeRule(words=frozenset(("auto",))),
    "ideogram-4-6": SizeRule(
        sides=(32, 8192), pixels=(1024, 4096**2), ratio=6.001, multiple=32, words=frozenset(("auto",))
    ),
}
_IDEOGRAM_REFERENCE = ReferenceRule(max_bytes=25_000_000, formats=frozenset(("PNG", "JPEG", "WEBP")))


class FakeIdeogram(_SyncUpstream):
    """Charges what it then holds back; the model is part of the path."""

    preset, key = "ideogram", "ideogram-0123456789abcdef"
    paid = "/v2/image/"
    path = "/v2/image/generate/ideogram-4-5"
    native_count = False
    auth = ("api-key", "{key}")
    fields = frozenset(("prompt", "size", "quality", "seed"))

    def serve(self, request: Request) -> Reply:
        files = [part.name for part in request.parts if part.filename]
        model = request.path.rpartition("/")[2]
        assert model in ("ideogram-4-5", "ideogram-4-6"), request.path
        if request.path == f"/v2/image/precise-edit/{model}":
            assert files in (["image"], ["image", "mask"]), files
            assert "size" not in request.form, "an edit keeps its size"
            return self.make(request, request.form)
        assert request.path == f"/v2/image/generate/{model}", request.path
        if not _IDEOGRAM_SIZES[model].allows(request.form.get("size")):
            return self.answer("invalid", field="size")
        images = [part.data for part in request.parts if part.filename]
        if len(files) > 5 or set(files) - {"images"} or not all(map(_IDEOGRAM_REFERENCE.allows, images)):
            return self.answer("invalid", field="images")
        return self.make(request, request.form)

    def make(self, request: Request, body: dict) -> Reply:
        assert set(body) <= self.fields, set(body) - self.fields
        self.bodies.append(body)
        if len(body["prompt"]) > 10_000:
            return self.answer("invalid", field="prompt")
        if body.get("quality", "low") not in ("low", "medium", "high"):
            return self.answer("invalid", field="quality")
        if not 0 <= int(body.get("seed", 0)) < 2**31:
            return self.answer("invalid", field="seed")
        self.ledger.append("ideogram-4-5")
        return self.answer("refused") if "forbidden" in body["prompt"] else self.images(request, body)


_ARK_REFERENCE = ReferenceRule(max_bytes=10 * 2**20, pixels=(1, 36_000_000))


@attrs.frozen(kw_only=True)
class _Seedream:
    """What one model of Ark accepts."""

    size: SizeRule
    references: int = 14
    reference: ReferenceRule = _ARK_REFERENCE
    has_output_format: bool = False
    has_background: bool = False


def _seedream(pixels: tuple[int, int], *words: str, **more) -> _Seedream:
    size = SizeRule(pixels=pixels, ratio=16, words=frozenset(words))
    return _Seedream(size=size, **more)


_SEEDREAM_LITE = _seedream((3_686_400, 10_404_496), "2K", "3K", has_output_format=True)
_SEEDREAM_PRO = _seedream(
    *((921_600, 4_624_220), "1K", "1.5K", "2K"),
    references=10,
    reference=attrs.evolve(_ARK_REFERENCE, max_bytes=30 * 2**20),
    has_output_format=True,
)
_SEEDREAM = {
    "doubao-seedream-4-0-20260415": _seedream((921_600, 16_777_216), "1K", "2K", "4K"),
    "doubao-seedream-4-0-250828": _seedream((921_600, 16_777_216), "1K", "2K", "4K"),
    "doubao-seedream-4-5-251128": _seedream((3_686_400, 16_777_216), "2K", "4K"),
    "doubao-seedream-5-0-260128": _SEEDREAM_LITE,
    "doubao-seedream-5-0-lite-260128": _SEEDREAM_LITE,
    "doubao-seedream-5-0-pro-260628": _SEEDREAM_PRO,
    "doubao-seedream-5-0-flash-260915": _SEEDREAM_PRO,
    "doubao-seedream-5-5-261028": attrs.evolve(_SEEDREAM_PRO, has_background=True),
}
_SEEDREAM_BACKGROUNDS = (None, "auto", "transparent", "opaque")


class FakeArk(_SyncUpstream):
    """One image a call, as a URL or as base64; "partly" in a prompt holds that image back."""

    preset, base, key = "ark", "/api/v3", "ark-0123456789abcdef"
    paid = "/api/v3/images"
    path = "/api/v3/images/generations"
    native_count = False
    fields = frozenset(
        (
            *("model", "prompt", "image", "size", "output_format", "response_format", "watermark"),
            "background",
        )
    )

    def make(self, request: Request, body: dict) -> Reply:
        images = body.get("image", [])
        assert isinstance(images, str) or len(images) != 1, "one image is no list"
        images = [images] if isinstance(images, str) else images
        assert all(image.startswith("data:image/png;base64,") for image in images)
        model = _SEEDREAM[body["model"]]
        if not model.size.allows(body.get("size")):
            return self.answer("invalid", param="size")
        if len(images) > model.references or not all(map(model.reference.allows, images)):
            return self.answer("invalid", param="image")
        if body.get("output_format") not in ((None, "png", "jpeg") if model.has_output_format else (None,)):
            return self.answer("invalid", param="output_format")
        background = body.get("background")
        is_lost = (background, body.get("output_format")) == ("transparent", "jpeg")
        if background not in (_SEEDREAM_BACKGROUNDS if model.has_background else (None,)) or is_lost:
            return self.answer("invalid", param="background")
        if body["response_format"] not in ("url", "b64_json"):
            return self.answer("invalid", param="response_format")
        return super().make(request, body)

    def images(self, request: Request, body: dict) -> Reply:
        if "partly" in body["prompt"]:
            return self.answer("held_back")
        if body["response_format"] == "b64_json":
            return self.answer("images_base64", image=png_base64())
        return super().images(request, body)


_RECRAFT_REFERENCE_MODELS = ("recraftv3", "recraftv4_1")
_RECRAFT_FILES = {"/v1/images/inpaint": {"image", "mask"}, "/v1/images/imageToImage": {"image"}}


_RECRAFT_1K = {
    *("1024x1024", "1536x768", "768x1536", "1280x832", "832x1280", "1216x896", "896x1216"),
    *("1152x896", "896x1152", "832x1344", "1280x896", "896x1280", "1344x768", "768x1344"),
}
_RECRAFT_2K = {"x".join(str(2 * int(side)) for side in size.split("x")) for size in _RECRAFT_1K}
_RECRAFT_SIZES = {
    **dict.fromkeys(("recraftv4", "recraftv4_1", "recraftv4_vector", "recraftv4_1_vector"), _RECRAFT_1K),
    **dict.fromkeys(("recraftv4_pro", "recraftv4_1_pro", "recraftv4_pro_vector"), _RECRAFT_2K),
}


_RECRAFT_V3_SIZES = SizeRule(sides=(256, 2048))
"""As our document has them: the provider lists sizes and names no bounds."""


def _recraft_problem(body: dict) -> str | None:
    """Return the field that a model of Recraft refuses."""
    sizes = _RECRAFT_SIZES.get(body["model"])
    is_right = {
        "prompt": len(body["prompt"]) <= (1000 if sizes is None else 10_000),
        "n": 1 <= int(body.get("n", 1)) <= 6,
        "response_format": body.get("response_format", "url") in ("url", "b64_json"),
        "strength": 0 <= float(body.get("strength", 0)) <= 1,
        "size": _RECRAFT_V3_SIZES.allows(body.get("size"))
        if sizes is None
        else body.get("size", "1024x1024") in {*sizes, "1024x1024"},
    }
    return next((name for name, right in is_right.items() if not right), None)


class FakeRecraft(_SyncUpstream):
    """JSON makes images, forms change them; upscaling has a path of its own. A V4 has its own sizes."""

    preset, base, key = "recraft", "/v1", "recraft-0123456789abcdef"
    paid = "/v1/images"
    path = "/v1/images/generations"
    count_field = "n"
    fields = frozenset(
        (
            *("model", "prompt", "negative_prompt", "n", "size", "style", "substyle"),
            *("response_format", "strength"),
        )
    )

    def serve(self, request: Request) -> Reply:
        if request.path == "/v1/images/crispUpscale":
            assert [part.name for part in request.parts] == ["file"]
            self.ledger.append("crispUpscale")
            return self.answer("upscaled", url=f"{self.root(request)}/files/1")
        if request.path not in _RECRAFT_FILES:
            return super().serve(request)
        assert {p.name for p in request.parts if p.filename} == _RECRAFT_FILES[request.path]
        assert request.form["model"] in _RECRAFT_REFERENCE_MODELS
        return self.make(request, request.form)

    def make(self, request: Request, body: dict) -> Reply:
        wrong = _recraft_problem(body)
        return super().make(request, body) if wrong is None else self.answer("invalid", field=wrong)

    def images(self, request: Request, body: dict) -> Reply:
        ending = ".svg" if body["model"].endswith("_vector") else ""
        urls = self.files(request, int(body.get("n", 1)))
        return self.answer("images", url=tuple(url + ending for url in urls))


class FakeGateway(_SyncUpstream):
    """A gateway with the OpenAI Images API that returns URLs and accepts any field."""

    preset, base, key = "openai-compatible", "/v1", "sk-gateway-0123456789abcdef"
    paid = "/v1/images/"
    models = ("some-model",)
    path = "/v1/images/generations"
    count_field = "n"
    fields = None

    def serve(self, request: Request) -> Reply:
        if request.path == "/v1/models":
            return self.answer("models")
        if request.path == "/v1/images/edits":
            return self.make(request, request.form)
        return super().serve(request)
