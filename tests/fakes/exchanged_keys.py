"""A provider whose key is exchanged for an access token elsewhere: the login and the API are two servers."""

import base64
from urllib.parse import parse_qsl, unquote

import attrs

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png_base64

CLIENT_ID, CLIENT_SECRET = "3f2b-client", "s:cr3t~Wd5Ux1Zr6Ty2Bn9Kv4Jc7Pg0SeRfHq3Lm8"
TOKEN_END = "Zr6Ty2Bn9Kv4Jc7Pg0SeRfHq3Lm8Wd5Ux1Aa"
KEY = f"{CLIENT_ID}:{CLIENT_SECRET}"

_FIELDS = {
    "grant_type": "client_credentials",
    "scope": "images.write",
    "audience": "https://pictures.example",
}


def document(token_url, **auth):
    """Return the document of the API, whose model ``job`` takes its time."""
    shared = {"type": "oauth_client_credentials", "token_url": token_url, "scope": _FIELDS["scope"]}
    images = {"images": [{"select": "data[]", "base64": "b64"}]}
    body = {"type": "json", "template": {"prompt": "${prompt}"}}
    job = {
        "implements": "generate",
        "request": {"path": "/jobs", "body": body},
        "task": {"id": "id"},
        "poll": {
            "request": {"method": "GET", "path": "/jobs/${task.id}"},
            "status": {"source": "state", "succeeded": "done"},
        },
        "response": images,
    }
    return {
        "schema": 1,
        "id": "exchanged",
        "auth": {**shared, "options": {"audience": _FIELDS["audience"]}, **auth},
        "operations": {
            "generate": {"request": {"path": "/draw", "body": body}, "response": images},
            "job": job,
        },
        "errors": {"message": "why"},
        "health": {"request": {"method": "GET", "path": "/me"}},
        "models": [{"id": "now", "default": True}, {"id": "job", "operation": {"generate": "job"}}],
    }


@attrs.define
class ExchangedKeys:
    """Both servers' state; the login says the ``answers`` instead of a token, and of one its ``life``.

    A token that is not ``valid`` gets 401, and is repeated by its message.
    """

    life: object = 3600
    in_header: bool = False
    trusts_nobody: bool = False
    answers: list = attrs.field(factory=list)
    logins: list = attrs.field(factory=list)
    valid: set = attrs.field(factory=set)
    ledger: list = attrs.field(factory=list)
    tokens: list = attrs.field(factory=list)

    def login(self, request: Request) -> Reply:
        """Serve ``POST /login/token``."""
        assert ("POST", "/login/token") == (request.method, request.path)
        form = dict(parse_qsl(request.body.decode()))
        client_id, client_secret = form.pop("client_id", None), form.pop("client_secret", None)
        if self.in_header:
            assert (None, None) == (client_id, client_secret)
            pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
            client_id, client_secret = map(unquote, pair.split(":"))
        else:
            assert "authorization" not in request.headers
        assert _FIELDS == form, form
        self.logins.append(client_secret)
        if self.answers:
            return self.answers.pop()
        if (client_id, client_secret) != (CLIENT_ID, CLIENT_SECRET):
            words = f"The secret {client_secret} is wrong."
            return Reply.json({"error": "invalid_client", "error_description": words}, 401)
        token = f"token-{len(self.logins)}-{TOKEN_END}"
        if not self.trusts_nobody:
            self.valid.add(token)
        return Reply.json({"access_token": token, "token_type": "Bearer", "expires_in": self.life})

    def api(self, request: Request) -> Reply:
        """Serve the images."""
        assert CLIENT_SECRET not in repr(request)
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.tokens.append(token)
        if token not in self.valid:
            return Reply.json({"why": f"{token} is not valid"}, 401)
        if request.method == "POST":
            self.ledger.append(request.path)
        if request.path == "/jobs":
            return Reply.json({"id": "1"})
        return Reply.json({"state": "done", "data": [{"b64": png_base64(1)}]})
