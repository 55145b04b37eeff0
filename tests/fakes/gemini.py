"""Google's image API on loopback: strict about paths, headers and fields, with a ledger of charges."""

import asyncio
import base64
import json
import re
import struct
import zlib
from collections import deque
from urllib.parse import parse_qs, urlsplit

import attrs

from tests.fakes.samples import sample

KEY = "fake-gemini-key-0001"
TOKEN = "fake-access-token"
REFUSED = "something that is refused"
"""A prompt that contains one of these words is refused."""
MODELS = (
    *(
        "gemini-nano-banana-2.1",
        "gemini-3-pro-image",
        "gemini-3.1-flash-image",
        "gemini-3.1-flash-lite-image",
    ),
    *("imagen-4.0-generate-001", "imagen-3.0-capability-001", "imagen-4.0-upscale-preview"),
    *("imagen-product-recontext-preview-06-30", "image-segmentation-001"),
)
RATIOS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]


@attrs.frozen(kw_only=True)
class _ContentModel:
    """What a model that generates content takes."""

    ratios: tuple[str, ...] = (*RATIOS, "1:4", "4:1", "1:8", "8:1")
    sizes: tuple[str, ...] = ("1K", "2K", "4K")
    thinking: tuple[str, ...] = ()
    references: int = 14


_CONTENT_MODELS = {
    "gemini-nano-banana-2.1": _ContentModel(thinking=("MINIMAL", "MEDIUM", "HIGH")),
    "gemini-3-pro-image": _ContentModel(ratios=tuple(RATIOS)),
    "gemini-3.1-flash-image": _ContentModel(sizes=("512", "1K", "2K", "4K")),
    "gemini-3.1-flash-lite-image": _ContentModel(sizes=("1K",)),
}

_DEVELOPER = re.compile(r"/(v1|v1beta)/models/([\w.@-]+):generateContent")
_VERTEX = re.compile(
    r"/(?:v1|v1beta1)/(projects/[\w-]+/locations/[\w-]+/)?publishers/google/models/([\w.@-]+)"
    r":(generateContent|predict)"
)
_LIST = re.compile(r"/(v1|v1beta)/models|/v1beta1/publishers/google/models")
_SNAKE = re.compile(r"_([a-z])")
_GENERATION_FIELDS = {
    *("candidateCount", "seed", "responseModalities", "imageConfig", "thinkingConfig"),
}
_PREDICT_FIELDS = {
    "generate": {
        *("sampleCount", "aspectRatio", "negativePrompt", "guidanceScale", "seed", "safetySetting"),
        *("personGeneration", "includeSafetyAttributes", "includeRaiReason", "language", "outputOptions"),
        *("addWatermark", "sampleImageSize", "enhancePrompt", "storageUri"),
    },
    "capability": {
        *("sampleCount", "aspectRatio", "negativePrompt", "guidanceScale", "seed", "safetySetting"),
        *("personGeneration", "includeSafetyAttributes", "includeRaiReason", "language", "outputOptions"),
        *("addWatermark", "editMode", "editConfig"),
    },
    "upscale": {
        *("mode", "sampleCount", "upscaleConfig", "includeRaiReason", "safetySetting", "personGeneration"),
        "outputOptions",
    },
    "recontext": {
        *("sampleCount", "editConfig", "baseSteps", "seed", "safetySetting", "personGeneration"),
        *("addWatermark", "outputOptions", "enhancePrompt"),
    },
    "segmentation": {"mode", "maxPredictions", "confidenceThreshold", "maskDilation", "binaryColorThreshold"},
}


def png(width=8, height=8, *, seed=0, padding=0):
    """Return a PNG of one colour, enlarged by ``padding`` bytes in an ignored chunk."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes((seed % 256, 128, 200)) * width
    ignored = chunk(b"prIv", bytes(i * 7919 % 251 for i in range(256)) * (padding // 256)) if padding else b""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(row * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + ignored + body + chunk(b"IEND", b"")


@attrs.frozen
class ReceivedRequest:
    """A received request; ``body`` has camelCase names, ``images`` are decoded."""

    method: str
    target: str
    headers: dict
    body: dict
    images: tuple = ()


@attrs.frozen
class Scripted:
    """The next response. ``cut``: ``before`` and ``after`` reset, ``body`` truncates, ``hang`` never ends.

    It is charged if it is a 200, or ``charged``. ``late``: seconds before each half.
    """

    status: int = 200
    body: object = b""
    headers: dict = attrs.field(factory=dict)
    cut: str = ""
    charged: bool = False
    late: float = 0.0


class Rejected(Exception):
    """An error response in Google's format."""

    def __init__(self, status, name, message, *details):
        super().__init__(message)
        self.answer = Scripted(status=status, body=error(status, name, message, *details))


def error(status, name, message, *details):
    """Return Google's error body."""
    body = sample("gemini", "error", code=status, status=name, message=message).body
    return {"error": body["error"] | {"details": list(details)}} if details else body


def retry_info(delay):
    return sample("gemini", "retry_info", delay=delay).body


def error_info(reason):
    return sample("gemini", "error_info", reason=reason).body


def quota_failure(quota_id):
    return sample("gemini", "quota_failure", quota_id=quota_id).body


def content(*parts, reason="STOP", **more):
    """Return a response of generateContent with one candidate."""
    return sample("gemini", "content", reason=reason, parts=list(parts)).body | more


def image_part(data, *, url_safe=False, **more):
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    return sample("gemini", "image_part", data=encode(data).decode()).body | more


class FakeGemini:
    """``async with FakeGemini() as fake``; ``fake.script`` are the next responses, by default images."""

    def __init__(self, *, prefix="", image=None):
        self.prefix = prefix
        self.image = image or png()
        self.requests = []
        self.ledger = []
        self.script = deque()
        self.tokens_given = 0
        self.connections = 0
        self._open = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1024 * 1024)
        self.port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}{self.prefix}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._open.add(asyncio.current_task())
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(asyncio.current_task())
            writer.close()

    async def _exchange(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        try:
            answer = self._answer(method, target, headers, raw)
        except Rejected as rejected:
            answer = rejected.answer
        if answer.cut == "before":
            writer.transport.abort()
            return False
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        await asyncio.sleep(answer.late)
        if answer.cut == "hang":
            await asyncio.Event().wait()
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{k}: {v}" for k, v in answer.headers.items())]
        if answer.status not in (201, 204) or body:
            lines += [f"Content-Length: {len(body)}"]
        else:
            lines += ["Content-Length: 0"] if answer.status != 204 else []
        writer.write("\r\n".join([*lines, "", ""]).encode())
        if answer.cut in ("after", "body"):
            writer.write(body[: len(body) // 2])
            await writer.drain()
            writer.transport.abort() if answer.cut == "after" else writer.close()
            return False
        first = body[: len(body) // 2] if answer.late else body
        writer.write(first)
        await writer.drain()
        if answer.late:
            await asyncio.sleep(answer.late)
            writer.write(body[len(first) :])
            await writer.drain()
        return True

    def _answer(self, method, target, headers, raw):
        path = urlsplit(target).path
        if path == "/token":
            return self._token(raw)
        if not path.startswith(self.prefix):
            raise Rejected(404, "NOT_FOUND", f"no such path {path}")
        path = path.removeprefix(self.prefix)
        if method == "GET" and _LIST.fullmatch(path):
            self.requests.append(ReceivedRequest(method, target, headers, {}))
            self._check_auth(headers, by_token=headers.get("authorization") is not None)
            return self._scripted() or Scripted(body=self._listed(path))
        developer, vertex = _DEVELOPER.fullmatch(path), _VERTEX.fullmatch(path)
        if method != "POST" or not (developer or vertex):
            raise Rejected(404, "NOT_FOUND", f"no such path {path}")
        if headers.get("content-type") != "application/json":
            raise Rejected(400, "INVALID_ARGUMENT", "the body must be application/json")
        self._check_auth(headers, by_token=bool(vertex and vertex[1]))
        body = _camel(json.loads(raw))
        images = []
        predicting = bool(vertex and vertex[3] == "predict")
        self.requests.append(ReceivedRequest(method, target, headers, body, images))
        model = developer[2] if developer else vertex[2]
        if (scripted := self._scripted()) is not None:
            if scripted.status == 200 or scripted.charged:
                self.ledger.append(model)
            return scripted
        if model not in MODELS:
            raise Rejected(404, "NOT_FOUND", f"models/{model} is not found for API version v1")
        images += _checked_predict(model, body) if predicting else _checked_content(model, body)
        if REFUSED in json.dumps(body):
            return Scripted(body=_filtered() if predicting else _blocked())
        self.ledger.append(model)
        return Scripted(body=self._predicted(body) if predicting else self._content())

    def _scripted(self):
        return self.script.popleft() if self.script else None

    def _check_auth(self, headers, *, by_token):
        if by_token:
            if headers.get("authorization") != f"Bearer {TOKEN}":
                raise Rejected(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
            if "x-goog-api-key" in headers:
                raise Rejected(400, "INVALID_ARGUMENT", "key and token are exclusive")
        elif headers.get("x-goog-api-key") is None:
            raise Rejected(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers")
        elif headers["x-goog-api-key"] != KEY:
            message = "API key not valid. Please pass a valid API key."
            raise Rejected(400, "INVALID_ARGUMENT", message, error_info("API_KEY_INVALID"))

    def _token(self, raw):
        if "assertion" not in parse_qs(raw.decode()):
            raise Rejected(400, "INVALID_ARGUMENT", "no assertion")
        self.tokens_given += 1
        token = sample("gemini", "token", token=TOKEN)
        return Scripted(body=token.body, headers={"Content-Type": "application/json"})

    def _listed(self, path):
        name = "publisher_models" if "publishers" in path else "models"
        return sample("gemini", name, model=MODELS).body

    def _content(self):
        return content(
            {"text": "thinking", "thought": True},
            image_part(png(seed=99), thought=True),
            {"text": "Here you go"},
            image_part(self.image, thoughtSignature="c2ln"),
            **sample("gemini", "usage").body,
        )

    def _predicted(self, body):
        # An upscale and a segmentation return one image; everything else returns four by default.
        single = {"upscaleConfig", "maxPredictions", "mode"} & body.get("parameters", {}).keys()
        count = body.get("parameters", {}).get("sampleCount", 1 if single else 4)
        data = base64.b64encode(self.image).decode()
        return sample("gemini", "predictions", data=(data,) * count).body


def _blocked():
    return sample("gemini", "blocked", reason="PROHIBITED_CONTENT").body


def _filtered():
    reason = "Unable to show generated images. Support codes: 1"
    return sample("gemini", "filtered", reason=reason).body


def _camel(value):
    if isinstance(value, dict):
        return {_SNAKE.sub(lambda m: m[1].upper(), k): _camel(v) for k, v in value.items()}
    return [_camel(v) for v in value] if isinstance(value, list) else value


def _only(field, names, allowed):
    for name in sorted(set(names) - set(allowed)):
        message = f'Invalid JSON payload received. Unknown name "{name}" at "{field}": Cannot find field.'
        raise Rejected(400, "INVALID_ARGUMENT", message)


def _image(text):
    try:
        data = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raise Rejected(400, "INVALID_ARGUMENT", "Base64 decoding failed") from None
    if not data.startswith((b"\x89PNG", b"\xff\xd8", b"RIFF")):
        raise Rejected(400, "INVALID_ARGUMENT", "Unable to process input image.")
    return data


def _checked_content(name, body):
    model = _CONTENT_MODELS.get(name, _ContentModel(sizes=("512", "1K", "2K", "4K")))
    _only("", body, {"contents", "generationConfig", "safetySettings", "systemInstruction"})
    config = body.get("generationConfig", {})
    _only("generation_config", config, _GENERATION_FIELDS)
    image = config.get("imageConfig", {})
    _only("generation_config.image_config", image, {"aspectRatio", "imageSize"})
    if image.get("aspectRatio", "1:1") not in model.ratios:
        raise Rejected(400, "INVALID_ARGUMENT", "aspect_ratio is not supported")
    if image.get("imageSize", "1K") not in model.sizes:
        raise Rejected(400, "INVALID_ARGUMENT", "image_size is not supported")
    if not -(2**31) <= config.get("seed", 0) < 2**31:
        raise Rejected(400, "INVALID_ARGUMENT", "Invalid value at 'generation_config.seed' (TYPE_INT32)")
    _check_thresholds(body.get("safetySettings", []))
    level = config.get("thinkingConfig", {}).get("thinkingLevel")
    if level is not None and str(level).upper() not in model.thinking:
        raise Rejected(400, "INVALID_ARGUMENT", "Thinking level is not supported for this model.")
    if "IMAGE" not in config.get("responseModalities", []):
        raise Rejected(400, "INVALID_ARGUMENT", "no image was asked for")
    images = []
    for turn in body["contents"]:
        _only("contents", turn, {"role", "parts"})
        for part in turn["parts"]:
            _only("parts", part, {"text", "inlineData"})
            if "inlineData" in part:
                _only("inline_data", part["inlineData"], {"data", "mimeType"})
                images.append(_image(part["inlineData"]["data"]))
    if len(images) > model.references:
        raise Rejected(400, "INVALID_ARGUMENT", f"at most {model.references} input images")
    return images


_SAFETY_LEVELS = {"BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE"}
_PERSONS = {"DONT_ALLOW", "ALLOW_ADULT", "ALLOW_ALL"}
_IMAGEN_RATIOS = {"1:1", "3:4", "4:3", "9:16", "16:9"}


def _check_thresholds(settings):
    for setting in settings:
        if setting["threshold"] not in _SAFETY_LEVELS | {"OFF"}:
            raise Rejected(400, "INVALID_ARGUMENT", "Invalid value at 'safety_settings[0].threshold'")


def _check_parameters(parameters):
    is_right = {
        "sampleCount": 1 <= parameters.get("sampleCount", 4) <= 4,
        "seed": 0 <= parameters.get("seed", 0) < 2**32,
        "guidanceScale": 0 <= parameters.get("guidanceScale", 0) <= 100,
        "safetySetting": str(parameters.get("safetySetting", "BLOCK_NONE")).upper() in _SAFETY_LEVELS,
        "personGeneration": str(parameters.get("personGeneration", "ALLOW_ALL")).upper() in _PERSONS,
        "aspectRatio": parameters.get("aspectRatio", "1:1") in _IMAGEN_RATIOS,
        "sampleImageSize": parameters.get("sampleImageSize", "1K") in ("1K", "2K"),
    }
    for name, right in is_right.items():
        if not right:
            raise Rejected(400, "INVALID_ARGUMENT", f"Invalid value at 'parameters.{name}'")


def _checked_predict(model, body):
    _only("", body, {"instances", "parameters"})
    family = next((name for name in _PREDICT_FIELDS if name in model), None)
    if family is None or len(body["instances"]) != 1:
        raise Rejected(400, "INVALID_ARGUMENT", "one instance for an Imagen model is wanted")
    parameters = body.get("parameters", {})
    _only("parameters", parameters, _PREDICT_FIELDS[family])
    _check_parameters(parameters)
    if "seed" in parameters and parameters.get("addWatermark", True):
        raise Rejected(400, "INVALID_ARGUMENT", "Seed is not supported when watermark is enabled")
    return [_image(text) for text in _encoded_images(body["instances"])]


def _encoded_images(value):
    if isinstance(value, dict):
        if "bytesBase64Encoded" in value:
            _only("image", value, {"bytesBase64Encoded", "mimeType"})
            yield value["bytesBase64Encoded"]
        for item in value.values():
            yield from _encoded_images(item)
    elif isinstance(value, list):
        for item in value:
            yield from _encoded_images(item)
