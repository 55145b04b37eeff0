"""Stability AI's v2beta API on loopback: strict about forms, with a ledger of what was charged."""

import base64
import io
import threading

import multipart
from PIL import Image

from tests.fakes.a1111 import png
from tests.fakes.loopback import Answer, Loopback

RATIOS = {"21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"}
_TEXT = {"negative_prompt", "seed", "output_format", "style_preset"}
_ROUTES = {  # path: (required, optional, asynchronous)
    "generate/ultra": ({"prompt"}, _TEXT | {"aspect_ratio", "image", "strength"}, False),
    "generate/core": ({"prompt"}, _TEXT | {"aspect_ratio"}, False),
    "generate/sd3": (
        {"prompt"},
        _TEXT | {"aspect_ratio", "model", "mode", "image", "strength", "cfg_scale"},
        False,
    ),
    "edit/inpaint": ({"prompt", "image"}, _TEXT | {"mask", "grow_mask"}, False),
    "edit/search-and-replace": ({"prompt", "image", "search_prompt"}, _TEXT | {"grow_mask"}, False),
    "upscale/fast": ({"image"}, {"output_format"}, False),
    "upscale/conservative": ({"prompt", "image"}, _TEXT - {"style_preset"} | {"creativity"}, False),
    "upscale/creative": ({"prompt", "image"}, _TEXT | {"creativity"}, True),
    "edit/replace-background-and-relight": (
        {"subject_image"},
        {
            "background_prompt",
            "foreground_prompt",
            "negative_prompt",
            "seed",
            "output_format",
            "preserve_original_subject",
            "original_background_depth",
            "keep_original_background",
            "light_source_direction",
            "light_source_strength",
        },
        True,
    ),
}
_FILES = {"image", "mask", "subject_image"}
_PREFIX = "/v2beta/stable-image/"


_RANGES = {
    "seed": (0, 4_294_967_294),
    "cfg_scale": (1, 10),
    "strength": (0, 1),
    "grow_mask": (0, 20),
    "creativity": (0, 0.5),
    "preserve_original_subject": (0, 1),
    "original_background_depth": (0, 1),
    "light_source_strength": (0, 1),
}


class FakeStability(Loopback):
    """A prompt that contains "forbidden" is refused.

    Attributes:
        ledger: (route, fields) of each charged call.
        calls: (method, path) of each request.
        faults: responses that the next calls get instead, uncharged.
        poll_faults: responses that the next polls get instead.
        polls_until_done: the number of polls of a job that get 202.
        filtered: answer with CONTENT_FILTERED.
        spoilt: responses that the next calls get instead, after they were charged.
    """

    def __init__(self, *, key="sk-stability-0123456789", polls_until_done=1, result_field="result"):
        super().__init__(self._reply)
        self.key, self.polls_until_done, self.result_field = key, polls_until_done, result_field
        self.ledger, self.calls, self.faults, self.poll_faults, self.jobs = [], [], [], [], {}
        self.filtered, self.spoilt = False, []
        self.image = png((128, 128), 7)
        self._lock = threading.Lock()

    def _reply(self, request):
        with self._lock:
            self.calls.append((request.method, request.path))
            if request.headers.get("authorization") != f"Bearer {self.key}":
                return self.error(401, "unauthorized", "missing or invalid authorization")
            if request.headers.get("accept") != "application/json":
                return self.error(400, "bad_request", "accept: must be application/json here")
            if request.method == "GET":
                return self._get(request)
            return self._post(request)

    def _get(self, request):
        if request.path == "/v1/user/balance":
            return Answer.sample("stability", "balance")
        job = request.path.removeprefix("/v2beta/results/")
        if self.poll_faults:
            return self.poll_faults.pop(0)
        if job not in self.jobs:
            return self.error(404, "not_found", "no such result")
        self.jobs[job] -= 1
        if self.jobs[job] >= 0:
            return Answer.sample("stability", "in_progress", job=job)
        return self._image("result", 0, field=self.result_field)

    def _post(self, request):
        route = request.path.removeprefix(_PREFIX)
        if route not in _ROUTES:
            return self.error(404, "not_found", "no such route")
        if len(request.body) > 10 * 1024 * 1024:
            return self.error(413, "payload_too_large", "body is larger than 10MiB")
        fields = _fields(request)
        if problems := _problems(route, fields):
            return self.error(400, "bad_request", *problems)
        if "forbidden" in fields.get("prompt", ""):
            self.faults.insert(0, self.error(403, "content_moderation", "your request was flagged"))
        return self.faults.pop(0) if self.faults else self._charge(route, fields)

    def _charge(self, route, fields):
        self.ledger.append((route, fields))
        if self.spoilt:
            return self.spoilt.pop(0)
        if _ROUTES[route][2]:
            job = f"{len(self.ledger):064x}"
            self.jobs[job] = self.polls_until_done
            return Answer.sample("stability", "accepted", job=job)
        return self._image("image", int(fields.get("seed", 0)) or 343940597)

    def _image(self, name, seed, **values):
        reason = "CONTENT_FILTERED" if self.filtered else "SUCCESS"
        encoded = base64.b64encode(self.image).decode()
        return Answer.sample("stability", name, image=encoded, reason=reason, seed=seed, **values)

    @staticmethod
    def error(status, name, *errors, **headers):
        return Answer.sample("stability", "error", status=status, headers=headers, name=name, error=errors)


def _fields(request):
    kind, options = multipart.parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data":
        return None
    stream = io.BytesIO(request.body)
    parts = multipart.MultipartParser(stream, options["boundary"], len(request.body))
    return {p.name: p.raw if p.filename is not None else p.value for p in parts}


def _problems(route, fields):
    if fields is None:
        return ["content-type: must be multipart/form-data"]
    required, optional, _ = _ROUTES[route]
    problems = [f"{name}: required" for name in sorted(required - fields.keys())]
    problems += [f"{name}: unknown" for name in sorted(fields.keys() - required - optional)]
    problems += [f"{n}: must be a file" for n, v in fields.items() if (n in _FILES) != isinstance(v, bytes)]
    if fields.get("aspect_ratio", "1:1") not in RATIOS:
        problems.append("aspect_ratio: not one of those")
    problems += [
        f"{n}: out of range" for n, (low, high) in _RANGES.items() if not _is_within(fields, n, low, high)
    ]
    if len(fields.get("prompt", "")) > 10_000:
        problems.append("prompt: too long")
    if fields.get("light_source_direction", "above") not in ("above", "below", "left", "right"):
        problems.append("light_source_direction: not one of those")
    formats = {"png", "jpeg"} if route == "generate/sd3" else {"png", "jpeg", "webp"}
    if fields.get("output_format", "png") not in formats:
        problems.append("output_format: not one of those")
    if "image" in fields and route.startswith("generate/") and "strength" not in fields:
        problems.append("strength: required with image")
    if fields.get("mode") == "image-to-image" and "aspect_ratio" in fields:
        problems.append("aspect_ratio: only for text-to-image")
    problems += [p for n, v in fields.items() if n in _FILES and (p := _unreadable(n, v))]
    return problems


def _is_within(fields, name, low, high):
    return name not in fields or low <= float(fields[name]) <= high


def _unreadable(name, data):
    try:
        Image.open(io.BytesIO(data)).verify()
    except (OSError, SyntaxError):
        return f"{name}: not an image"
    return None
