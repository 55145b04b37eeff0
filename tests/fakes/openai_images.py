"""OpenAI's Images API: JSON generations, multipart edits; the GPT image models refuse response_format."""

import asyncio
import io
import json
import threading

from PIL import Image

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import in_base64, png_base64
from tests.fakes.reference_rules import ReferenceRule
from tests.fakes.samples import sample
from tests.fakes.size_rules import SizeRule
from tests.fakes.upstream import Upstream

_FIELDS = {
    *("model", "prompt", "n", "size", "quality", "complexity", "background"),
    *("output_format", "output_compression", "moderation", "stream", "partial_images"),
}


_SIZES = SizeRule(
    sides=(16, 3840), pixels=(655_360, 8_294_400), ratio=3, multiple=16, words=frozenset(("auto",))
)
_NUMBERS = ("n", "partial_images", "output_compression")
_REFERENCE = ReferenceRule(max_bytes=50_000_000)
_FIRST_QUALITIES = {"auto", "low", "medium", "high"}
_MORE_QUALITIES = {"xhigh", "max"}
_CHOICES = {
    "background": {"auto", "opaque", "transparent"},
    "moderation": {"auto", "low"},
}


class FakeOpenAI(Upstream):
    """Its answers are compressed; gpt-image-2 has no transparent background and fewer qualities.

    Attributes:
        steps: if set, each event of a stream waits for it.
        ends_in: what a stream ends in: the event ``completed``, or ``error``.
    """

    preset, base, key = "openai", "/v1", "sk-openai-0123456789abcdef"
    paid = "/v1/images/"

    def __init__(self) -> None:
        super().__init__()
        self.steps: threading.Semaphore | None = None
        self.ends_in = "completed"

    def serve(self, request: Request) -> Reply:
        if (request.method, request.path) == ("GET", "/v1/models"):
            return self.answer("models")
        assert request.method == "POST", request.method
        if request.path == "/v1/images/generations":
            return self._images(request.json, "image_generation")
        assert request.path == "/v1/images/edits", request.path
        _check_files(request)
        images = [part.data for part in request.parts if part.name == "image[]"]
        if len(images) > 16 or not all(map(_REFERENCE.allows, images)):
            return self.answer("invalid", message="Invalid image.")
        form = request.form
        assert form.get("stream", "true") == "true", form["stream"]
        numbers = {name: int(form[name]) for name in _NUMBERS if name in form}
        return self._images({**form, **numbers}, "image_edit")

    def _images(self, body: dict, events: str) -> Reply:
        assert set(body) <= _FIELDS, set(body) - _FIELDS
        self.bodies.append(body)
        if "forbidden" in body["prompt"]:
            return self.answer("refused")
        if (problem := _problem(body)) is not None:
            return self.answer("invalid", message=problem)
        count = int(body.get("n", 1))
        self.ledger.append((body["model"], count))
        if body.get("stream"):
            chunks = self._stream(events, body.get("partial_images", 0))
            return Reply(headers={"content-type": "text/event-stream; charset=utf-8"}, chunks=chunks)
        kind = body.get("output_format", "png")
        return self.answer("images", image=tuple(in_base64(kind, i) for i in range(count))).gzipped()

    async def _stream(self, events: str, partial_images: int):
        for index in range(partial_images):
            yield await self._event(
                f"{events}.partial_image", "partial", index=index, image=png_base64(index)
            )
        if self.ends_in == "error":
            yield await self._event("error", "failed")
        else:
            yield await self._event(f"{events}.completed", "completed", image=png_base64(9))

    async def _event(self, name: str, answer: str, **values) -> bytes:
        if self.steps is not None:
            await asyncio.to_thread(self.steps.acquire)
        data = sample(self.preset, answer, event=name, **values).body
        return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _problem(body: dict) -> str | None:
    is_first = body["model"] == "gpt-image-2"
    if is_first and body.get("background") == "transparent":
        return "Transparent background is not supported for this model."
    is_newest = body["model"].startswith("gpt-image-2.6-")
    if (body.get("background"), body.get("output_format")) == ("transparent", "jpeg"):
        return "Transparent background is not supported for JPEG output format"
    is_right = {
        "complexity": body.get("complexity", "low") in ("low", "medium", "high")
        and (is_newest or "complexity" not in body),
        "stream": not body.get("stream") or body.get("n", 1) == 1,
        "partial_images": "partial_images" not in body
        or (body.get("stream") and 0 <= body["partial_images"] <= 3),
        "prompt": len(body["prompt"]) <= 32_000,
        "n": 1 <= body.get("n", 1) <= 10,
        "output_compression": 0 <= body.get("output_compression", 0) <= 100,
        "size": _SIZES.allows(body.get("size")),
        "quality": body.get("quality", "auto") in _FIRST_QUALITIES | (set() if is_first else _MORE_QUALITIES),
        **{name: name not in body or body[name] in choices for name, choices in _CHOICES.items()},
        "output_format": body.get("output_format", "png") in ("png", "jpeg", "webp")
        or (is_newest and body["output_format"] in ("gif", "svg")),
    }
    wrong = next((name for name, right in is_right.items() if not right), None)
    return None if wrong is None else f"Invalid value of {wrong}: {body[wrong]!r}."


def _check_files(request: Request) -> None:
    files = [part for part in request.parts if part.filename is not None]
    assert {part.name for part in files} <= {"image[]", "mask"}, [part.name for part in files]
    for part in files:
        assert part.content_type == "image/png"
        with Image.open(io.BytesIO(part.data)) as image:
            assert part.name != "mask" or image.getchannel("A").getextrema()[0] == 0, "mask repaints nothing"
