"""Another provider after a failure, over real connections: the ledgers say who was asked and paid."""

import socket
from collections import Counter
from contextlib import ExitStack
from uuid import uuid4

import pytest

from tests.fakes.http_server import Break, HttpServer, Reply
from tests.fakes.images import png_base64
from tests.fakes.in_thread import in_thread
from tests.fakes.oss import FakeOss
from tests.integration.api.asking import CONFIG, ENGLISH, GENERATE, TASKS, data, ended, until
from tests.integration.api.live_server import LiveServer
from tests.integration.cluster.conftest import KEY as MASTER_KEY
from tests.integration.cluster.conftest import node_config

IMAGES = {"images": [{"select": "made[]", "base64": "data"}]}
PROMPT = {"body": {"type": "json", "template": {"prompt": "${prompt}"}}}


def status(number, **body):
    return Reply.json(body or {"message": "the words of the provider"}, number)


REFUSALS = {
    "401": status(401),
    "402": status(402),
    "403": status(403),
    "404": status(404),
    "410": status(410),
    "429": status(429),
    "not-admitted": status(503, why="full"),
    "no-credit-in-a-400": status(400, why="broke"),
    "no-such-model-in-a-400": status(400, why="gone"),
}
"""What proves that nothing was charged, and lies at the provider rather than in the request."""

FAILURES = {
    "moderation": status(400, why="no"),
    "400": status(400),
    "422": status(422),
    "302": Reply(302, b"", {"location": "/"}),
    "408": status(408),
    "425": status(425),
    "500": status(500),
    "502": Reply(502, b"<html>bad gateway</html>", {"content-type": "text/html"}),
    "503": status(503),
    "504": status(504),
    "empty": Break.EMPTY,
    "a-page": Break.HTML,
    "no-image": status(200, made=[]),
    "rubbish": status(200, made=[{"data": "bm8gaW1hZ2U="}]),
    "reset-unread": Break.RESET_BEFORE_READ,
    "reset": Break.RESET_AFTER_READ,
    "cut-off": Break.TRUNCATED,
    "silence": Break.SILENCE,
}
JOBS = ("job-no", "job-broke", "job-gone", "job-full")
"""Accepted as jobs, which then end by the provider's own word."""

MODELS = (*REFUSALS, *FAILURES, *JOBS, "fine")
DOCUMENT = {
    "schema": 1,
    "id": "table",
    "operations": {
        "paint": {
            "implements": "generate",
            "request": {"path": "/paint/${model}", **PROMPT},
            "response": IMAGES,
        },
        "job": {
            "implements": "generate",
            "request": {"path": "/jobs/${model}", **PROMPT},
            "task": {"id": "job"},
            "poll": {
                "request": {"method": "GET", "path": "/jobs/${task.id}"},
                "status": {"source": "state", "succeeded": "done", "failed": "failed"},
                "first_after_s": 0.1,
                "interval_s": 0.1,
            },
            "response": IMAGES,
        },
    },
    "errors": {
        "code": "why",
        "message": "why",
        "classify": [
            {"codes": ["no"], "as": "blocked"},
            {"codes": ["full"], "as": "not_admitted"},
            {"codes": ["broke"], "as": "quota"},
            {"codes": ["gone"], "as": "not_found"},
        ],
    },
    "models": [
        {
            "id": model,
            "operation": {"generate": "job" if model in JOBS else "paint"},
            "default": model == "fine",
            "price": {"currency": "CNY", "rates": [{"amount": 1}]},
        }
        for model in MODELS
    ],
}


class TableServer(HttpServer):
    """Answers as the model is called; ``calls`` counts all calls, ``paid`` those that it would charge for."""

    def __init__(self):
        super().__init__(self.answer)
        self.calls, self.paid = Counter(), Counter()

    def _how(self, method, path):
        how = FAILURES.get(path.rpartition("/")[2])
        if how is Break.RESET_BEFORE_READ:
            self.calls["reset-unread"] += 1
        return how if isinstance(how, Break) else None

    def answer(self, request):
        name = request.path.rpartition("/")[2]
        if request.method == "GET":
            return Reply.json({"state": "failed", "why": name.removeprefix("job-")})
        self.calls[name] += 1
        reply = REFUSALS.get(name) or FAILURES.get(name)
        if isinstance(reply, Reply) and reply.status >= 300:
            return reply
        self.paid[name] += 1
        if name in JOBS:
            return Reply.json({"job": name})
        return reply if isinstance(reply, Reply) else Reply.json({"made": [{"data": png_base64(0)}]})


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.thorough)])
def service(request, tmp_path):
    """Return a running server, an API of it, and two providers of the same document with their ledgers."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(in_thread(TableServer())) for _ in range(2))
        silent = stack.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))  # and nobody listens
        ports = {"first": first.port, "second": second.port, "unreachable": silent.getsockname()[1]}
        config = {
            "security": {"allow_private_upstreams": [f"127.0.0.1:{port}" for port in ports.values()]},
            "providers": {
                name: {
                    "kind": "http",
                    "api_base": f"http://127.0.0.1:{port}",
                    "api_key": f"sk-of-the-{name}-provider",
                    "timeout_seconds": 3,
                    "extra_config": {"spec": DOCUMENT},
                }
                for name, port in ports.items()
            },
        }
        environ = {}
        if request.param == "postgresql":
            dsn = request.getfixturevalue("postgresql").create_database(f"fallback_{uuid4().hex}")
            config = node_config(dsn, stack.enter_context(FakeOss()), **config)
            environ["IMAGEGEN_MASTER_KEY"] = MASTER_KEY
        server = LiveServer(tmp_path, config, environ).start()
        stack.callback(server.end)
        yield server, first, second


def submit(api, model, provider="first", **more):
    body = {"provider": provider, "model_id": model, "fallback": [{"provider": "second"}], **more}
    return data(api.post(GENERATE, json={"params": {"prompt": "猫"}, **body}, headers=ENGLISH))["task_id"]


def test_only_what_charged_nothing_goes_on(service):
    """All failures that a provider can have, at once: on or not, by its ledger and by the task."""
    server, first, second = service
    with server.client() as api:
        task_ids = {model: submit(api, model) for model in (*REFUSALS, *FAILURES, *JOBS)}
        task_ids["no-connection"] = submit(api, "fine", "unreachable")
        tasks = {model: ended(api, task_id) for model, task_id in task_ids.items()}
        usage = data(api.get("/api/v1/usage", params={"group_by": "provider"}))["groups"]

    went_on = {model for model, task in tasks.items() if task["provider"] == "second"}
    assert {*REFUSALS, "no-connection"} == went_on
    assert {"completed"} == {tasks[model]["status"] for model in went_on}
    assert {"failed"} == {task["status"] for model, task in tasks.items() if model not in went_on}
    # Each was asked once: not again, and not elsewhere.
    assert dict.fromkeys((*REFUSALS, *FAILURES, *JOBS), 1) == first.calls
    assert {"fine": len(went_on)} == second.calls == second.paid
    assert set(first.paid).isdisjoint(went_on)
    for model, task in tasks.items():
        history = task["attempt_history"]
        if model in went_on:
            assert ["second", None, False] == [
                history[1][name] for name in ("provider", "code", "possible_charge")
            ]
            assert history[0]["code"] not in (None, "")
            assert not history[0]["possible_charge"]
            assert history[0]["started_at"] == task["started_at"] <= history[1]["started_at"]
        else:
            assert [(task["error"]["code"], task["error"]["possible_charge"])] == [
                (each["code"], each["possible_charge"]) for each in history
            ]
    amounts = {group["key"]: group["estimated"].get("CNY", "0") for group in usage}
    assert f"{len(went_on)}.00" == amounts["second"]
    assert "unreachable" not in amounts
    assert not first.complaints + second.complaints


def test_a_key_goes_to_its_own_provider(service):
    """Each is asked with the key that was saved for it."""
    server, first, second = service
    with server.client() as api:
        ended(api, submit(api, "401", config={"api_key": "sk-of-this-request"}))

    assert ["Bearer sk-of-this-request"] == [each.headers["authorization"] for each in first.requests]
    assert ["Bearer sk-of-the-second-provider"] == [each.headers["authorization"] for each in second.requests]


def test_a_kill_between_two_providers_pays_once(service):
    """Killed while many wait for the second: none is lost, and none is sent twice."""
    server, first, second = service
    with server.client() as api:
        data(api.post(CONFIG, json={"provider_name": "second", "extra_config": {"max_concurrency": 1}}))
        task_ids = [submit(api, "429") for _ in range(20)]
        until(lambda: second.calls["fine"], lambda number: number > 2)
    server.kill()
    server.start()
    with server.client() as api:
        tasks = [ended(api, task_id) for task_id in task_ids]

    counts = Counter(task["status"] if task["error"] is None else task["error"]["code"] for task in tasks)
    assert {"completed", "outcome_unknown"} >= set(counts)
    assert counts["completed"] + counts["outcome_unknown"] == 20 == len(task_ids)
    assert second.paid["fine"] <= 20
    assert first.paid["429"] == 0


def test_v1_takes_it_too(service):
    """In the body, as `provider/model` or as an object; a list that cannot be is one clear refusal."""
    server, _, second = service
    with server.client() as api:
        answers = [
            api.post(
                "/v1/images/generations", json={"prompt": "猫", "model": "first/429", "fallback": fallback}
            )
            for fallback in (["second/fine"], ["second"], [{"provider": "second", "model_id": "fine"}])
        ]
        refused = api.post(
            "/v1/images/generations", json={"prompt": "猫", "model": "first/429", "fallback": ["first/fine"]}
        )
        history = [
            data(api.get(f"{TASKS}/{each.headers['x-task-id']}"))["attempt_history"] for each in answers
        ]

    assert [200] * 3 == [each.status_code for each in answers]
    assert [["first", "second"]] * 3 == [[each["provider"] for each in one] for one in history]
    assert (400, 3) == (refused.status_code, second.paid["fine"])
    assert "fallback: " in refused.json()["error"]["message"]


def test_v1_goes_on_from_a_provider_that_is_switched_off(service):
    """As `/api/v1` does; without another provider it is an unknown model."""
    server, first, second = service
    body = {"prompt": "猫", "model": "first/fine"}
    with server.client() as api:
        data(api.post(CONFIG, json={"provider_name": "first", "enabled": False}))
        alone = api.post("/v1/images/generations", json=body)
        answer = api.post("/v1/images/generations", json={**body, "fallback": ["second/fine"]})
        task = data(api.get(f"{TASKS}/{answer.headers['x-task-id']}"))
        shown = server.on_terminal("tasks", "show", task["task_id"], **server.environ)
        shown.until("first (provider_disabled)")

    assert (404, 200) == (alone.status_code, answer.status_code)
    assert ["provider_disabled", None] == [each["code"] for each in task["attempt_history"]]
    assert (0, 0, 1) == (shown.end(), first.paid["fine"], second.paid["fine"])
