"""API.md section 1, the table: each row that a request can reach, in both languages, with its own data."""

import re

import pytest

from tests.fakes.images import png
from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    GENERATE,
    IMAGES,
    TASKS,
    body_of,
    data,
    data_url,
    make_image,
    row,
    running,
    submit,
    until,
)

NOBODY = "00000000-0000-7000-8000-000000000000"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _reused(api, headers):
    submit(api, "first", headers={"Idempotency-Key": "rows-reused"})
    return submit(api, "second", headers={**headers, "Idempotency-Key": "rows-reused"})


def _post(path, body):
    return lambda api, headers: api.post(path, json=body, headers=headers)


def _get(path):
    return lambda api, headers: api.get(path, headers=headers)


def _response_of_a_task(api, headers):
    task = data(submit(api, "answered"))
    return api.get(f"{TASKS}/{task['task_id']}/response", headers=headers)


ROWS = {
    "validation_failed": (
        40000,
        _post(GENERATE, body_of(num=0)),
        lambda details: [e["field"] for e in details["errors"]] == ["params.num"],
    ),
    "provider_not_configured": (
        40001,
        _post(GENERATE, {**body_of(), "provider": "nobody"}),
        lambda details: details["provider"] == "nobody",
    ),
    "provider_disabled": (
        40002,
        _post(GENERATE, {**body_of(), "provider": "rows-off"}),
        lambda details: details["provider"] == "rows-off",
    ),
    "model_not_available": (
        40003,
        _post(GENERATE, {**body_of(), "provider": "rows-narrow", "model_id": "gone"}),
        lambda details: details["models"] == ["draws", "edits"],
    ),
    "unsupported_operation": (
        40004,
        _post(
            "/api/v1/images/upscale",
            {"provider": "rows-narrow", "model_id": "draws", "image": data_url(png())},
        ),
        lambda details: (
            (details["operation"], details["supported"]) == ("upscale", ["generate", "reference"])
        ),
    ),
    "invalid_image": (
        40005,
        _post("/api/v1/images/upscale", {"provider": "demo", "image": data_url(b"no image")}),
        lambda details: details["field"] == "image",
    ),
    "reference_count": (
        40006,
        _post(
            "/api/v1/images/generate-with-references",
            {"provider": "demo", "prompt": "x", "reference_images": []},
        ),
        lambda details: details["max"] == 14,
    ),
    "api_key_required": (
        40007,
        _post(CONFIG, {"provider_name": "rows-keyed", "api_base": "http://127.0.0.1:19/v1", "kind": "demo"}),
        lambda details: details["secret"] == "api_key",
    ),
    "upstream_not_allowed": (
        40008,
        _post(CONFIG, {"provider_name": "rows-inside", "kind": "demo", "api_base": "http://10.0.0.1/v1"}),
        lambda details: True,
    ),
    "not_found": (40400, _get("/api/v1/nothing"), lambda details: True),
    "task_not_found": (40401, _get(f"{TASKS}/{NOBODY}"), lambda details: True),
    "image_not_found": (40402, _get(f"{IMAGES}/999999999"), lambda details: True),
    "response_not_kept": (40405, _response_of_a_task, lambda details: True),
    "provider_config_not_found": (40403, _get(f"{CONFIG}/nobody"), lambda details: True),
    "method_not_allowed": (
        40500,
        lambda api, headers: api.put(TASKS, headers=headers),
        lambda details: True,
    ),
    "idempotency_key_reused": (42201, _reused, lambda details: True),
}

HINTED = {
    "validation_failed",
    "provider_not_configured",
    "provider_disabled",
    "model_not_available",
    "unsupported_operation",
    "api_key_required",
    "upstream_not_allowed",
    "idempotency_key_reused",
    "invalid_image",
    "reference_count",
    "provider_config_not_found",
    "method_not_allowed",
}
"""The caller can act on these."""


@pytest.fixture(scope="module", autouse=True)
def _providers(api):
    models = [
        {"id": "draws", "capabilities": ["generate", "reference"]},
        {"id": "edits", "capabilities": ["edit"]},
    ]
    configs = [
        {"provider_name": "rows-off", "enabled": False},
        {"provider_name": "rows-narrow", "models": models},
        {
            "provider_name": "rows-keyed",
            "api_base": "http://127.0.0.1:9/v1",
            "api_key": "sk-rows-keyed-0001",
        },
    ]
    for config in configs:
        data(api.post(CONFIG, json={"kind": "demo", **config}))
    yield
    for config in configs:
        api.delete(f"{CONFIG}/{config['provider_name']}")


@pytest.mark.parametrize("slug", ROWS)
def test_a_row_has_its_code_slug_and_data(api, slug):
    """The HTTP status is the code's first three digits."""
    code, ask, holds = ROWS[slug]
    answer = ask(api, {})
    details = answer.json()["data"]

    assert (code // 100, code, slug) == row(answer)
    assert holds(details), details
    assert answer.headers["x-request-id"] == details["request_id"]


@pytest.mark.parametrize("slug", ROWS)
def test_a_row_speaks_chinese_and_english(api, slug):
    """The same row, with another message."""
    _, ask, _ = ROWS[slug]
    chinese, english = ask(api, {}).json(), ask(api, ENGLISH).json()

    assert (chinese["code"], True) == (english["code"], bool(CHINESE.search(chinese["message"])))
    assert english["message"].isascii()
    assert (slug in HINTED) <= ("hint" in chinese["data"] and "hint" in english["data"])
    assert english["data"].get("hint", "").isascii()


@pytest.mark.parametrize(
    ("ask", "chinese", "english"),
    [
        (
            _post(GENERATE, {**body_of(), "provider": "opnai"}),
            "是否想写 'openai'？",
            "did you mean 'openai'?",
        ),
        (_get(f"{CONFIG}/dmeo"), "是否想写 'demo'？", "did you mean 'demo'?"),
        (
            ROWS["upstream_not_allowed"][1],
            '如确为自己的服务，请把 "10.0.0.1:80" 加入 security.allow_private_upstreams',
            'if it is your own service, add "10.0.0.1:80" to security.allow_private_upstreams',
        ),
    ],
)
def test_a_hint_about_the_request_takes_the_place_of_the_rows(api, ask, chinese, english):
    """In the caller's language."""
    assert [chinese, english] == [ask(api, headers).json()["data"]["hint"] for headers in ({}, ENGLISH)]


@pytest.mark.parametrize(
    ("ask", "chinese", "english"),
    [
        (_post(GENERATE, {}), "为必填项", "is required"),
        (_post(GENERATE, {"colour": 1}), "未知字段", "unknown field"),
        (_post(GENERATE, {"params": 1}), "须为对象", "must be an object"),
        (_post(GENERATE, body_of(num=11)), "不能大于 10", "must be at most 10"),
        (_post(GENERATE, body_of(wdth=1)), "模型 demo 没有这个参数", "model demo takes no such parameter"),
        (_get(f"{TASKS}?page=0"), "不能小于 1", "must be at least 1"),
        (_get(f"{IMAGES}/search"), "不能为空", "must not be empty"),
    ],
)
def test_the_problem_with_a_field_is_described_in_both_languages(api, ask, chinese, english):
    """Chinese unless English is preferred, like the message above it."""
    messages = [ask(api, headers).json()["data"]["errors"][0]["message"] for headers in ({}, ENGLISH)]

    assert [chinese, english] == messages


def test_a_refused_task_leaves_nothing(api):
    """Not one of the rows stores a task or an image."""
    for status in ("pending", "processing"):  # what other tests left running
        until(lambda: data(api.get(TASKS, params={"status": status}))["total"], lambda total: total == 0)  # noqa: B023 - called at once
    before = [data(api.get(path))["total"] for path in (TASKS, IMAGES)]
    for slug, (_, ask, _) in ROWS.items():
        if slug not in ("idempotency_key_reused", "response_not_kept"):
            ask(api, {})

    assert before == [data(api.get(path))["total"] for path in (TASKS, IMAGES)]


def test_a_full_queue_is_42901_until_there_is_room(start_server):
    """With Retry-After and the size; the running and the pending task stay."""
    server = start_server({"queue": {"size": 1, "workers": 1}})
    with server.client() as api:
        first = data(submit(api, "runs", delay_seconds=500))["task_id"]
        running(api, first)
        second = data(submit(api, "waits"))["task_id"]
        answer = submit(api, "too many")
        english = submit(api, "too many", headers=ENGLISH)

        assert (429, 42901, "queue_full") == row(answer)
        assert (1, True) == (answer.json()["data"]["queue_size"], int(answer.headers["retry-after"]) > 0)
        assert english.json()["message"].isascii()
        assert data(api.get(TASKS))["total"] == 2
        data(api.post(f"{TASKS}/{second}/cancel"))
        assert 202 == submit(api, "there is room again").status_code


def test_too_little_disk_is_50701_and_reading_goes_on(start_server):
    """Nothing is paid for that could not be stored."""
    server = start_server({"storage": {"min_free_mb": 10**9}})
    with server.client() as api:
        answer, english = submit(api), submit(api, headers=ENGLISH)

        assert (507, 50701, "insufficient_storage") == row(answer)
        assert english.json()["message"].isascii()
        assert 0 == data(api.get(TASKS))["total"] == data(api.get(IMAGES))["total"]
        health = api.get("/health")
        assert (503, "degraded") == (health.status_code, health.json()["status"])


def test_a_waiting_task_is_not_sent_while_there_is_too_little_disk(start_server, tmp_path):
    """It waits for space, and runs once there is some."""
    roomy = start_server({"queue": {"workers": 1}})
    with roomy.client() as api:
        running(api, data(submit(api, "runs", delay_seconds=500))["task_id"])
        waiting = data(submit(api, "waits"))["task_id"]
    roomy.kill()
    full = start_server({"queue": {"workers": 1}, "storage": {"min_free_mb": 10**9}})
    with full.client() as api:
        until(lambda: api.get("/health").json()["uptime_seconds"], lambda up: up > 2)
        assert "pending" == data(api.get(f"{TASKS}/{waiting}"))["status"]
    full.stop()
    roomy = start_server({"queue": {"workers": 2}})
    with roomy.client() as api:
        task = until(
            lambda: data(api.get(f"{TASKS}/{waiting}")),
            lambda t: t["status"] not in ("pending", "processing"),
        )

        assert ("completed", 1) == (task["status"], len(task["images"]))


def test_a_deleted_image_is_40402_everywhere(api):
    """Record, bytes, thumbnail, and as an input."""
    image = make_image(api)
    data(api.delete(f"{IMAGES}/{image['id']}"))
    answers = [api.get(f"{IMAGES}/{image['id']}{tail}") for tail in ("", "/content", "/thumbnail")]
    answers.append(api.delete(f"{IMAGES}/{image['id']}"))
    answers.append(
        api.post("/api/v1/images/upscale", json={"provider": "demo", "image": f"image:{image['id']}"})
    )

    assert [(404, 40402, "image_not_found")] * 5 == [row(answer) for answer in answers]
