"""Providers that recompute each signature: Amazon's by its own library, Volcengine's by its recipe."""

import hashlib
import hmac
import re
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png, png_base64

SESSION_TOKEN = "FwoGZXIvYXdzEBYaDexample/token+0123456789=="

_AUTHORIZATION = re.compile(
    r"(?:AWS4-)?HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/(aws4_request|request), "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class FakeBedrock:
    """Stability AI on Amazon Bedrock, for a temporary key; a prompt with "forbidden" in it is refused."""

    base = ""
    key = f"AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY:{SESSION_TOKEN}"

    def __init__(self):
        self.ledger = []

    def __call__(self, request: Request) -> Reply:
        if not self._is_signed(request):
            error = {"message": "The request signature we calculated does not match."}
            return Reply.json(error, 403, x_amzn_ErrorType="InvalidSignatureException:http://x/")
        assert "POST" == request.method
        assert "/model/stability.stable-image-core-v1:1/invoke" == request.path
        body = request.json
        assert {"prompt", "output_format"} <= set(body) <= {"prompt", "aspect_ratio", "seed", "output_format"}
        if "forbidden" in body["prompt"]:
            return Reply.json({"seeds": [1], "finish_reasons": ["Filter reason: prompt"], "images": []})
        self.ledger.append(body)
        return Reply.json({"seeds": [1], "finish_reasons": [None], "images": [png_base64(1)]})

    def _is_signed(self, request: Request) -> bool:
        key_id, secret, token = self.key.split(":", 2)
        match = _AUTHORIZATION.fullmatch(request.headers["authorization"])
        signed = match[6].split(";")
        assert {"host", "x-amz-date", "x-amz-security-token", "content-type"} <= set(signed), signed
        assert ("us-west-2", "bedrock", "aws4_request") == match.group(3, 4, 5)
        headers = {name: request.headers[name] for name in signed if name != "host"}
        url = f"http://{request.headers['host']}{request.raw_path}"
        copy = AWSRequest(request.method, url, headers, request.body)
        copy.context["timestamp"] = headers["x-amz-date"]
        library = SigV4Auth(Credentials(key_id, secret, token), "bedrock", "us-west-2")
        signature = library.signature(library.string_to_sign(copy, library.canonical_request(copy)), copy)
        return key_id == match[1] and headers["x-amz-security-token"] == token and signature == match[7]


class FakeVolcengine:
    """Volcengine's visual API; images are behind URLs that need no key."""

    base = ""
    key = "AKLTexample0123456789:c2VjcmV0LXNlY3JldC1zZWNyZXQ="

    def __init__(self):
        self.ledger = []

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            assert "authorization" not in request.headers
            return Reply(200, png(3), {"content-type": "image/png"})
        if not self._is_signed(request):
            error = {"Code": "SignatureDoesNotMatch", "Message": "The signature does not match."}
            return Reply.json({"ResponseMetadata": {"RequestId": "r", "Error": error}}, 401)
        assert ("POST", "/") == (request.method, request.path)
        assert {"Action": "CVProcess", "Version": "2022-08-31"} == request.query
        body = request.json
        assert {"req_key", "prompt", "return_url"} <= set(body), body
        if "forbidden" in body["prompt"]:
            return Reply.json({"code": 50412, "message": "Text Risk Not Pass", "request_id": "r"}, 400)
        self.ledger.append(body)
        url = f"http://{request.headers['host']}/files/1"
        return Reply.json({"code": 10000, "data": {"image_urls": [url]}, "message": "Success"})

    def _is_signed(self, request: Request) -> bool:
        key_id, _, secret = self.key.partition(":")
        match = _AUTHORIZATION.fullmatch(request.headers["authorization"])
        signed = match[6].split(";")
        assert {"host", "x-date", "x-content-sha256", "content-type"} <= set(signed), signed
        digest = hashlib.sha256(request.body).hexdigest()
        assert digest == request.headers["x-content-sha256"]
        query = urlencode(sorted(request.query.items()), quote_via=quote)
        lines = "".join(f"{name}:{request.headers[name]}\n" for name in signed)
        canonical = f"{request.method}\n/\n{query}\n{lines}\n{match[6]}\n{digest}"
        scope = f"{match[2]}/cn-north-1/cv/request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"HMAC-SHA256\n{request.headers['x-date']}\n{scope}\n{hashed}"
        derived = secret.encode()
        for part in (*scope.split("/"), text):
            derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
        return (key_id, derived.hex()) == (match[1], match[7])


class FakeAzure:
    """Azure OpenAI: one deployment, an api-key header, a version in the query, and tokens in its answers."""

    base, key = "/openai", "0123456789abcdef0123456789abcdef"

    def __init__(self):
        self.ledger = []

    def __call__(self, request: Request) -> Reply:
        assert "authorization" not in request.headers
        if request.headers.get("api-key") != self.key:
            return Reply.json({"error": {"code": "401", "message": "Access denied."}}, 401)
        folder, name = request.path.rsplit("/", 1)
        assert ("POST", "/openai/deployments/YOUR_DEPLOYMENT/images") == (request.method, folder)
        assert {"api-version": "2025-04-01-preview"} == request.query
        if name == "edits":
            files = {part.name: part.data for part in request.parts if part.filename is not None}
            assert {"image[]", "mask"} == set(files)
            body = request.form
        else:
            assert "generations" == name
            body = request.json
        assert {"prompt"} <= set(body) <= {"prompt", "n", "size", "quality", "background", "output_format"}
        if "forbidden" in body["prompt"]:
            inner = {"code": "ResponsibleAIPolicyViolation"}
            error = {"code": "contentFilter", "message": "Filtered.", "inner_error": inner}
            return Reply.json({"error": error}, 400)
        self.ledger.append(name)
        usage = {"input_tokens": 200, "output_tokens": 100}
        usage["input_tokens_details"] = {"text_tokens": 120, "image_tokens": 50}
        return Reply.json({"created": 1, "data": [{"b64_json": png_base64(1)}], "usage": usage})
