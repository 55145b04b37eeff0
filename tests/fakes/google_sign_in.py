"""The sources of Google's tokens: a machine's metadata service, and a token endpoint."""

import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.gemini import TOKEN
from tests.fakes.http_server import Reply, Request
from tests.fakes.samples import sample

_FLAVOUR = {"Metadata-Flavor": "Google"}
_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
_NAMED = {"email": "robot@example.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}


class GoogleSignIn:
    """A fake for `HttpServer`; ``tokens`` records who received one."""

    def __init__(self):
        self.tokens = []

    def __call__(self, request: Request) -> Reply:
        if request.path == "/token":
            assert b"assertion=" in request.body
            return self._token("service account")
        assert request.headers.get("metadata-flavor") == "Google"
        path = request.path.rstrip("/")
        if path == f"{_ACCOUNT}/token":
            return self._token("metadata")
        responses = {
            "": "",
            "/computeMetadata/v1/project/project-id": "my-project",
            _ACCOUNT: json.dumps(_NAMED),
        }
        responses["/computeMetadata/v1/universe/universe-domain"] = "googleapis.com"
        if path not in responses:
            return Reply(404, b"", _FLAVOUR)
        kind = "application/json" if path == _ACCOUNT else "text/plain"
        return Reply(200, responses[path].encode(), {**_FLAVOUR, "content-type": kind})

    def _token(self, whose):
        self.tokens.append(whose)
        token = json.dumps(sample("gemini", "token", token=TOKEN).body).encode()
        return Reply(200, token, {**_FLAVOUR, "content-type": "application/json"})


def environ_of_a_cloud_machine(server, home):
    """Return variables with which Google's library finds this metadata service, and nothing else."""
    address = f"127.0.0.1:{server.port}"
    return {
        "GCE_METADATA_HOST": address,
        "GCE_METADATA_IP": address,
        "GOOGLE_APPLICATION_CREDENTIALS": "",
        "CLOUDSDK_CONFIG": str(home),
    }


def service_account(server):
    """Return the text of a credentials file whose tokens come from there."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "client_email": _NAMED["email"],
        "private_key": key.decode(),
        "token_uri": f"{server.url}/token",
    }
    return json.dumps(account)
