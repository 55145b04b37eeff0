"""Text that is no text: from providers, from callers, from a database that an older version filled."""

import json
from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.images import png_base64
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import (
    CONFIG,
    ENGLISH,
    GENERATE,
    IMAGES,
    SEARCH,
    TASKS,
    WAIT,
    data,
    finished,
    row,
    until,
)
from tests.integration.api.live_server import LiveServer

HALF = "\ud83d"
WHOLE = "\N{REPLACEMENT CHARACTER}"
REQUEST = {"path": "/make", "body": {"type": "json", "template": {"words": "${prompt}", "n": "${n}"}}}
RESPONSE = {
    "images": [{"select": "made[]", "base64": "data", "revised_prompt": "said"}],
    "meta": {"told": "told", "literal": '`"\\ud83d"`'},
}
DOCUMENT = {
    "schema": 1,
    "id": "odd",
    "name": "A provider that cuts its texts anywhere",
    "auth": {"type": "none"},
    "operations": {
        "make": {"implements": "generate", "request": REQUEST, "response": RESPONSE},
        "job": {
            "implements": "generate",
            "request": {**REQUEST, "path": "/jobs"},
            "task": {"id": "id"},
            "poll": {
                "request": {"method": "GET", "path": "/jobs/${task.id}"},
                "first_after_s": 0,
                "interval_s": 0.1,
                "status": {"source": "state", "succeeded": ["done"], "failed": ["failed"]},
            },
            "response": RESPONSE,
        },
    },
    "errors": {"code": "why", "message": "words"},
    "health": {"request": {"method": "GET", "path": "/alive"}},
    "models": [
        {"id": "odd-1", "default": True, "capabilities": ["generate"], "limits": {"n_max": 4}},
        {"id": "odd-job", "capabilities": ["generate"], "operation": {"generate": "job"}},
    ],
}


class OddUpstream:
    """Puts half of a surrogate pair, NUL and NaN wherever a provider may put text."""

    def __init__(self):
        self.ledger = []

    def __call__(self, request):
        if request.path == "/alive":
            return Reply.json({"why": HALF, "words": f"busy {HALF}"}, 503)
        if request.method == "GET":
            return Reply.json({"state": "done", "made": self._images(1)})
        words = request.json["words"]
        if "refused" in words:
            return Reply.json({"why": f"no{HALF}", "words": f"not that {HALF}\x00"}, 400)
        self.ledger.append(words)
        if request.path == "/jobs":
            return Reply.json({"id": f"job-{HALF}"})
        metadata = {f"name {HALF}": [float("nan"), "\x00", HALF]}
        return Reply.json({"made": self._images(request.json["n"]), "told": metadata})

    @staticmethod
    def _images(count):
        return [{"data": png_base64(i), "said": f"a cat {HALF}\x00"} for i in range(count)]


@pytest.fixture(scope="module")
def upstream():
    with in_thread(HttpServer(OddUpstream())) as server:
        yield server


@pytest.fixture(scope="module")
def api(upstream, tmp_path_factory):
    authority = upstream.url.removeprefix("http://")
    config = {"security": {"allow_private_upstreams": [authority]}, "default_provider": "odd"}
    server = LiveServer(tmp_path_factory.mktemp("service"), config).start()
    try:
        with server.client() as client:
            spec = {"kind": "http", "api_base": upstream.url, "extra_config": {"spec": DOCUMENT}}
            data(client.post(CONFIG, json={"provider_name": "odd", **spec}))
            yield client
    finally:
        server.end()


def task_of(api, prompt, model="odd-1", **params):
    body = {"provider": "odd", "model_id": model, "params": {"prompt": prompt, **params}}
    return data(api.post(GENERATE, json=body, headers=WAIT))


def statuses(api, task):
    """Return what every list that holds the task answers, and its stream of events."""
    paths = [f"{TASKS}/{task['task_id']}", TASKS, IMAGES, f"{SEARCH}?keyword=cat", "/v1/models"]
    paths += [f"{TASKS}/{task['task_id']}/events", f"{TASKS}?status={task['status']}"]
    return {api.get(path).status_code for path in paths}


def test_a_revised_prompt_that_was_cut_in_an_emoji_is_shown_with_a_mark(api):
    """It is stored as valid text, and so are names, numbers and literals beside it."""
    task = task_of(api, "a cat with an odd prompt")
    items = data(api.get(f"{SEARCH}?keyword=odd prompt"))["items"]

    assert [{200}, "completed"] == [statuses(api, task), task["status"]]
    metadata = {
        "revised_prompt": f"a cat {WHOLE}{WHOLE}",
        "told": {f"name {WHOLE}": [None, WHOLE, WHOLE]},
        "literal": WHOLE,
    }
    assert [metadata] == [item["metadata"] for item in items]


def test_an_error_with_such_a_code_is_shown(api):
    """Code and message both."""
    task = task_of(api, "a cat that is refused")

    assert [{200}, "failed"] == [statuses(api, task), task["status"]]
    assert f"no{WHOLE}" == task["error"]["upstream_code"]
    assert task["error"]["message"].endswith(f"not that {WHOLE}{WHOLE}")


def test_a_job_with_such_an_id_is_polled(api):
    """The id is asked for as it can be written."""
    task = task_of(api, "a cat by a job", model="odd-job")

    assert [{200}, "completed"] == [statuses(api, task), task["status"]]


def test_openai_clients_get_the_image(api):
    """With the provider's prompt as it can be written."""
    body = {"model": "odd/odd-1", "prompt": "a cat for /v1"}
    answer = api.post("/v1/images/generations", json=body)

    assert [200, f"a cat {WHOLE}{WHOLE}"] == [answer.status_code, answer.json()["data"][0]["revised_prompt"]]


def test_a_probe_tells_what_the_upstream_said(api):
    """As valid text."""
    probe = data(api.post(f"{CONFIG}/odd/test"))

    assert [False, f"503：busy {WHOLE}"] == [probe["ok"], probe["detail"]]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (GENERATE, {"params": {"prompt": HALF}}, "params.prompt"),
        (GENERATE, {"params": {"prompt": "a", "negative_prompt": f"b{HALF}"}}, "params.negative_prompt"),
        ("/api/v1/images/upscale", {"image": f"data:{HALF}"}, "image"),
        (CONFIG, {"provider_name": "odd", "models": [{"id": "m", "name": HALF}]}, "models.0.name"),
        (CONFIG, {"provider_name": "odd", "display_name": "a\x00b"}, "display_name"),
        (CONFIG, {"provider_name": "odd", "extra_config": {"vars": {"a": "\x00"}}}, "extra_config.vars.a"),
    ],
)
def test_a_caller_is_told_which_field_is_no_text(api, path, body, field):
    """What a person typed is refused, not changed."""
    content = json.dumps(body).encode()
    answer = api.post(path, content=content, headers={"Content-Type": "application/json", **ENGLISH})

    assert (400, 40000, "validation_failed") == row(answer)
    problems = [(p["field"], p["message"][:17]) for p in answer.json()["data"]["errors"]]
    assert [(field, "must not contain ")] == problems


@pytest.mark.parametrize("path", ["generations", "edits"])
def test_an_openai_client_is_told_so_too(api, path):
    """In OpenAI's shape."""
    content = json.dumps({"prompt": f"a{HALF}", "model": "odd/odd-1"}).encode()
    answer = api.post(f"/v1/images/{path}", content=content, headers={"Content-Type": "application/json"})

    assert [400, "prompt"] == [answer.status_code, answer.json()["error"]["param"]]


def test_rows_that_an_older_version_stored_can_be_read(tmp_path):
    """Half pairs in its JSON, NaN, and a text column that some other program spoilt."""
    server = LiveServer(tmp_path).start()
    try:
        with server.client() as api:
            task = finished(api, "a cat of old")
        server.stop()
        with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as connection, connection:
            _spoil(connection)
        server.start()
        with server.client() as api:
            image = data(api.get(IMAGES))["items"][0]

            assert {200} == statuses(api, task)
            assert {"revised_prompt": f"cut {WHOLE}", "seed": None} == image["metadata"]
            assert f"a cat {WHOLE}" == data(api.get(TASKS))["items"][0]["prompt"]
            until(lambda: api.get("/health").status_code, lambda status: status == 200)
    finally:
        server.end()


def _spoil(connection):
    failure = {"code": "internal", "message": HALF, "retryable": False, "possible_charge": False}
    values = json.dumps({"revised_prompt": f"cut {HALF}", "seed": float("nan")})
    connection.execute("UPDATE images SET metadata = ?", (values,))
    connection.execute(
        "UPDATE tasks SET params = ?, failure = ?, warnings = ?, prompt = CAST(x'6120636174206fff' AS TEXT)",
        (json.dumps({HALF: HALF}), json.dumps({**failure, "upstream_code": "\x00"}), json.dumps([HALF])),
    )
    connection.execute("UPDATE tasks SET prompt = CAST(x'612063617420ff' AS TEXT)")
    connection.execute("UPDATE events SET data = ?", (json.dumps({"odd": HALF}),))
