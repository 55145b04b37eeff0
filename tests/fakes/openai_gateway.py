"""A gateway with the OpenAI Images API that returns URLs and accepts any field."""

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png


class FakeGateway:
    preset = "openai-compatible"
    key = "sk-gateway-0123456789abcdef"
    base = "/v1"
    paid = "/v1/images/"
    native_count = True
    models = ("some-model",)
    auth_failure = (401, "auth_failed")

    def __init__(self):
        self.ledger = []
        self.bodies = []

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/"):
            assert "authorization" not in request.headers, "the key went along with a download"
            return Reply(200, png(int(request.path[-1])), {"content-type": "image/png"})
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return Reply.json({"error": {"message": "no", "code": "invalid_api_key"}}, 401)
        if request.path == "/v1/models":
            return Reply.json({"data": []})
        assert request.path in ("/v1/images/generations", "/v1/images/edits"), request.path
        body = request.json if request.path.endswith("generations") else request.form
        self.bodies.append(body)
        if "forbidden" in body["prompt"]:
            return Reply.json({"error": {"message": "no", "code": "content_policy_violation"}}, 400)
        self.ledger.append(body["model"])
        host = request.headers["host"]
        return Reply.json(
            {"data": [{"url": f"http://{host}/files/{i}"} for i in range(int(body.get("n", 1)))]}
        )

    def limited(self, **headers) -> Reply:
        return Reply.json({"error": {"message": "slow down", "type": "rate_limit"}}, 429, **headers)
