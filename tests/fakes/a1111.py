"""AUTOMATIC1111's WebUI API on loopback, with the differences of Forge and SD.Next.

One job at a time under a global lock, progress of the running job, strict about names and types.
"""

import base64
import io
import json
import random
import threading

from PIL import Image

from tests.fakes.loopback import Answer, Loopback
from tests.fakes.samples import sample

_COMMON = {
    "prompt": str,
    "negative_prompt": str,
    "styles": list,
    "seed": int,
    "subseed": int,
    "subseed_strength": float,
    "sampler_name": str,
    "scheduler": str,
    "batch_size": int,
    "n_iter": int,
    "steps": int,
    "cfg_scale": float,
    "width": int,
    "height": int,
    "restore_faces": bool,
    "tiling": bool,
    "denoising_strength": float,
    "override_settings": dict,
    "override_settings_restore_afterwards": bool,
    "alwayson_scripts": dict,
    "send_images": bool,
    "save_images": bool,
    "force_task_id": str,
}
_FIELDS = {
    "txt2img": _COMMON
    | {"enable_hr": bool, "hr_scale": float, "hr_upscaler": str, "hr_second_pass_steps": int},
    "img2img": _COMMON
    | {
        "init_images": list,
        "mask": str,
        "mask_blur": int,
        "inpainting_fill": int,
        "inpainting_mask_invert": int,
    },
    "extra-single-image": {
        "image": str,
        "resize_mode": int,
        "upscaling_resize": float,
        "upscaler_1": str,
        "upscaler_2": str,
        "extras_upscaler_2_visibility": float,
        "show_extras_results": bool,
    },
}
_SAMPLERS = {"Euler a", "DPM++ 2M"}
_PREFIX = "/sdapi/v1/"


def png(size=(96, 96), seed=0, format="PNG"):
    """An image that does not compress, so that it is a long string in a response."""
    out = io.BytesIO()
    Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3)).save(out, format)
    return out.getvalue()


class FakeA1111(Loopback):
    """``flavour`` is a1111, forge or sdnext; ``auth`` is ``user:password``.

    Attributes:
        ledger: (name, body) of each started job, for which GPU time was spent.
        calls: (method, path) of each request.
        agents: the User-Agent of each request.
        faults: responses that the next jobs get instead, before they are in the ledger; or ``crash``, after.
        spoilt: responses that the next jobs get instead, after they are in the ledger.
        hold: while clear, a started job does not end; `begun` is set when one has started.
    """

    def __init__(self, *, flavour="a1111", auth=None, grid=False, extra_maps=0, image_format="PNG"):
        super().__init__(self._reply)
        self.flavour, self.auth, self.grid, self.extra_maps = flavour, auth, grid, extra_maps
        self.image_format = image_format
        self.ledger, self.calls, self.faults, self.progress_asked = [], [], [], threading.Event()
        self.spoilt, self.agents = [], set()
        self.hold, self.begun = threading.Event(), threading.Event()
        self.hold.set()
        self.current_task, self.progress, self.interrupted = None, 0.0, False
        self.checkpoint = "sd-1.5.safetensors [6ce0161689]"
        self._lock = threading.Lock()

    def __exit__(self, *_):
        self.hold.set()
        super().__exit__()

    def _reply(self, request):
        self.calls.append((request.method, request.path))
        self.agents.add(request.headers.get("user-agent"))
        if not request.path.startswith(_PREFIX):
            return self._error(404, "Not Found")
        if self.auth is not None:
            expected = "Basic " + base64.b64encode(self.auth.encode()).decode()
            if request.headers.get("authorization") != expected:
                word = "Unauthorized" if self.flavour == "sdnext" else "Incorrect username or password"
                return Answer.sample("a1111", "unauthorized", detail=word)
        name = request.path.removeprefix(_PREFIX)
        if request.method == "POST" and name in _FIELDS:
            return self._job(name, request)
        handler = {
            ("GET", "progress"): self._progress,
            ("POST", "interrupt"): self._interrupt,
            ("GET", "sd-models"): lambda _: Answer.sample("a1111", "models", checkpoint=self.checkpoint),
            ("GET", "options"): lambda _: Answer.sample("a1111", "options", checkpoint=self.checkpoint),
        }.get((request.method, name))
        return handler(request) if handler else self._error(404, "Not Found")

    def _job(self, name, request):
        if request.headers.get("content-type") != "application/json":
            return self._error(422, "not JSON")
        body = json.loads(request.body)
        if self.faults and self.faults[0] != "crash":
            return self.faults.pop(0)
        if (refusal := self._check(name, body)) is not None:
            return refusal
        with self._lock:
            return self._run(name, body)

    def _check(self, name, body):
        for field, value in body.items():
            kind = _FIELDS[name].get(field)
            right = isinstance(value, (int, float) if kind is float else kind) if kind else False
            if not right:
                return self._invalid(
                    field, "extra field" if kind is None else f"wrong type for {kind.__name__}"
                )
        if body.get("sampler_name", "Euler a") not in _SAMPLERS:
            return self._error(400 if self.flavour == "forge" else 404, "Sampler not found")
        if name == "img2img" and not body.get("init_images"):
            return self._error(400 if self.flavour == "sdnext" else 404, "Init image not found")
        return None

    def _run(self, name, body):
        self.ledger.append((name, body))
        self.current_task, self.progress, self.interrupted = body.get("force_task_id", "own"), 0.5, False
        self.begun.set()
        self.hold.wait()
        self.current_task, self.progress = None, 0.0
        if self.faults:
            self.faults.pop(0)
            return self._crash()
        if self.spoilt:
            return self.spoilt.pop(0)
        if name == "extra-single-image":
            image = Image.open(io.BytesIO(base64.b64decode(body["image"])))
            size = tuple(int(side * body["upscaling_resize"]) for side in image.size)
            return Answer.sample("a1111", "upscaled", image=_b64(png(size)))
        for image in [*body.get("init_images", ()), *([body["mask"]] if "mask" in body else ())]:
            Image.open(io.BytesIO(base64.b64decode(image, validate=True))).verify()
        return self._images(body)

    def _images(self, body):
        count = body.get("batch_size", 1) * body.get("n_iter", 1)
        first = body.get("seed", -1) if body.get("seed", -1) >= 0 else 1000
        seeds = [first + i for i in range(count)]
        size = (body.get("width", 512) // 8, body.get("height", 512) // 8)
        images = [_b64(png(size, seed, self.image_format)) for seed in seeds]
        skipped = 1 if self.grid and count > 1 else 0
        images = [_b64(png((8, 8)))] * skipped + images + [_b64(png((9, 9)))] * self.extra_maps
        sampler = body.get("sampler_name", "Euler a")
        info = sample("a1111", "info", seeds=seeds, seed=seeds[0], first=skipped, sampler=sampler)
        return Answer.sample("a1111", "images", image=tuple(images), info=json.dumps(info.body))

    def _progress(self, request):
        assert request.query == {"skip_current_image": "true"}
        self.progress_asked.set()
        job_count = 1 if self.current_task else 0
        values = {"progress": self.progress, "is_interrupted": self.interrupted, "job_count": job_count}
        task = {"current_task": self.current_task} if self.flavour == "a1111" else {}
        return Answer.json(sample("a1111", "progress", **values).body | task)

    def _interrupt(self, request):
        self.interrupted = True
        self.hold.set()
        return Answer(status=204) if self.flavour == "sdnext" else Answer.sample("a1111", "interrupted")

    def _invalid(self, field, message):
        return Answer.sample("a1111", "invalid", field=field, message=message)

    def _error(self, status, detail):
        if self.flavour == "forge" or detail == "Not Found":
            return Answer.sample("a1111", "error_of_fastapi", status=status, detail=detail)
        code = {"code": status} if self.flavour == "sdnext" else {}
        return Answer.json(sample("a1111", "error", detail=detail).body | code, status)

    def _crash(self):
        if self.flavour == "forge":
            return Answer(status=500, body=b"Internal Server Error", headers={"Content-Type": "text/plain"})
        return Answer.sample("a1111", "crashed", error="OutOfMemoryError", reason="CUDA out of memory.")


def _b64(data):
    return base64.b64encode(data).decode()
