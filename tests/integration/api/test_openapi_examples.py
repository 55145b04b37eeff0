"""Every example of the document can be sent as it is, and the answer is as the document says."""

import re

import pytest
from jsonschema_rs import Draft202012Validator

from tests.integration.api.asking import ended, finished
from tests.integration.api.live_server import LiveServer
from tests.openapi import JSON, operations

TOKEN = "a-token-that-is-long-enough-0001"
NEVER_ENDS = "GET /api/v1/events"
NOT_THERE = ("/api/v1/tasks/{task_id}/response", "/api/v1/trash/{image_id}/thumbnail")
"""The demo answers nothing that could not be used, and the image of the examples is not in the trash."""


@pytest.fixture(scope="module", params=[None, TOKEN], ids=["open", "token"])
def api(request, tmp_path_factory):
    """A fresh server, without and with a token."""
    settings = {"server": {"auth_token": request.param}} if request.param else {}
    server = LiveServer(tmp_path_factory.mktemp("examples"), settings).start()
    with server.client() as client:
        if request.param:
            client.headers["Authorization"] = f"Bearer {request.param}"
        yield client
    server.end()


def _send(api, name, operation):
    """Send an operation's example; return its response, of a stream that does not end its head alone."""
    method, _, path = name.partition(" ")
    examples = [parameter for parameter in operation.get("parameters", ()) if "example" in parameter]
    for parameter in examples:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    query = {parameter["name"]: parameter["example"] for parameter in examples if parameter["in"] == "query"}
    content = operation.get("requestBody", {}).get("content", {}).get(JSON)
    body = {} if content is None else {"json": content["example"]}
    with api.stream(method, path, params=query, **body) as response:
        if name != NEVER_ENDS:
            response.read()
        return response


def _faults(described, name, operation, response):
    """Yield how a response is other than what the document says."""
    if response.status_code // 100 != 2:
        if not (name.endswith(NOT_THERE) and response.status_code == 404):
            yield response.text
        return
    content = operation["responses"][str(response.status_code)].get("content", {})
    content_type = response.headers.get("content-type", "").partition(";")[0]
    if response.request.method != "HEAD" and content_type not in content:
        yield f"{content_type} is not described"
    elif response.request.method != "HEAD" and content_type == JSON:
        schema = {**content[JSON]["schema"], "components": described["components"]}
        yield from (error.message for error in Draft202012Validator(schema).iter_errors(response.json()))


def test_every_example_works_untouched(api):
    """On a used server, in the order of the page, once images were made and a task has failed.

    Each answer is of the type that the document says.
    """
    api.post("/api/v1/webhooks", json={"url": "https://receiver.invalid/"})  # so that there is a delivery
    upscale = operations(api.get("/openapi.json").json())["POST /api/v1/images/upscale"]
    ended(api, _send(api, "POST /api/v1/images/upscale", upscale).json()["data"]["task_id"])
    for number in range(20):
        finished(api, f"more than the page shows {number}")
    for name in ("猫的图片", "of another name"):
        api.post("/api/v1/collections", json={"name": name})
    failing = {"provider": "demo", "params": {"prompt": "a lighthouse", "fail": "rejected"}}
    api.post("/api/v1/tasks/generate", json=failing, headers={"Prefer": "wait=60"})
    api.post("/v1/images/tasks", json={"prompt": "a key"}, headers={"Idempotency-Key": "order-4711"})
    names, faults = list(operations(api.get("/openapi.json").json())), []
    for name in names:
        described = api.get("/openapi.json").json()
        operation = operations(described)[name]
        faults += [
            (name, fault) for fault in _faults(described, name, operation, _send(api, name, operation))
        ]

    assert [] == faults
    assert len(names) > 40


def test_without_the_token_no_record_is_named(tmp_path):
    """The document is open to all, what is on the server is not."""
    with_token = {"Authorization": f"Bearer {TOKEN}"}
    server = LiveServer(tmp_path, {"server": {"auth_token": TOKEN}}).start()
    try:
        with server.client() as api:
            api.headers.update(with_token)
            task_id = finished(api)["task_id"]
            own = api.get("/openapi.json").text
            del api.headers["Authorization"]
            public = api.get("/openapi.json").text
            wrong = api.get("/openapi.json", headers={"Authorization": "Bearer wrong"}).text
    finally:
        server.end()

    assert (True, False, False) == tuple(task_id in text for text in (own, public, wrong))


@pytest.mark.parametrize(
    ("headers", "query", "language"),
    [
        ({}, "", "en"),
        ({"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}, "", "zh-CN"),
        ({"Accept-Language": "en-GB, zh;q=0.5"}, "", "en"),
        ({"Accept-Language": "fr, de;q=0.5"}, "", "en"),
        ({"Accept-Language": ";;q=,zh;q=x,*"}, "", "en"),
        ({"Accept-Language": "en"}, "?lang=zh", "zh-CN"),
        ({"Accept-Language": "zh"}, "?lang=en", "en"),
        ({"Accept-Language": "zh"}, "?lang=", "zh-CN"),
        ({}, "?lang=zh-TW", "zh-CN"),
        ({}, "?lang=klingon", "en"),
    ],
)
def test_the_reader_chooses_the_language(api, headers, query, language):
    """By the address, else by what the browser says, else English; of the page and of the document alike."""
    read = api.get(f"/openapi.json{query}", headers={"Accept-Language": "", **headers})
    page = api.get(f"/docs{query}", headers={"Accept-Language": "", **headers})

    assert [language] * 2 == [answer.headers["content-language"] for answer in (read, page)]
    assert ("zh-CN" == language) == bool(re.search("[\u4e00-\u9fff]", read.json()["tags"][0]["description"]))
    assert f'lang="{language}"' in page.text.partition("<head>")[0]
    assert {"Accept-Language"} <= set(read.headers["vary"].split(", "))
