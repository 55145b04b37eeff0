"""API.md sections 6 and 9: errors as the official client knows them."""

import openai
import pytest

from tests.integration.api.asking import CONFIG, data, running, total
from tests.integration.openai.conftest import TOKEN, client_of

SMALL = {"prompt": "a lighthouse", "size": "64x64"}
SHAPE = {"message", "type", "param", "code"}


@pytest.fixture(scope="module")
def impatient(api):
    """A provider without retries."""
    data(api.post(CONFIG, json={"provider_name": "impatient", "kind": "demo", "max_retries": 0}))
    yield "impatient/demo"
    api.delete(f"{CONFIG}/impatient")


@pytest.mark.parametrize(
    ("failure", "error", "code", "told_not_to_retry"),
    [
        ("rejected", openai.BadRequestError, "rejected", False),
        ("content_policy", openai.BadRequestError, "content_policy_violation", False),
        ("auth_failed", openai.InternalServerError, "upstream_auth_failed", True),
        ("quota_exhausted", openai.RateLimitError, "insufficient_quota", True),
        ("rate_limited", openai.RateLimitError, "rate_limit_exceeded", False),
        ("unavailable", openai.InternalServerError, "upstream_unavailable", False),
        ("timeout", openai.BadRequestError, "timeout", True),
        ("outcome_unknown", openai.BadRequestError, "outcome_unknown", True),
        ("bad_response", openai.BadRequestError, "bad_response", True),
        ("download_failed", openai.BadRequestError, "download_failed", True),
        ("result_expired", openai.BadRequestError, "result_expired", True),
    ],
)
def test_a_failed_task_is_an_error_with_its_id(client, impatient, failure, error, code, told_not_to_retry):
    """And the client must not retry if it may have been charged, or if that would not help."""
    with pytest.raises(error) as raised:
        client.images.generate(**SMALL, model=impatient, extra_body={"fail": failure})
    headers = raised.value.response.headers

    assert (code, 36) == (raised.value.code, len(headers["x-task-id"]))
    assert SHAPE == set(raised.value.response.json()["error"])
    assert ("false" if told_not_to_retry else None) == headers.get("x-should-retry")
    assert (raised.value.status_code in (429, 503)) == ("retry-after" in headers)
    charged = told_not_to_retry and error is openai.BadRequestError
    assert charged == (raised.value.type == "upstream_error")


def test_a_refusal_of_the_content_has_openais_own_type(client):
    """Which clients check for."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.images.generate(**SMALL, extra_body={"refuse": True})

    assert ("image_generation_user_error", 400) == (raised.value.type, raised.value.status_code)


def test_what_may_have_been_charged_is_not_sent_again(server, api):
    """Whatever the client's retries are set to."""
    before = total(api)
    with client_of(server, max_retries=3) as client, pytest.raises(openai.APIStatusError):
        client.images.generate(**SMALL, extra_body={"fail": "outcome_unknown"})

    assert before + 1 == total(api)


def test_a_stream_ends_with_the_error(client):
    """It has started with 200 by then."""
    with pytest.raises(openai.APIError) as raised:
        list(client.images.generate(**SMALL, stream=True, extra_body={"fail": "content_policy"}))

    assert "content_policy_violation" == raised.value.body["code"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a", "n": 0}, "n"),
        ({"prompt": "a", "n": 11}, "n"),
        ({"prompt": "a", "size": "99999x1"}, "size"),
        ({"prompt": "a", "size": "huge"}, "size"),
        ({"prompt": "a", "response_format": "gif"}, "response_format"),
        ({"prompt": "a", "extra_body": {"seed": 1.5}}, "seed"),
    ],
)
def test_bad_input_is_400_and_named(client, fields, param):
    """No task was created."""
    with pytest.raises(openai.BadRequestError) as raised:
        client.images.generate(**fields)

    assert ("invalid_request_error", param) == (raised.value.type, raised.value.param)
    assert "x-task-id" not in raised.value.response.headers


def test_messages_are_chinese_or_english(client):
    """By Accept-Language, as everywhere."""
    messages = []
    for headers in ({}, {"Accept-Language": "en"}):
        with pytest.raises(openai.BadRequestError) as raised:
            client.images.generate(prompt="a", n=0, extra_headers=headers)
        messages.append(raised.value.body["message"])

    assert "请求参数有误 (n: 不能小于 1)" == messages[0]
    assert "the request is not valid (n: must be at least 1)" == messages[1]


def test_variations_are_404_with_a_hint(client, image):
    """They ended with DALL·E 2, which is said in the caller's language."""
    with pytest.deprecated_call(), pytest.raises(openai.NotFoundError) as raised:
        client.images.create_variation(image=image)

    assert "/v1/images/variations 已随 DALL·E 2 下线；请用 /v1/images/edits" == raised.value.body["message"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/v1/nothing", {}, 404, "not_found"),
        ("GET", "/v1", {}, 404, "not_found"),
        ("GET", "/v1/images/generations", {}, 405, "method_not_allowed"),
        ("POST", "/v1/images/generations", {"content": "{"}, 400, "validation_failed"),
        ("POST", "/v1/images/generations", {"json": []}, 400, "validation_failed"),
        ("POST", "/v1/images/generations", {"json": {}}, 400, "validation_failed"),
        ("POST", "/v1/images/generations", {"content": "[" * 100}, 400, "validation_failed"),
        (
            "POST",
            "/v1/images/generations",
            {"content": '{"prompt": "a", "seed": 1e400}'},
            400,
            "validation_failed",
        ),
        (
            "POST",
            "/v1/images/generations",
            {"content": '{"prompt": "a", "user": "\\ud83d"}'},
            400,
            "validation_failed",
        ),
        ("POST", "/v1/images/generations", {"data": {"prompt": "a"}}, 415, "unsupported_media_type"),
        ("POST", "/v1/images/generations", {"content": " " * 2**21}, 413, "payload_too_large"),
        ("GET", "/v1/models", {"headers": {"Host": "evil.example"}}, 403, "forbidden_origin"),
        ("GET", "/v1/models", {"headers": {"Origin": "http://evil.example"}}, 403, "forbidden_origin"),
    ],
)
def test_every_error_has_openais_shape(api, method, path, options, status, code):
    """Those of the router and the guard, too; with a request id, never with a task."""
    headers = {"Content-Type": "application/json"} if "content" in options else {}
    answer = api.request(method, path, **{"headers": headers, **options})

    assert (status, code) == (answer.status_code, answer.json()["error"]["code"])
    assert SHAPE == set(answer.json()["error"])
    assert answer.headers["x-request-id"]


def test_a_token_must_match(start_server):
    """As the client's API key; another one is a 401, which the client does not retry."""
    server = start_server({"server": {"auth_token": TOKEN}})
    with client_of(server, api_key=TOKEN) as client:
        assert 1 == len(client.images.generate(**SMALL).data)
    with client_of(server, api_key="sk-other") as client, pytest.raises(openai.AuthenticationError) as raised:
        client.images.generate(**SMALL)

    assert ("invalid_api_key", "authentication_error") == (raised.value.code, raised.value.type)


def test_a_full_queue_is_429_and_can_be_retried(start_server):
    """With Retry-After; the retry gets a task of its own when there is room."""
    server = start_server({"queue": {"size": 1, "workers": 1}})
    with server.client() as api, client_of(server) as client:
        slow = {"params": {"prompt": "slow", "delay_seconds": 30, "size": "64x64"}}
        first = data(api.post("/api/v1/tasks/generate", json=slow))
        running(api, first["task_id"])
        second = data(api.post("/api/v1/tasks/generate", json=slow))
        with pytest.raises(openai.RateLimitError) as raised:
            client.images.generate(**SMALL)
        for task in (first, second):
            api.post(task["urls"]["cancel"])
        again = client.images.generate(**SMALL, extra_headers={"x-stainless-retry-count": "1"})

        assert ("queue_full", "5") == (raised.value.code, raised.value.response.headers["retry-after"])
        assert (1, 3) == (len(again.data), total(api))


def test_the_document_describes_these_paths(api):
    """With bodies, responses and errors of their own."""
    paths = api.get("/openapi.json").json()["paths"]
    edit = paths["/v1/images/edits"]["post"]

    assert {"get"} == set(paths["/v1/models"]) == set(paths["/v1/models/{model}"])
    assert {"application/json", "multipart/form-data"} == set(edit["requestBody"]["content"])
    assert "#/components/schemas/OpenAIError" in str(edit["responses"]["4XX"])
    assert "/v1/images/generations" in paths
