"""Synchronous providers: Ark, SiliconFlow, Qianfan, MiniMax, Ideogram, Recraft."""

import attrs

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png, png_base64


class _Upstream:
    """What these fakes share: files that need no key, and the key in the usual header."""

    base = ""
    native_count = True
    auth = ("authorization", "Bearer {key}")
    auth_failure = (401, "auth_failed")

    def __init__(self):
        self.ledger = []
        self.bodies = []

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            assert self.key not in str(request.headers), "the key went along with a download"
            return Reply(200, png(int(request.path[-1])), {"content-type": "image/png"})
        header, value = self.auth
        if request.headers.get(header) != value.format(key=self.key):
            return self.unauthorized()
        if request.method == "GET":
            return Reply.json({"ok": True})
        return self.serve(request)

    def charge(self, request: Request, body: dict, fields: set[str]) -> None:
        assert set(body) <= fields, set(body) - fields
        self.bodies.append(body)

    def url(self, request: Request, number: int) -> str:
        return f"http://{request.headers['host']}/files/{number}"


class FakeArk(_Upstream):
    preset, base, key = "ark", "/api/v3", "ark-0123456789abcdef"
    paid = "/api/v3/images"
    native_count = False
    fields = frozenset(
        ("model", "prompt", "image", "size", "seed", "guidance_scale", "response_format", "watermark")
    )

    def serve(self, request: Request) -> Reply:
        assert request.path == "/api/v3/images/generations", request.path
        body = request.json
        self.charge(request, body, self.fields)
        assert isinstance(body.get("image", ""), str) or len(body["image"]) > 1, "one image is no list"
        if "forbidden" in body["prompt"]:
            return self._error(400, "InputTextSensitiveContentDetected", "sensitive")
        self.ledger.append(body["model"])
        if "partly" in body["prompt"]:
            return Reply.json(
                {"data": [{"error": {"code": "OutputImageSensitiveContentDetected", "message": "held"}}]}
            )
        if body["response_format"] == "b64_json":
            return Reply.json({"data": [{"b64_json": png_base64(), "size": "16x16"}]})
        return Reply.json({"data": [{"url": self.url(request, 1)}], "usage": {"generated_images": 1}})

    def unauthorized(self) -> Reply:
        return self._error(401, "AuthenticationError", "The API key doesn't exist")

    def limited(self, **headers) -> Reply:
        return self._error(429, "ModelAccountRpmRateLimitExceeded", "slow", **headers)

    def _error(self, status, code, message, **headers) -> Reply:
        return Reply.json({"error": {"code": code, "message": message, "type": "x"}}, status, **headers)


class FakeSiliconFlow(_Upstream):
    preset, base, key = "siliconflow", "/v1", "sk-silicon-0123456789abcdef"
    paid = "/v1/images"
    fields = frozenset(
        (
            "model",
            "prompt",
            "negative_prompt",
            "image_size",
            "batch_size",
            "seed",
            "num_inference_steps",
            "guidance_scale",
            "image",
            "image2",
            "image3",
        )
    )

    def serve(self, request: Request) -> Reply:
        assert request.path == "/v1/images/generations", request.path
        body = request.json
        self.charge(request, body, self.fields)
        if "forbidden" in body["prompt"]:
            return Reply.json({"code": 20012, "message": "prohibited", "data": None}, 451)
        self.ledger.append(body["model"])
        images = [{"url": self.url(request, i)} for i in range(body.get("batch_size", 1))]
        return Reply.json(
            {"images": images, "timings": {"inference": 1}, "seed": 42}, x_siliconcloud_trace_id="t"
        )

    def unauthorized(self) -> Reply:
        return Reply.json("Invalid token", 401)  # really a bare JSON string

    def limited(self, **headers) -> Reply:
        return Reply.json({"code": 50603, "message": "RPM limit", "data": None}, 429, **headers)


class FakeQianfan(_Upstream):
    preset, base, key = "qianfan", "/v2", "bce-v3-0123456789abcdef"
    paid = "/v2/images"
    fields = frozenset(("model", "prompt", "n", "size", "seed", "steps", "guidance", "refer_image"))

    def serve(self, request: Request) -> Reply:
        assert request.path == "/v2/images/generations", request.path
        body = request.json
        self.charge(request, body, self.fields)
        if "forbidden" in body["prompt"]:
            return self._error(400, "unsafe_request")
        self.ledger.append(body["model"])
        return Reply.json(
            {"id": "as-1", "data": [{"url": self.url(request, i)} for i in range(body.get("n", 1))]}
        )

    def unauthorized(self) -> Reply:
        return self._error(401, "invalid_iam_token")

    def limited(self, **headers) -> Reply:
        return self._error(429, "rpm_rate_limit_exceeded", **headers)

    def _error(self, status, code, **headers) -> Reply:
        return Reply.json(
            {"error": {"code": code, "message": code, "type": "x"}, "id": "as-1"}, status, **headers
        )


class FakeMiniMax(_Upstream):
    """Reports every error with a 200."""

    preset, key = "minimax", "eyJ-minimax-0123456789abcdef"
    paid = "/v1/image_generation"
    auth_failure = (200, "auth_failed")
    fields = frozenset(
        (
            "model",
            "prompt",
            "aspect_ratio",
            "n",
            "seed",
            "response_format",
            "prompt_optimizer",
            "aigc_watermark",
            "subject_reference",
        )
    )

    def serve(self, request: Request) -> Reply:
        assert request.path == "/v1/image_generation", request.path
        body = request.json
        self.charge(request, body, self.fields)
        if "forbidden" in body["prompt"]:
            return self._base(1026, "input sensitive")
        self.ledger.append(body["model"])
        images = [png_base64(i) for i in range(body.get("n", 1))]
        return Reply.json(
            {
                "id": "1",
                "data": {"image_base64": images},
                "metadata": {"failed_count": "0"},
                "base_resp": {"status_code": 0, "status_msg": "success"},
            }
        )

    def unauthorized(self) -> Reply:
        return self._base(1004, "login fail")

    def limited(self, **headers) -> Reply:
        return attrs.evolve(
            self._base(1002, "rate limit"), headers={n.replace("_", "-"): v for n, v in headers.items()}
        )

    def _base(self, code: int, message: str) -> Reply:
        return Reply.json({"id": "1", "base_resp": {"status_code": code, "status_msg": message}})


class FakeIdeogram(_Upstream):
    preset, key = "ideogram", "ideogram-0123456789abcdef"
    paid = "/v2/image/generate"
    native_count = False
    auth = ("api-key", "{key}")
    fields = frozenset(("prompt", "negative_prompt", "aspect_ratio", "seed"))

    def serve(self, request: Request) -> Reply:
        assert request.path == "/v2/image/generate/ideogram-4-5", request.path
        body = request.json
        self.charge(request, body, self.fields)
        self.ledger.append("ideogram-4-5")
        safe = "forbidden" not in body["prompt"]
        item = {
            "url": self.url(request, 1) if safe else None,
            "is_image_safe": safe,
            "seed": 3,
            "prompt": "x",
        }
        return Reply.json({"generation_id": "g", "data": [item]})

    def unauthorized(self) -> Reply:
        return Reply.json({"message": "Unauthorized"}, 401)

    def limited(self, **headers) -> Reply:
        return Reply.json({"message": "Too many"}, 429, **headers)


class FakeRecraft(_Upstream):
    preset, base, key = "recraft", "/v1", "recraft-0123456789abcdef"
    paid = "/v1/images"
    fields = frozenset(
        (
            "model",
            "prompt",
            "negative_prompt",
            "n",
            "size",
            "style",
            "substyle",
            "response_format",
            "strength",
        )
    )

    def serve(self, request: Request) -> Reply:
        if request.path == "/v1/images/crispUpscale":
            assert [part.name for part in request.parts] == ["file"]
            self.ledger.append("crispUpscale")
            return Reply.json({"image": {"url": self.url(request, 1)}})
        body = request.json if request.path.endswith("generations") else request.form
        self.charge(request, body, self.fields)
        if request.path != "/v1/images/generations":
            expected = {"/v1/images/inpaint": {"image", "mask"}, "/v1/images/imageToImage": {"image"}}[
                request.path
            ]
            assert {part.name for part in request.parts if part.filename} == expected
        if "forbidden" in body["prompt"]:
            return Reply.json({"code": "nsfw_prompt", "message": "no"}, 400)
        self.ledger.append(body["model"])
        return Reply.json(
            {
                "created": 1,
                "credits": 40,
                "data": [{"url": self.url(request, i)} for i in range(int(body.get("n", 1)))],
            }
        )

    def unauthorized(self) -> Reply:
        return Reply.json({"code": "unauthorized", "message": "no"}, 401)

    def limited(self, **headers) -> Reply:
        return Reply.json({"code": "rate_limit", "message": "slow"}, 429, **headers)
