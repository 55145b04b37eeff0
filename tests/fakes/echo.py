"""A provider of every kind that echoes the key it received, in all places and spellings.

A word in the prompt selects what it does (see `Echo.answers`), whatever the format of the request.
"""

import base64
import html
import json
import re
from typing import ClassVar
from urllib.parse import quote, quote_plus

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png, png_base64

DOCUMENT = {
    "schema": 1,
    "id": "echo",
    "operations": {
        "generate": {
            "request": {"path": "/make", "body": {"type": "json", "template": {"words": "${prompt}"}}},
            "response": {
                "images": [
                    {"select": "made[]", "url": "url", "base64": "data", "revised_prompt": "revised"},
                ],
                "meta": {"trace": "trace", "header": "header:X-Echo"},
            },
        }
    },
    "errors": {"code": "code", "message": "message", "request_id": "trace"},
    "health": {"request": {"method": "GET", "path": "/alive"}},
}
JOB = {
    "task": {"id": "job", "poll_url": "poll"},
    "poll": {
        "request": {"method": "GET", "url": "${task.poll_url}"},
        "status": {"source": "state", "succeeded": "done", "failed": "failed"},
        "failure": {"code": "code", "message": "message"},
        "first_after_s": 0,
        "interval_s": 0.1,
    },
}


def spellings(key: str) -> list[str]:
    """Return the key in the spellings of libraries, proxies and providers."""
    data = key.encode()
    around = [base64.b64encode(lead + data + b"!") for lead in (b"", b"1", b"12")]
    return [
        key,
        quote(key, safe=""),
        quote(key),
        quote_plus(key),
        quote(quote(key, safe=""), safe=""),
        "".join(f"%{byte:02x}" for byte in data),
        *(text.decode() for text in around),
        *(text.decode().translate(str.maketrans("+/", "-_")) for text in around),
        data.hex(),
        data.hex().upper(),
        json.dumps(key),
        json.dumps(json.dumps(key)),
        json.dumps(key).replace("/", "\\/"),
        html.escape(key),
        repr(key),
        f"Authorization: Bearer {key}",
        f"Basic {base64.b64encode(data).decode()}",
        f"http://user:{quote(key, safe='')}@vendor.example/",
    ]


class Echo:
    """Accepts any key. ``elsewhere`` is the target of its redirects, with the key in the URL."""

    def __init__(self, elsewhere: str = "http://127.0.0.1:9") -> None:
        self.elsewhere = elsewhere
        self.keys: list[str] = []
        self.tokens: set[str] = set()

    def __call__(self, request: Request) -> Reply:
        key = _key_of(request)
        self.tokens |= {text for name, text in request.headers.items() if name.lower() == "x-own-token"}
        if request.path.startswith("/files/"):
            return self._file(request)
        assert key, f"no key came along to {request.path}"
        self.keys.append(key)
        if request.path == "/view":
            return self._with_echo(Reply(200, png(4), {"content-type": "image/png"}), key)
        if request.path.startswith("/api/jobs/"):
            return self._with_echo(self._comfyui_job(key), key)
        if request.path.startswith("/jobs/"):
            return self._with_echo(self._job(request, key), key)
        word = re.search(rb"echo-([a-z]+)(\d*)", request.body)
        if word is None:  # a probe
            return self._with_echo(self._refusal(key, 403), key)
        return self._with_echo(self.answers[word[1].decode()](self, request, key, int(word[2] or 0)), key)

    def _bad(self, _request, key, status):
        return self._refusal(key, status or 400)

    def _cut(self, _request, key, filler):
        """Make any limit of length fall inside a key."""
        text = "x" * filler + f" {key}" * 5000
        return Reply.json(_everywhere(text, "cut"), 400)

    def _plain(self, _request, key, _number):
        return Reply(500, " ".join(spellings(key)).encode(), {"content-type": "text/plain"})

    def _garbage(self, _request, key, _number):
        return Reply(200, ("{" + " ".join(spellings(key))).encode(), {"content-type": "application/json"})

    def _named(self, _request, key, _number):
        return Reply.json({key: [{key: text} for text in spellings(key)]})

    def _away(self, _request, key, status):
        return Reply(
            status or 302, b"", {"location": f"{self.elsewhere}/{quote(key, safe='')}?key={quote(key)}"}
        )

    def _page(self, _request, key, _number):
        """Send text instead of an image."""
        text = base64.b64encode(" ".join(spellings(key)).encode()).decode()
        return Reply.json({"images": [text], "image": text, "made": [{"data": text}], **_google(text, key)})

    def _good(self, _request, key, _number):
        """Send an image, and the key in all its metadata."""
        echo = " ".join(spellings(key))
        image = png_base64(len(self.keys))
        info = json.dumps({"seed": 1, "prompt": echo, "infotexts": [echo], "all_seeds": [1]})
        return Reply.json(
            {
                "images": [image],
                "parameters": {"prompt": echo, "key": key},
                "info": info,
                "image": image,
                "finish_reason": "SUCCESS",
                "seed": 1,
                "made": [{"data": image, "revised": echo}],
                "trace": echo,
                "prompt_id": f"job-{len(self.keys)}",
                "node_errors": _node_errors(echo),
                **_google(image, echo),
            }
        )

    def _linked(self, request, key, number):
        """Send a result URL that contains the key: 0 has the image, 1 nothing, 2 redirects elsewhere."""
        kind = ("picture", "gone", "away")[number]
        base = f"http://{request.headers['host']}/files/{kind}"
        url = f"{base}/{quote(key, safe='')}/{key.encode().hex()}?token={quote(key, safe='')}"
        return Reply.json({"made": [{"url": url, "revised": key}], "trace": key})

    def _begun(self, request, key, number):
        """Start a job whose URL contains the key: it succeeds (0) or fails (1)."""
        base = f"http://{request.headers['host']}/jobs/{number}"
        return Reply.json(
            {
                "job": f"job-{len(self.keys)}",
                "poll": f"{base}?key={quote(key, safe='')}&at={key.encode().hex()}",
            }
        )

    answers: ClassVar = {
        "bad": _bad,
        "cut": _cut,
        "plain": _plain,
        "garbage": _garbage,
        "named": _named,
        "away": _away,
        "page": _page,
        "good": _good,
        "linked": _linked,
        "begun": _begun,
    }

    def _job(self, request, key):
        echo = " ".join(spellings(key))
        if request.path.endswith("1"):
            return Reply.json({"state": "failed", "code": key, "message": echo})
        return Reply.json({"state": "done", "made": [{"data": png_base64(3), "revised": echo}], "trace": key})

    def _comfyui_job(self, key):
        """Send a job whose every name holds the key."""
        echo = " ".join(spellings(key))
        names = [{"filename": f"{name}.png", "subfolder": key, "type": "output"} for name in ("plain", key)]
        return Reply.json({"id": key, "status": "completed", "outputs": {echo: {"images": names}}, key: echo})

    def _file(self, request):
        echo = request.raw_path
        if "/gone/" in request.path:
            return Reply(404, f"{echo}?{request.query}".encode(), {"x-echo": echo})
        if "/away/" in request.path:
            return Reply(302, b"", {"location": f"http://169.254.169.254{echo}?{request.query}"})
        return Reply(200, png(2), {"content-type": "image/png", "etag": echo})

    def _refusal(self, key, status):
        return Reply.json(_everywhere(" ".join(spellings(key)), key), status)

    def _with_echo(self, reply, key):
        """Return the response with the key in its headers."""
        headers = {
            "x-echo": key,
            "x-request-id": key,
            "www-authenticate": f'Bearer realm="{quote(key)}"',
            "set-cookie": f"session={quote(key, safe='')}",
            "x-encoded": base64.b64encode(key.encode()).decode(),
        }
        return Reply(reply.status, reply.body, {**headers, **reply.headers})


def _everywhere(text, code):
    """Return an error in which every adapter finds the text where it reads the message."""
    return {
        "error": {"code": 400, "status": code, "message": text, "type": text, "details": [{"reason": code}]},
        "errors": [text],
        "name": code,
        "id": code,
        "code": code,
        "message": text,
        "detail": text,
        "trace": text,
    }


def _node_errors(echo):
    """Return what ComfyUI says of the nodes of a workflow."""
    return {"3": {"class_type": echo, "errors": [{"message": echo, "details": echo}]}}


def _google(image, echo):
    parts = [{"text": echo}, {"inlineData": {"mimeType": "image/png", "data": image}}]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "predictions": [{"mimeType": "image/png", "bytesBase64Encoded": image, "prompt": echo}],
        "responseId": echo,
        "modelVersion": echo,
    }


def _key_of(request: Request) -> str:
    """Return the key, wherever the request has it."""
    scheme, _, keys = request.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        return base64.b64decode(keys).decode()
    return (
        keys or request.headers.get("x-own-key") or request.headers.get("x-goog-api-key")
    ) or request.query.get("key", "")
