"""Kling: signed jobs. Knows the rules of its tokens and models, and not our document of them."""

import base64
import hashlib
import hmac
import json
import re

import attrs

from tests.fakes.http_server import Reply, Request
from tests.fakes.job_upstreams import JobUpstream
from tests.fakes.reference_rules import ReferenceRule

_IMAGE, _OMNI = "/v1/images/generations", "/v1/images/omni-image"
_REFERENCE = ReferenceRule(max_bytes=10 * 2**20, min_side=300, ratio=2.5, formats=frozenset(("PNG", "JPEG")))
_RATIOS = frozenset(("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"))


@attrs.frozen(kw_only=True)
class _Model:
    """What one model accepts."""

    path: str
    references: int
    resolutions: tuple[str, ...] = ("1k", "2k")


_MODELS = {
    "kling-v3": _Model(path=_IMAGE, references=1),
    "kling-v2-1": _Model(path=_IMAGE, references=0),
    "kling-image-o1": _Model(path=_OMNI, references=10),
    "kling-v3-omni": _Model(path=_OMNI, references=10, resolutions=("1k", "2k", "4k")),
}
_FIELDS = {
    _IMAGE: {"model_name", "prompt", "negative_prompt", "image", "aspect_ratio", "resolution", "n"},
    _OMNI: {"model_name", "prompt", "image_list", "aspect_ratio", "resolution", "n"},
}


class FakeKling(JobUpstream):
    """Verifies each request's token.

    Attributes:
        time: the time by its clock, in seconds; None trusts every token's.
    """

    preset, key = "kling", "kling-access-0123456789:kling-secret-0123456789"
    paid = f"^({_IMAGE}|{_OMNI})$"
    native_count = True

    def __init__(self):
        super().__init__()
        self.time: float | None = None
        self.tokens: list[str] = []

    def __call__(self, request: Request) -> Reply:
        claims = None if request.path.startswith("/files/") else self.claims(request)
        if claims and self.time is not None:
            if self.time < claims["nbf"]:
                return self.answer("not_yet_valid")
            if self.time >= claims["exp"]:
                return self.answer("expired")
        return super().__call__(request)

    def is_authorized(self, request: Request) -> bool:
        return self.claims(request) is not None

    def claims(self, request: Request) -> dict | None:
        """Return what a request's token says, None if it is not one of this key."""
        access, _, secret = self.key.partition(":")
        match = re.fullmatch(r"Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)", request.headers.get("authorization", ""))
        if match is None:
            return None
        self.tokens.append(match[0])
        signed = hmac.new(secret.encode(), f"{match[1]}.{match[2]}".encode(), hashlib.sha256).digest()
        claims = json.loads(_decoded(match[2]))
        if signed != _decoded(match[3]) or claims["iss"] != access:
            return None
        assert {"alg": "HS256", "typ": "JWT"} == json.loads(_decoded(match[1]))
        return claims

    def submit(self, request: Request, body: dict) -> Reply:
        model = _MODELS[body["model_name"]]
        assert request.path == model.path, request.path
        assert set(body) <= _FIELDS[model.path], body.keys()
        images = [body["image"]] if "image" in body else [i["image"] for i in body.get("image_list", [])]
        assert not (images and "negative_prompt" in body), "it has none with a reference"
        if "forbidden" in body["prompt"]:
            return self.answer("refused")
        if (wrong := _wrong_field(model, body, images)) is not None:
            return self.answer("invalid", param=wrong)
        self.count = body["n"]
        return self.answer("accepted", job=self.new_job(body["model_name"]))

    def follow(self, request: Request) -> Reply:
        job = request.path.rpartition("/")[2]
        if job not in self.jobs:
            return self.answer("not_found")
        if not self.looked(job):
            return self.answer("processing", job=job)
        return self.answer("succeeded", job=job, url=self.files(request, self.count))


def _wrong_field(model: _Model, body: dict, images: list[str]) -> str | None:
    """Return a field that the model does not take as it is, None if it takes all."""
    is_right = {
        "prompt": len(body["prompt"]) <= 2500,
        "aspect_ratio": body.get("aspect_ratio", "16:9") in _RATIOS,
        "resolution": body.get("resolution", "1k") in model.resolutions,
        "n": 1 <= body["n"] <= 9,
        "image": len(images) <= model.references and all(map(_REFERENCE.allows, images)),
    }
    return next((name for name, right in is_right.items() if not right), None)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
