"""OpenAI's Images API: JSON generations, multipart edits; the GPT image models refuse response_format."""

import io

from PIL import Image

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png_base64
from tests.fakes.size_rules import SizeRule
from tests.fakes.upstream import Upstream

_FIELDS = {
    *("model", "prompt", "n", "size", "quality", "background"),
    *("output_format", "output_compression", "moderation"),
}


_SIZES = SizeRule(
    sides=(16, 3840), pixels=(655_360, 8_294_400), ratio=3, multiple=16, words=frozenset(("auto",))
)


class FakeOpenAI(Upstream):
    """Its answers are compressed; gpt-image-2 has no transparent background and fewer qualities."""

    preset, base, key = "openai", "/v1", "sk-openai-0123456789abcdef"
    paid = "/v1/images/"

    def serve(self, request: Request) -> Reply:
        if (request.method, request.path) == ("GET", "/v1/models"):
            return self.answer("models")
        assert request.method == "POST", request.method
        if request.path == "/v1/images/generations":
            return self._images(request.json)
        assert request.path == "/v1/images/edits", request.path
        _check_files(request)
        return self._images(request.form)

    def _images(self, body: dict) -> Reply:
        assert set(body) <= _FIELDS, set(body) - _FIELDS
        self.bodies.append(body)
        if "forbidden" in body["prompt"]:
            return self.answer("refused")
        if (problem := _problem(body)) is not None:
            return self.answer("invalid", message=problem)
        count = int(body.get("n", 1))
        self.ledger.append((body["model"], count))
        return self.answer("images", image=tuple(png_base64(i) for i in range(count))).gzipped()


def _problem(body: dict) -> str | None:
    is_first = body["model"] == "gpt-image-2"
    if not _SIZES.allows(body.get("size")):
        return f"Invalid size {body['size']!r}."
    if is_first and body.get("background") == "transparent":
        return "Transparent background is not supported for this model."
    if is_first and body.get("quality") in ("xhigh", "max"):
        return f"Invalid value: {body['quality']!r}."
    return None


def _check_files(request: Request) -> None:
    files = [part for part in request.parts if part.filename is not None]
    assert {part.name for part in files} <= {"image[]", "mask"}, [part.name for part in files]
    for part in files:
        assert part.content_type == "image/png"
        with Image.open(io.BytesIO(part.data)) as image:
            assert part.name != "mask" or image.getchannel("A").getextrema()[0] == 0, "mask repaints nothing"
