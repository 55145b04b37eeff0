"""OpenAI's Images API: JSON generations, multipart edits; the GPT image models refuse response_format."""

import io

from PIL import Image

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png_base64

_FIELDS = {
    "model",
    "prompt",
    "n",
    "size",
    "quality",
    "background",
    "output_format",
    "output_compression",
    "moderation",
}


class FakeOpenAI:
    """``ledger`` has one entry for each charged call."""

    preset = "openai"
    key = "sk-openai-0123456789abcdef"
    base = "/v1"
    paid = "/v1/images/"
    native_count = True
    auth_failure = (401, "auth_failed")

    def __init__(self):
        self.ledger = []

    def __call__(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "invalid_api_key", f"Incorrect API key provided: {self.key}.")
        if (request.method, request.path) == ("GET", "/v1/models"):
            return Reply.json({"object": "list", "data": []})
        assert request.method == "POST", request.method
        if request.path == "/v1/images/generations":
            return self._generate(request.json)
        assert request.path == "/v1/images/edits", request.path
        return self._edit(request)

    def limited(self, **headers) -> Reply:
        return _error(429, "rate_limit_exceeded", "Rate limit reached.", **headers)

    def _generate(self, body: dict) -> Reply:
        assert set(body) <= _FIELDS, set(body) - _FIELDS
        return self._images(body["model"], body["prompt"], body.get("n", 1))

    def _edit(self, request: Request) -> Reply:
        files = [part for part in request.parts if part.filename is not None]
        form = request.form
        assert set(form) <= _FIELDS, set(form) - _FIELDS
        assert {part.name for part in files} <= {"image[]", "mask"}, [part.name for part in files]
        for part in files:
            assert part.content_type == "image/png"
            with Image.open(io.BytesIO(part.data)) as image:
                assert part.name != "mask" or image.getchannel("A").getextrema()[0] == 0, (
                    "mask repaints nothing"
                )
        return self._images(form["model"], form["prompt"], int(form.get("n", 1)))

    def _images(self, model: str, prompt: str, count: int) -> Reply:
        if "forbidden" in prompt:
            return _error(400, "moderation_blocked", "Your request was rejected by the safety system.")
        self.ledger.append((model, count))
        data = [{"b64_json": png_base64(i)} for i in range(count)]
        return Reply.json(
            {"created": 1, "data": data, "usage": {"total_tokens": 5}}, x_request_id="req-1"
        ).gzipped()


def _error(status: int, code: str, message: str, **headers: str) -> Reply:
    error = {"message": message, "type": "image_generation_user_error", "param": None, "code": code}
    return Reply.json({"error": error}, status, **headers)
