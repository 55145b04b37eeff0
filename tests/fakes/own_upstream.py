"""A provider without a shipped preset, and the document that describes it."""

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png_base64

DOCUMENT = {
    "schema": 1,
    "id": "own",
    "name": "A provider of one's own",
    "auth": {"type": "header", "header": "X-Own-Key"},
    "operations": {
        "make": {
            "implements": ["generate", "reference", "edit", "segment"],
            "request": {
                "path": "/make",
                "body": {
                    "type": "json",
                    "template": {
                        "words": "${prompt}",
                        "count": "${n}",
                        "pixels": "${size}",
                        "pictures": {"$each": "images", "$item": "${item.data_uri}", "$omit_empty": True},
                        "mask": "${mask.base64}",
                    },
                },
            },
            "mask": {"polarity": "black_is_edit"},
            "response": {"images": [{"select": "made[]", "base64": "data"}]},
        }
    },
    "errors": {
        "code": "why",
        "message": "words",
        "classify": [{"codes": ["no"], "as": "blocked"}, {"codes": ["who"], "as": "auth"}],
    },
    "health": {"request": {"method": "GET", "path": "/alive"}},
    "models": [
        {
            "id": "own-1",
            "default": True,
            "capabilities": ["generate", "reference", "edit", "segment"],
            "limits": {"ref_mimes": ["image/png"]},
            "size": {"kind": "wxh", "max": 1024},
        }
    ],
}


class FakeOwn:
    key = "own-key-0123456789abcdef"
    base = ""
    paid = "^/make$"

    def __init__(self):
        self.ledger = []
        self.bodies = []

    def __call__(self, request: Request) -> Reply:
        if request.headers.get("x-own-key") != self.key:
            return Reply.json({"why": "who", "words": "this key opens nothing"}, 403)
        if request.path == "/alive":
            return Reply.json({})
        assert request.path == "/make", request.path
        body = request.json
        assert set(body) <= {"words", "count", "pixels", "pictures", "mask"}, body.keys()
        assert all(p.startswith("data:image/png;base64,") for p in body.get("pictures", ()))
        if "forbidden" in body.get("words", ""):
            return Reply.json({"why": "no", "words": "not that"}, 400)
        self.bodies.append(body)
        self.ledger.append(body.get("words"))
        return Reply.json({"made": [{"data": png_base64(i)} for i in range(body["count"])]})

    def limited(self, **headers) -> Reply:
        return Reply.json({"why": "busy"}, 429, **headers)
