"""xAI's Images API: JSON for everything, a list only of several images, no size, no mask and no seed."""

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png_base64
from tests.fakes.upstream import Upstream

_FIELDS = {"model", "prompt", "n", "aspect_ratio", "resolution", "quality", "response_format"}
_SHAPES = {
    *("auto", "1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9"),
    *("9:20", "20:9", "1:2", "2:1"),
}


class FakeXai(Upstream):
    """It answers in base64, whatever resolution and shape."""

    preset, base, key = "xai", "/v1", "xai-0123456789abcdef"
    paid = "/v1/images/"

    def serve(self, request: Request) -> Reply:
        if (request.method, request.path) == ("GET", "/v1/models"):
            return self.answer("models")
        assert request.method == "POST", request.method
        assert request.path in ("/v1/images/generations", "/v1/images/edits"), request.path
        body = request.json
        images = _images(body)
        assert bool(images) == request.path.endswith("/edits"), "images belong to edits"
        assert body["response_format"] == "b64_json"
        self.bodies.append(body)
        if "forbidden" in body["prompt"]:
            return self.answer("refused")
        if (field := _problem(body, images)) is not None:
            return self.answer("invalid", field=field)
        count = int(body.get("n", 1))
        self.ledger.append((body["model"], count))
        return self.answer("images", image=tuple(png_base64(i) for i in range(count)))


def _images(body: dict) -> list[dict]:
    """Return the input images: ``image`` is the only one, ``images`` are several."""
    images = [body["image"]] if "image" in body else body.get("images", [])
    assert "image" not in body or "images" not in body
    assert "images" not in body or len(images) > 1
    assert all(i["type"] == "image_url" and i["url"].startswith("data:image/png;base64,") for i in images)
    return images


def _problem(body: dict, images: list[dict]) -> str | None:
    """Return the field that is refused; 2.0 takes more than those before it."""
    is_newest = body["model"] == "grok-imagine-image-2.0"
    if unknown := set(body) - _FIELDS - {"image", "images"}:
        return min(unknown)
    if body.get("resolution", "1k") not in ("1k", "2k", *(("1.5k",) if is_newest else ())):
        return "resolution"
    if body.get("aspect_ratio", "auto") not in (_SHAPES | {"21:9", "5:2"} if is_newest else _SHAPES):
        return "aspect_ratio"
    if body.get("quality", "auto") not in ("auto", "low", "medium"):
        return "quality"
    if not 1 <= body.get("n", 1) <= 10:
        return "n"
    return "images" if len(images) > (5 if is_newest else 3) else None
