"""API.md section 11: images of ``/v1`` for callers that poll."""

import base64
import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest

from tests.fakes.a1111 import FakeA1111
from tests.fakes.loopback import Answer
from tests.integration.api.asking import CONFIG, TASKS, data, data_url, running, submit, task_of, total, until
from tests.integration.api.held_upstream import behind
from tests.integration.api.test_memory import MIB, Peak, noise
from tests.integration.openai.conftest import TOKEN, client_of
from tests.integration.openai.test_client_retries import REPEAT, tasks_of

GENERATIONS, EDITS, POLLS = "/v1/images/generations", "/v1/images/edits", "/v1/images/tasks"
BY_REQUEST = f"{GENERATIONS}/by-request"
PREFER = {"Prefer": "respond-async"}
ID = re.compile(r"imgtask_[0-9a-f]{32}")
ACCEPTED = ["created_at", "expires_at", "id", "object", "poll_url", "status", "task_id"]
WAYS = {
    "suffix": (f"{GENERATIONS}/async", {}),
    "query": (f"{GENERATIONS}?async=true", {}),
    "query of requests": (f"{GENERATIONS}?async=True", {}),
    "preference": (GENERATIONS, PREFER),
    "preferences": (GENERATIONS, {"Prefer": "return=minimal, Respond-Async; x=1, wait=5"}),
    "tasks": (POLLS, {}),
}


def body_of(prompt, **more):
    return {"prompt": prompt, "size": "64x64", **more}


def accepted(response):
    """Return the body of a 202."""
    assert response.status_code == 202, response.text
    return response.json()


def ended(api, submitted):
    """Poll until the task has ended; return the last answer."""
    path = accepted(submitted)["poll_url"]
    return until(lambda: api.get(path), lambda each: each.json()["status"] != "processing")


def uuid_of(submitted):
    return str(uuid.UUID(accepted(submitted)["id"].removeprefix("imgtask_")))


@pytest.mark.parametrize("way", WAYS)
def test_a_submit_names_a_task_that_can_be_polled(server, api, way):
    """At once, and the same for each way to ask; the images are those of the task."""
    path, headers = WAYS[way]
    submitted = api.post(path, json=body_of(f"by {way}"), headers=headers)
    task = accepted(submitted)
    polled = ended(api, submitted)
    image = api.get(polled.json()["image_url"])

    assert ACCEPTED == sorted(task)
    assert ID.fullmatch(task["id"])
    assert {
        "task_id": task["id"],
        "object": "image.generation.task",
        "status": "processing",
    }.items() <= task.items()
    assert (f"{POLLS}/{task['id']}", None) == (task["poll_url"], task["expires_at"])
    assert (task["poll_url"], "3", "no-store") == tuple(
        submitted.headers[name] for name in ("location", "retry-after", "cache-control")
    )
    assert ("completed", 200, task["id"]) == tuple(
        polled.json()[name] for name in ("status", "http_status", "id")
    )
    assert [{"url": polled.json()["image_url"]}] == polled.json()["result"]["data"]
    assert polled.json()["completed_at"] >= task["created_at"] == polled.json()["created_at"]
    assert ("no-store", False) == (polled.headers["cache-control"], "retry-after" in polled.headers)
    assert {uuid_of(submitted)} == {answer.headers["x-task-id"] for answer in (submitted, polled)}
    assert image.content.startswith(b"\x89PNG")
    assert "completed" == task_of(api, uuid_of(submitted))["status"]


def test_the_result_is_what_the_synchronous_call_answers(api):
    """But for the moment and the image."""
    body = body_of("alike", response_format="url", seed=7)
    waited = api.post(GENERATIONS, json=body).json()
    result = ended(api, api.post(POLLS, json=body)).json()["result"]
    for answer in (waited, result):
        del answer["created"], answer["data"][0]["url"]

    assert waited == result


def test_bytes_come_where_they_were_asked_for(api):
    """They are those of the image, and its address is there as well."""
    submitted = api.post(POLLS, json=body_of("as bytes", response_format="b64_json", n=2))
    answer = ended(api, submitted)
    images = [base64.b64decode(image["b64_json"]) for image in answer.json()["result"]["data"]]

    assert ["b64_json"] == list(answer.json()["result"]["data"][0])
    assert images[0] == api.get(answer.json()["image_url"]).content
    assert len(answer.content) == int(answer.headers["content-length"])
    assert 2 == len(images)


def test_a_running_task_is_polled(start_server):
    """It is processing while it waits and while it runs; both spellings of its id are the same."""
    with FakeA1111() as upstream:
        upstream.hold.clear()
        server = start_server(behind(upstream))
        with server.client() as api:
            submitted = api.post(POLLS, json=body_of("held", model="stable-diffusion/default"))
            paths = [accepted(submitted)["poll_url"], f"{POLLS}/{uuid_of(submitted)}"]
            answers = [api.get(path) for path in paths]
            upstream.hold.set()
            last = ended(api, submitted)

    assert answers[0].json() == answers[1].json()
    assert ("processing", "3", 200) == (
        answers[0].json()["status"],
        answers[0].headers["retry-after"],
        answers[0].status_code,
    )
    assert ["created_at", "expires_at", "id", "object", "status", "task_id"] == sorted(answers[0].json())
    assert "completed" == last.json()["status"]


@pytest.mark.parametrize(
    ("path", "headers"), [(f"{EDITS}/async", {}), (f"{EDITS}?async=1", {}), (EDITS, PREFER)]
)
def test_an_edit_is_polled_too(api, image, path, headers):
    """As a form and as JSON."""
    form = api.post(path, data={"prompt": "with a hat"}, files={"image": ("a.png", image)}, headers=headers)
    json = api.post(path, json={"prompt": "with a hat", "images": [data_url(image)]}, headers=headers)

    assert ["edit", "edit"] == [task_of(api, uuid_of(each))["operation"] for each in (form, json)]
    assert ["completed"] * 2 == [ended(api, each).json()["status"] for each in (form, json)]


@pytest.mark.parametrize("lines", [["wait=5", "respond-async"], ["respond-async", "wait=5"]])
def test_preferences_may_have_lines_of_their_own(api, lines):
    """As any list in a head."""
    answer = api.post(GENERATIONS, json=body_of("lines"), headers=[("Prefer", line) for line in lines])

    assert ID.fullmatch(accepted(answer)["id"])


@pytest.mark.parametrize("query", ["?async=false", "?async=False", "?async=0", "?async=", ""])
def test_nobody_is_made_to_poll(api, query):
    """Unless they say so; an unknown preference is none."""
    answer = api.post(
        f"{GENERATIONS}{query}", json=body_of("waits"), headers={"Prefer": "respond-asynchronously"}
    )

    assert (200, True) == (answer.status_code, "data" in answer.json())


# ---------------------------------------------------------------- how it fails


@pytest.fixture(scope="module")
def impatient(api):
    """A provider without retries."""
    data(api.post(CONFIG, json={"provider_name": "hasty", "kind": "demo", "max_retries": 0}))
    yield "hasty/demo"
    api.delete(f"{CONFIG}/hasty")


@pytest.mark.parametrize(
    ("failure", "status", "code", "kind"),
    [
        ("outcome_unknown", 400, "outcome_unknown", "upstream_error"),
        ("timeout", 400, "timeout", "upstream_error"),
        ("content_policy", 400, "content_policy_violation", "image_generation_user_error"),
        ("rate_limited", 429, "rate_limit_exceeded", "rate_limit_error"),
        ("unavailable", 503, "upstream_unavailable", "server_error"),
    ],
)
def test_a_failure_is_told_as_the_synchronous_call_tells_it(api, impatient, failure, status, code, kind):
    """With the status that it would have had, in an answer that is 200 itself."""
    body = body_of(f"fails by {failure}", model=impatient, fail=failure)
    polled = ended(api, api.post(POLLS, json=body))
    waited = api.post(GENERATIONS, json=body)

    assert (200, "failed", status) == (
        polled.status_code,
        polled.json()["status"],
        polled.json()["http_status"],
    )
    assert waited.json()["error"] == polled.json()["error"]
    assert (code, kind) == (polled.json()["error"]["code"], polled.json()["error"]["type"])
    assert not {"result", "image_url"} & polled.json().keys()
    assert polled.json()["completed_at"] >= polled.json()["created_at"]


def test_a_cancelled_task_has_failed(api):
    """In the caller's language."""
    submitted = api.post(POLLS, json=body_of("to be cancelled", delay_seconds=60))
    running(api, uuid_of(submitted))
    api.post(f"{TASKS}/{uuid_of(submitted)}/cancel")
    english = ended(api, submitted).json()
    chinese = api.get(
        english_path := accepted(submitted)["poll_url"], headers={"Accept-Language": "zh"}
    ).json()

    assert english_path.endswith(english["id"])
    assert ("failed", 400, "cancelled") == (
        english["status"],
        english["http_status"],
        english["error"]["code"],
    )
    assert english["error"]["message"].isascii()
    assert not chinese["error"]["message"].isascii()


@pytest.mark.parametrize(
    "identifier",
    [
        "imgtask_" + "1" * 32,
        "01234567-89ab-4def-8123-456789abcdef",
        "imgtask_",
        "imgtask_" + "0" * 31,
        "imgtask_" + "0" * 33,
        "IMGTASK_" + "0" * 32,
        "imgtask_imgtask_" + "0" * 32,
        "imgtask_" + "g" * 32,
        "%00",
        "x" * 5000,
        "任务",
    ],
)
def test_an_unknown_task_is_404(api, identifier):
    """With the code that clients know, whatever was asked for."""
    answer = api.get(f"{POLLS}/{identifier}")

    assert (404, "IMAGE_TASK_NOT_FOUND") == (answer.status_code, answer.json()["error"]["code"])
    assert "no-store" == answer.headers["cache-control"]


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_cannot_be_polled(api, way):
    """It is refused, and costs nothing."""
    path, headers = WAYS[way]
    before = total(api)
    answer = api.post(path, json=body_of("a stream", stream=True), headers=headers)

    assert (400, "stream") == (answer.status_code, answer.json()["error"]["param"])
    assert before == total(api)


DEEP = b'{"prompt":' + b"[" * 5000 + b"]" * 5000 + b"}"


@pytest.mark.parametrize(
    "path", [f"{GENERATIONS}/async", POLLS, f"{GENERATIONS}?async=true", f"{EDITS}/async"]
)
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"prompt": 7}', 400),
        (b'{"prompt": ""}', 400),
        (b'{"prompt": "a", "n": "2"}', 400),
        (b'{"prompt": "a", "n": 11}', 400),
        (b'{"prompt": "a", "response_format": "gif"}', 400),
        (b'{"prompt": "\\ud83d"}', 400),
        (b'{"prompt": "a", "model": {"id": "demo"}}', 400),
        (b'{"prompt": "a", "model": "nobody/nothing"}', 404),
        (b'{"prompt": "' + b"x" * 33_000 + b'"}', 400),
        (DEEP, 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_refused_at_once(api, path, content, status):
    """As on the synchronous path: no task is made, and the error is in OpenAI's shape."""
    before = total(api)
    answer = api.post(path, content=content, headers={"Content-Type": "application/json"})

    assert (status, before) == (answer.status_code, total(api))
    assert {"message", "type", "param", "code"} == set(answer.json()["error"])


def test_a_megabyte_of_prompt_is_refused(api):
    """By its length, wherever it is sent."""
    body = body_of("x" * 1_100_000)
    paths = (f"{GENERATIONS}/async", POLLS, f"{GENERATIONS}?async=true", f"{EDITS}/async")

    assert [413, 413, 413, 400] == [api.post(path, json=body).status_code for path in paths]


@pytest.mark.parametrize("choice", ["banana", "null", "2", "[]"])
def test_an_async_that_is_neither_is_refused(api, choice):
    """Nobody should wait who meant to poll."""
    answer = api.post(f"{GENERATIONS}?async={choice}", json=body_of("neither"))

    assert (400, "async") == (answer.status_code, answer.json()["error"]["param"])


# ---------------------------------------------------------------- paid once


def test_a_key_gives_the_same_task(api):
    """By all ways, and across from the synchronous call; another body is refused."""
    key, body = {"Idempotency-Key": "key-1"}, body_of("keyed")
    answers = [api.post(path, json=body, headers=key | headers) for path, headers in WAYS.values()]
    waited = api.post(GENERATIONS, json=body, headers=key)
    other = api.post(POLLS, json=body_of("another"), headers=key)

    assert 1 == len({accepted(answer)["id"] for answer in answers})
    assert [None, *["true"] * len(WAYS)] == [
        a.headers.get("x-idempotency-replayed") for a in (*answers, waited)
    ]
    assert (200, uuid_of(answers[0])) == (waited.status_code, waited.headers["x-task-id"])
    assert (422, "idempotency_key_reused") == (other.status_code, other.json()["error"]["code"])
    assert 1 == len(tasks_of(api, "keyed"))


def test_a_key_gives_its_task_wherever_the_configuration_leads_by_now(start_server, image):
    """Else its repeat would be paid again, or refused with a 404, which says that nothing was started."""
    with FakeA1111() as upstream:
        server = start_server({"security": {"allow_private_upstreams": [upstream.host]}})
        with server.client() as api:

            def save(name, *capabilities):
                models = [{"id": "default", "capabilities": capabilities}]
                kind = {"provider_name": name, "kind": "stable_diffusion", "api_base": upstream.url}
                data(api.post(CONFIG, json={**kind, "models": models}))

            def lead_to(name):
                data(api.patch("/api/v1/settings", json={"default_provider": name}))

            def ask(prompt="a hat", **more):
                edit = {"prompt": prompt, "images": [data_url(image)], **more}
                drawn = api.post(POLLS, json=body_of(prompt, **more), headers={"Idempotency-Key": "moved-1"})
                edited = api.post(f"{EDITS}/async", json=edit, headers={"Idempotency-Key": "moved-2"})
                return drawn, edited

            save("editor", "generate", "edit")
            save("painter", "generate", "reference")
            lead_to("editor")
            first = ask()
            for answer in first:
                ended(api, answer)
            repeats = [ask(model="editor/default")]
            lead_to("painter")
            repeats += [ask(), ask(model="default")]
            save("editor", "generate", "reference")
            changed = ask()
            save("editor", "generate", "edit")
            api.patch(f"{CONFIG}/editor/toggle", json={"enabled": False})
            repeats.append(ask())
            others = [ask("another"), ask(model="painter/default")]

        prompts = [body["prompt"] for _, body in upstream.ledger]

    ids = [accepted(answer)["id"] for answer in first]
    assert [ids] * 4 == [[accepted(answer)["id"] for answer in pair] for pair in repeats]
    assert [202, 422] == [answer.status_code for answer in changed]
    assert [422] * 4 == [answer.status_code for pair in others for answer in pair]
    assert ["a hat"] * 2 == prompts


@pytest.mark.parametrize("key", ["order-4711", "a/b", "a//b/", "?q=1&x#y", "%2F%20", "~" * 255, "key"])
def test_the_task_of_a_key_is_found(api, key):
    """Whatever the key is made of, and however many begin alike; nothing is started."""
    path = f"{BY_REQUEST}/{''.join(f'%{ord(each):02X}' for each in key)}"
    before = api.get(path)
    submitted = api.post(POLLS, json=body_of(f"found {key}"), headers={"Idempotency-Key": key})
    for number in range(25 if key == "key" else 0):
        api.post(POLLS, json=body_of("like it"), headers={"Idempotency-Key": f"{key}{number}"})
    count = total(api)
    answer = until(lambda: api.get(path), lambda each: each.json()["status"] != "processing")

    assert (404, "IMAGE_TASK_NOT_FOUND") == (before.status_code, before.json()["error"]["code"])
    assert (200, accepted(submitted)["id"], count) == (answer.status_code, answer.json()["id"], total(api))
    assert answer.json() == api.get(accepted(submitted)["poll_url"]).json()


def test_the_task_of_an_edits_key_is_found(api, image):
    """Since a key is asked for, not an operation."""
    body = {"prompt": "a hat", "images": [data_url(image)]}
    submitted = api.post(f"{EDITS}/async", json=body, headers={"Idempotency-Key": "hat-1"})

    assert accepted(submitted)["id"] == api.get(f"{BY_REQUEST}/hat-1").json()["id"]


def test_the_newest_task_of_a_key_is_found(api, image):
    """Where a generation and an edit have the same: the answer that was lost is that of the last one."""
    key, body = {"Idempotency-Key": "both-1"}, {"prompt": "a hat", "images": [data_url(image)]}
    api.post(POLLS, json=body_of("a hat"), headers=key)
    submitted = api.post(f"{EDITS}/async", json=body, headers=key)

    assert accepted(submitted)["id"] == api.get(f"{BY_REQUEST}/both-1").json()["id"]


@pytest.mark.parametrize("key", ["x" * 256, "%E7%8C%AB", "%00", "a%20b", "%FF"])
def test_what_cannot_be_a_key_has_no_task(api, key):
    """And is not looked for."""
    answer = api.get(f"{BY_REQUEST}/{key}")

    assert (404, "IMAGE_TASK_NOT_FOUND") == (answer.status_code, answer.json()["error"]["code"])


@pytest.mark.parametrize("way", WAYS)
def test_a_numbered_repeat_finds_the_first_task(api, way):
    """The official client repeats by itself; a repeat without a number is meant as a new request."""
    path, headers = WAYS[way]
    body = body_of(f"repeated by {way}")
    first, repeat, new = (api.post(path, json=body, headers=headers | more) for more in ({}, REPEAT, {}))

    assert accepted(first)["id"] == accepted(repeat)["id"] != accepted(new)["id"]
    assert [None, "true", None] == [a.headers.get("x-idempotency-replayed") for a in (first, repeat, new)]
    assert 2 == len(tasks_of(api, body["prompt"]))


def test_a_caller_that_was_lost_finds_its_task_by_the_asynchronous_way(api, server):
    """A proxy gave up on the synchronous call; asking again without waiting pays nothing more."""
    body = body_of("lost behind a proxy", delay_seconds=1.0)
    with server.client() as lost, pytest.raises(httpx.ReadTimeout):
        lost.post(GENERATIONS, json=body, timeout=0.5)
    submitted = api.post(f"{GENERATIONS}/async", json=body)

    assert "completed" == ended(api, submitted).json()["status"]
    assert 1 == len(tasks_of(api, body["prompt"]))


def test_equal_requests_at_once_are_tasks_of_their_own(api):
    """As nobody was lost."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: api.post(POLLS, json=body_of("eight alike")), range(8)))

    assert 8 == len({accepted(answer)["id"] for answer in answers})


def test_the_official_client_polls(server):
    """With its own methods for requests that it does not know."""
    with client_of(server) as client:
        task = client.post(
            "/images/generations/async",
            body={"prompt": "by the client", "size": "64x64"},
            cast_to=dict[str, object],
        )
        polled = until(
            lambda: client.get(f"/images/tasks/{task['id']}", cast_to=dict[str, object]),
            lambda answer: answer["status"] != "processing",
        )
        with pytest.raises(openai.NotFoundError) as raised:
            client.get("/images/tasks/imgtask_0", cast_to=dict[str, object])

    assert "completed" == polled["status"]
    assert "IMAGE_TASK_NOT_FOUND" == raised.value.code


def test_a_kill_between_submit_and_poll_loses_nothing(start_server):
    """What was not sent yet goes on after the start, with one charge; an equal repeat finds the same."""
    with FakeA1111() as upstream:
        upstream.hold.clear()
        server = start_server(behind(upstream, queue={"workers": 1}))
        with server.client() as api:
            first = api.post(POLLS, json=body_of("runs", model="stable-diffusion/default"))
            assert upstream.begun.wait(60)
            second = api.post(
                POLLS, json=body_of("waits", model="stable-diffusion/default", response_format="b64_json")
            )
        server.kill()
        upstream.hold.set()
        server.start()
        with server.client() as api:
            polled = [ended(api, each).json() for each in (first, second)]
            repeat = api.post(
                POLLS,
                json=body_of("waits", model="stable-diffusion/default", response_format="b64_json"),
                headers=REPEAT,
            )
        prompts = [body["prompt"] for _, body in upstream.ledger]

    assert ["completed", "b64_json"] == [polled[1]["status"], *polled[1]["result"]["data"][0]]
    assert (polled[0]["status"], polled[0].get("http_status")) in (("failed", 400), ("completed", 200))
    assert accepted(second)["id"] == accepted(repeat)["id"]
    assert ["runs", "waits"] == prompts


def test_with_a_token_addresses_are_signed_and_nothing_else_is_open(start_server):
    """The submit and the poll want the token, the image does not."""
    server = start_server({"server": {"auth_token": TOKEN}})
    with server.client(Authorization=f"Bearer {TOKEN}") as api, server.client() as visitor:
        submitted = api.post(POLLS, json=body_of("signed"))
        answer = ended(api, submitted).json()
        link = answer["image_url"]
        refused = [
            visitor.post(POLLS, json=body_of("signed")),
            visitor.get(accepted(submitted)["poll_url"]),
            visitor.get(f"{BY_REQUEST}/any"),
            visitor.get(link.partition("?")[0]),
        ]

        assert [401] * 4 == [each.status_code for each in refused]
        assert {"expires", "signature"} <= set(httpx.URL(link).params)
        assert visitor.get(link).content.startswith(b"\x89PNG")
        assert 86_000 < int(httpx.URL(link).params["expires"]) - answer["completed_at"] < 90_000


def test_any_task_can_be_polled(api):
    """Those of the rest of the API are the same."""
    task_id = data(submit(api, "of another way"))["task_id"]
    answer = until(lambda: api.get(f"{POLLS}/{task_id}"), lambda each: each.json()["status"] != "processing")

    assert ("completed", f"imgtask_{task_id.replace('-', '')}") == (
        answer.json()["status"],
        answer.json()["id"],
    )


def test_an_image_that_was_deleted_is_missing_from_the_result(api):
    """The task stays completed."""
    submitted = api.post(POLLS, json=body_of("deleted"))
    image_url = ended(api, submitted).json()["image_url"]
    api.delete(httpx.URL(image_url).path.removesuffix("/content"))
    answer = api.get(accepted(submitted)["poll_url"]).json()

    assert ("completed", None, []) == (answer["status"], answer["image_url"], answer["result"]["data"])


def test_an_image_whose_bytes_are_lost_has_failed_as_the_synchronous_call_has(start_server):
    """Where bytes were asked for: it may have been charged, and no later poll brings it back."""
    server = start_server()
    with server.client() as api:
        submitted = api.post(POLLS, json=body_of("lost bytes", response_format="b64_json"))
        ended(api, submitted)
        for path in (server.data_dir / "images").rglob("*.png"):
            path.unlink()
        answer = api.get(accepted(submitted)["poll_url"])

    assert (200, "failed", 400) == (answer.status_code, answer.json()["status"], answer.json()["http_status"])
    assert ("storage_failed", "upstream_error") == tuple(
        answer.json()["error"][name] for name in ("code", "type")
    )


def test_a_large_image_is_encoded_while_it_is_sent(start_server):
    """27 MB of base64 take a few chunks of memory, however often they are polled."""
    with FakeA1111() as upstream:
        image = base64.b64encode(noise()).decode()
        upstream.spoilt.append(Answer.sample("a1111", "images", image=(image,), info="{}"))
        server = start_server(behind(upstream))
        with server.client() as api:
            body = body_of("large", model="stable-diffusion/default", response_format="b64_json")
            submitted = api.post(POLLS, json=body)
            until(
                lambda: api.head(accepted(submitted)["poll_url"]),
                lambda answer: "retry-after" not in answer.headers,
            )
            peak = Peak(server.process.pid)
            answers = [ended(api, submitted).json() for _ in range(3)]

    assert {image} == {answer["result"]["data"][0]["b64_json"] for answer in answers}
    assert peak.growth < 16 * MIB
