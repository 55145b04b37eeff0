"""API.md section 1: the envelope, the language, the request id."""

import re

import pytest

from tests.integration.api.asking import IMAGES, TASKS, data, finished, row

CHINESE = re.compile(r"[\u4e00-\u9fff]")
UNKNOWN = f"{TASKS}/00000000-0000-7000-8000-000000000000"


def test_a_good_answer_is_wrapped(api):
    """Code 0, success, and the data."""
    body = api.get(TASKS).json()

    assert ({"code", "message", "data"}, 0, "success") == (set(body), body["code"], body["message"])


def test_an_error_is_wrapped_with_its_slug_and_request_id(api):
    """The slug is stable, the id is the header's."""
    answer = api.get(UNKNOWN)
    body = answer.json()

    assert {"code", "message", "data"} == set(body)
    assert (404, 40401, "task_not_found") == row(answer)
    assert answer.headers["x-request-id"] == body["data"]["request_id"]


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/health/live",
        "/health/ready",
        "/docs",
        "/openapi.json",
        "/nothing",
        "/api/v1/nothing",
        TASKS,
        IMAGES,
        UNKNOWN,
        f"{IMAGES}?page=0",
        "/%ff%00",
    ],
)
def test_every_answer_has_one_request_id(api, path):
    """Successful or not, wrapped or not."""
    answer = api.get(path)

    assert [True] == [bool(re.fullmatch(r"[\w.-]{8,64}", v)) for v in answer.headers.get_list("x-request-id")]


def test_an_image_and_a_stream_have_a_request_id_too(api):
    """They are responses like any other."""
    task = finished(api)

    for path in (task["image_url"], task["images"][0]["thumbnail_url"], task["urls"]["events"]):
        assert 1 == len(api.get(path).headers.get_list("x-request-id"))


def test_request_ids_differ(api):
    """Otherwise a log could not be searched for one request."""
    assert 20 == len({api.get("/health/live").headers["x-request-id"] for _ in range(20)})


def test_a_plain_request_id_of_the_caller_is_kept(api):
    """So that its own logs can be matched with ours."""
    answer = api.get(UNKNOWN, headers={"X-Request-Id": "caller-17"})

    assert "caller-17" == answer.headers["x-request-id"] == answer.json()["data"]["request_id"]


@pytest.mark.parametrize("hostile", ["a" * 65, "a b", "<script>", "a/../b"])
def test_any_other_request_id_is_replaced(api, hostile):
    """Nobody can inject text into our headers and logs."""
    answer = api.get(UNKNOWN, headers={"X-Request-Id": hostile})

    assert hostile != answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("language", "chinese"),
    [
        (None, True),
        ("en", False),
        ("EN-us", False),
        ("en-US,en;q=0.9", False),
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en;q=0.8, zh;q=0.9", True),
        ("en; q=0.8, zh; q=0.9", True),
        ("fr, en;q=0.5", False),
        ("fr", True),
        ("*", True),
        (";;q=,,", True),
        ("en;q=0", True),
    ],
)
def test_the_language_follows_accept_language_and_is_chinese_by_default(api, language, chinese):
    """Message and hint both."""
    headers = {"Accept-Language": language} if language is not None else {"Accept-Language": ""}
    body = api.get(f"{IMAGES}?page=0", headers=headers).json()

    assert (chinese, chinese) == (
        bool(CHINESE.search(body["message"])),
        bool(CHINESE.search(body["data"]["hint"])),
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", TASKS, "GET"),
        ("GET", f"{TASKS}/generate/", "POST"),
        ("PUT", f"{IMAGES}/1", "DELETE"),
        ("POST", IMAGES, "GET"),
        ("PATCH", "/api/v1/providers/config", "POST"),
        ("GET", "/api/v1/images/edit", "POST"),
        ("POST", "/health", "GET"),
    ],
)
def test_a_wrong_method_is_refused_with_the_allowed_ones(api, method, path, allowed):
    """405 with Allow, as HTTP demands."""
    answer = api.request(method, path)

    assert (405, 40500, "method_not_allowed") == row(answer)
    assert allowed in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        IMAGES,
        f"{IMAGES}/1",
        TASKS,
        "/api/v1/settings",
        "/api/v1/providers",
        "/v1/models",
        "/openapi.json",
    ],
)
def test_head_is_answered_as_get_is_without_the_body(api, path):
    """With the same status and headers, also where a record is missing."""
    head, whole = (api.request(method, path, headers={"Accept-Encoding": ""}) for method in ("HEAD", "GET"))
    others = {"x-request-id", "date"}

    assert (whole.status_code, b"") == (head.status_code, head.content)
    assert {name: value for name, value in whole.headers.items() if name not in others} == {
        name: value for name, value in head.headers.items() if name not in others
    }


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/events", {"GET", "OPTIONS"}),
        (f"{TASKS}/0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a/events", {"GET", "OPTIONS"}),
        (f"{TASKS}/generate", {"POST", "OPTIONS"}),
    ],
)
def test_head_is_refused_where_get_has_no_end_or_is_none(api, path, allowed):
    """It would stay open."""
    answer = api.head(path)

    assert (405, allowed) == (answer.status_code, set(answer.headers["allow"].split(", ")))


@pytest.mark.parametrize("method", ["OPTIONS", "DELETE"])
def test_allow_names_head_beside_get(api, method):
    """Wherever it is told what may be asked."""
    assert "GET, HEAD, OPTIONS" == api.request(method, TASKS).headers["allow"]


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v1/task", "/docs/../etc/passwd", "/api/v2/tasks"])
def test_an_unknown_route_is_40400(api, path):
    """In the envelope, with a hint."""
    answer = api.get(path)

    assert (404, 40400, "not_found") == row(answer)


def test_no_response_reveals_python_or_paths(api, server):
    """Neither a traceback nor a location on the server."""
    texts = [
        api.get(path).text
        for path in (
            "/health",
            UNKNOWN,
            TASKS,
            IMAGES,
            "/api/v1/providers",
            f"{IMAGES}/9/content",
            "/nothing",
        )
    ]

    assert [] == [t for t in texts if "Traceback" in t or str(server.folder) in t or ".py" in t]


def test_data_of_a_deletion_is_null(api):
    """A DELETE returns 200 and no data."""
    image = finished(api)["images"][0]

    assert data(api.delete(f"{IMAGES}/{image['id']}")) is None
