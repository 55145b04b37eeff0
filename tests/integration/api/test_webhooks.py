"""Webhooks through the running service: who is told what, what becomes of it, and what is refused."""

from contextlib import closing
from datetime import datetime

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.images import png
from tests.fakes.loopback import Answer
from tests.fakes.receiver import Receiver, event_of
from tests.integration.api.asking import (
    ENGLISH,
    GENERATE,
    SMALL,
    TASKS,
    WAIT,
    body_of,
    data,
    data_url,
    ended,
    finished,
    until,
)
from tests.integration.api.live_server import NO_TLS, LiveServer, imagegen

NOBODY = "http://127.0.0.1:9/"
"""An address that is listed and where nothing listens."""

WEBHOOKS = "/api/v1/webhooks"
DELIVERIES = f"{WEBHOOKS}/deliveries"
SENT = "data"


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def api(receiver, start_server):
    """A client of a server that may call the receiver."""
    with start_server(allowing(receiver)).client() as client:
        yield client


def allowing(*receivers, **security):
    return {"security": {"allow_webhooks": [each.host for each in receivers], **security}}


def add(api, receiver, path="/hook", **more):
    """Add an endpoint and return it with its secret."""
    return data(api.post(WEBHOOKS, json={"url": f"{receiver.url}{path}", **more}))


def settled(api, webhook_id=1, *, status="pending"):
    """Return the deliveries of an endpoint, once none has this status."""

    def listed():
        return data(api.get(f"{WEBHOOKS}/{webhook_id}/deliveries"))["items"]

    return until(listed, lambda items: items and status not in {each["status"] for each in items})


def test_an_endpoint_hears_of_a_task(api, receiver):
    """Signed, as the task is shown, with absolute addresses; and it is recorded."""
    webhook = add(api, receiver, "/hook?key=1")
    task = finished(api, prompt="一只猫")
    (request,) = receiver.wait_for(1)
    event = event_of(request, webhook["secret"])
    (delivery,) = settled(api)

    base = str(api.base_url).rstrip("/")
    images = [
        {**image, **{name: base + image[name] for name in ("image_url", "thumbnail_url")}}
        for image in task["images"]
    ]
    expected = {
        **task,
        "images": images,
        "image_url": images[0]["image_url"],
        "urls": {name: base + path for name, path in task["urls"].items()},
    }
    assert {"type": "task.completed", "timestamp": task["completed_at"], SENT: expected} == event
    assert 200 == api.get(event[SENT]["image_url"]).status_code
    assert ("delivered", 1, 204, None) == tuple(
        delivery[name] for name in ("status", "tries", "last_status", "last_error")
    )
    assert (request.headers["webhook-id"], task["task_id"]) == (delivery["event_id"], delivery["task_id"])
    shown = data(api.get(f"{WEBHOOKS}/1"))
    assert webhook["secret"][-4:] == shown["secret_last4"]
    assert ("secret" not in shown, None) == (True, shown["last_failure_at"])
    assert delivery["delivered_at"] == shown["last_success_at"]


def test_each_end_has_its_event(api, receiver):
    """A failure with its error, a cancellation; only those that were asked for."""
    add(api, receiver, events=["task.failed", "task.cancelled"])
    finished(api)
    failing = data(api.post(GENERATE, json=body_of(fail="rejected"), headers=WAIT))
    slow = data(api.post(GENERATE, json=body_of(delay_seconds=30)))["task_id"]
    data(api.post(f"{TASKS}/{slow}/cancel"))
    ended(api, slow)
    events = {event["type"]: event for event in map(event_of, receiver.wait_for(2))}

    assert {"task.failed", "task.cancelled"} == events.keys()
    assert (failing["task_id"], "rejected") == (
        events["task.failed"][SENT]["task_id"],
        events["task.failed"][SENT]["error"]["code"],
    )
    assert (slow, "cancelled") == (
        events["task.cancelled"][SENT]["task_id"],
        events["task.cancelled"][SENT]["status"],
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, body_of()),
        ("/api/v1/images/generate-with-references", {"prompt": "a", "reference_images": [data_url(png(1))]}),
        ("/api/v1/images/edit", {"prompt": "a", "image": data_url(png(1))}),
        ("/api/v1/images/upscale", {"image": data_url(png(1, (64, 64)))}),
        ("/api/v1/images/recontext", {"prompt": "a", "image": data_url(png(1))}),
        ("/api/v1/images/segment", {"image": data_url(png(1))}),
        ("/v1/images/generations", {"prompt": "a", "size": "64x64"}),
        ("/v1/images/edits", {"prompt": "a", "images": [data_url(png(1))]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_task_may_bring_its_own(api, receiver, path, body):
    """With every operation; unsigned, since no endpoint has its origin."""
    url = f"{receiver.url}/mine"
    response = api.post(path, json={**body, "webhook_url": url}, headers=WAIT).raise_for_status()
    (request,) = receiver.wait_for(1, path="/mine")
    task_id = response.headers.get("x-task-id") or data(response)["task_id"]
    task = data(api.get(f"{TASKS}/{task_id}"))

    assert task_id == event_of(request)[SENT]["task_id"]
    assert "webhook-signature" not in request.headers
    assert url not in str(task)


def test_a_task_made_again_tells_the_same(api, receiver):
    """Signed by the endpoint of the same origin, which hears nothing itself."""
    webhook = add(api, receiver, enabled=False)
    url = f"{receiver.url}/mine"
    first = data(api.post(GENERATE, json={**body_of(fail="rejected"), "webhook_url": url}, headers=WAIT))
    data(api.post(f"{TASKS}/{first['task_id']}/retry"))
    requests = receiver.wait_for(2, path="/mine")

    events = [event_of(request, webhook["secret"]) for request in requests]
    assert {None, first["task_id"]} == {event[SENT]["retry_of"] for event in events}


def test_a_key_with_another_receiver_is_another_request(api, receiver):
    """As with any other field."""
    body = {**body_of(), "webhook_url": f"{receiver.url}/a"}
    key = {"Idempotency-Key": "one"}
    answers = [
        api.post(GENERATE, json=each, headers=key).json()["code"]
        for each in (body, body, {**body, "webhook_url": f"{receiver.url}/b"}, body_of())
    ]

    assert [0, 0, 42201, 42201] == answers


def test_a_failure_is_tried_again(api, receiver):
    """After five seconds, under the same id, at another time; the answer is shown until then."""
    receiver.answers.append(Answer(status=500, body=b"not now"))
    webhook = add(api, receiver)
    finished(api)
    receiver.wait_for(1)
    (waiting,) = until(
        lambda: data(api.get(f"{WEBHOOKS}/1/deliveries?status=pending"))["items"],
        lambda items: items and items[0]["last_status"],
    )
    detail = data(api.get(f"{DELIVERIES}/{waiting['id']}", headers=ENGLISH))
    first, second = receiver.wait_for(2)
    (delivered,) = settled(api)

    assert ("pending", 1, 500, "not now", "the receiver answered 500") == tuple(
        detail[name] for name in ("status", "tries", "last_status", "answer", "last_error")
    )
    assert ("delivered", 2) == (delivered["status"], delivered["tries"])
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert 3 < int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) < 60
    assert event_of(first, webhook["secret"]) == event_of(second, webhook["secret"])


def test_gone_switches_an_endpoint_off(api, receiver):
    """With the reason in both languages; on again, it hears of the old task by a replay."""
    receiver.answers.append(Answer(status=410))
    add(api, receiver)
    finished(api)
    (failed,) = settled(api)
    off = [data(api.get(f"{WEBHOOKS}/1", headers=headers)) for headers in (ENGLISH, {})]
    finished(api)
    on = data(api.patch(f"{WEBHOOKS}/1", json={"enabled": True}))
    replayed = data(api.post(f"{DELIVERIES}/{failed['id']}/replay"))
    first, second = receiver.wait_for(2)

    assert ("failed", 410) == (failed["status"], failed["last_status"])
    assert [False, False] == [each["enabled"] for each in off]
    assert ["the receiver answered 410: it wants no more", "接收端返回 410：不再接收"] == [
        each["disabled_reason"] for each in off
    ]
    assert (True, None) == (on["enabled"], on["disabled_reason"])
    assert ("pending", 0) == (replayed["status"], replayed["tries"])
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_after_a_rotation_both_secrets_sign(api, receiver):
    """The new one is shown once."""
    old = add(api, receiver)["secret"]
    new = data(api.post(f"{WEBHOOKS}/1/rotate"))["secret"]
    finished(api)
    (request,) = receiver.wait_for(1)

    assert event_of(request, old) == event_of(request, new)
    assert 2 == len(request.headers["webhook-signature"].split())
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(request.body, dict(request.headers))


def test_a_test_says_what_it_met(api, receiver):
    """Success, a redirect, an error, no answer at all; nothing of it is a delivery."""
    webhook = add(api, receiver, enabled=False)
    receiver.answers += [
        Answer(status=200, body=b"hello"),
        Answer(status=302, headers={"Location": f"{receiver.url}/elsewhere"}),
        Answer(status=503),
        Answer(fault="drop"),
    ]
    results = [data(api.post(f"{WEBHOOKS}/1/test", headers=ENGLISH)) for _ in range(4)]
    event = event_of(receiver.requests[0], webhook["secret"])

    assert [True, False, False, False] == [result["ok"] for result in results]
    assert [200, 302, 503, None] == [result["status"] for result in results]
    assert ["hello", "", "", ""] == [result["answer"] for result in results]
    assert "127.0.0.1" in results[3]["error"]
    assert ("webhook.test", {"webhook_id": 1}) == (event["type"], event[SENT])
    assert ["/hook"] * 4 == [request.path for request in receiver.requests]
    assert 0 == data(api.get(f"{WEBHOOKS}/1/deliveries"))["total"]


def test_a_slow_receiver_slows_nobody(receiver, start_server):
    """Tasks end, and another endpoint hears of them, while the first one does not answer."""
    with Receiver() as quick, start_server(allowing(receiver, quick)).client() as api:
        receiver.hold()
        add(api, receiver)
        add(api, quick)
        for _ in range(6):
            finished(api)
        quick.wait_for(6)
        receiver.wait_for(4)
        waiting = len(receiver.requests)
        receiver.release()
        receiver.wait_for(6)

    assert 4 == waiting


def test_an_image_that_is_gone_is_not_told(api, receiver):
    """The rest of the task is, as it is at the time of the try."""
    receiver.answers.append(Answer(status=410))
    add(api, receiver)
    task = finished(api)
    (failed,) = settled(api)
    data(api.patch(f"{WEBHOOKS}/1", json={"enabled": True}))
    data(api.delete(f"/api/v1/images/{task['images'][0]['id']}"))
    data(api.post(f"{DELIVERIES}/{failed['id']}/replay"))
    event = event_of(receiver.wait_for(2)[1])

    assert (task["task_id"], [], None) == tuple(
        event[SENT][name] for name in ("task_id", "images", "image_url")
    )


def test_a_long_task_is_cut(api, receiver):
    """To 20 kB, and says so."""
    add(api, receiver)
    finished(api, prompt="漫长的提示词" * 3000, num=4)
    (request,) = receiver.wait_for(1)
    task = event_of(request)[SENT]

    assert len(request.body) <= 20_000
    assert (True, 4, "漫长的提示词" * 83 + "漫长") == (task["truncated"], len(task["images"]), task["prompt"])
    assert "params" not in task


def test_with_a_token_images_are_linked(receiver, start_server):
    """Signed links open without it, nothing else does; all begin with the public address."""
    settings = {
        "server": {"auth_token": "t" * 32, "public_url": "https://images.example"},
        **allowing(receiver),
    }
    server = start_server(settings)
    with server.client(Authorization=f"Bearer {'t' * 32}") as api:
        add(api, receiver)
        finished(api)
        task = event_of(receiver.wait_for(1)[0])[SENT]
    url = task["image_url"].replace("https://images.example", server.url)
    opened = httpx.get(url, trust_env=False, verify=NO_TLS)

    assert task["image_url"].startswith("https://images.example/api/v1/images/")
    assert (200, True) == (opened.status_code, "signature=" in url)
    assert task["urls"]["self"] == f"https://images.example{TASKS}/{task['task_id']}"


def test_what_was_not_delivered_survives_a_kill(receiver, start_server):
    """Killed while the receiver has the request, the service sends it again, under one id."""
    server = start_server(allowing(receiver))
    with server.client() as api:
        webhook = add(api, receiver)
        receiver.hold()
        finished(api)
        receiver.wait_for(1)
        server.kill()
    receiver.release()
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        # Time passes: the claim of the process that was killed ends.
        database.execute("UPDATE webhook_deliveries SET next_try_at = '2020-01-01T00:00:00.000Z'")
    with server.start().client() as api:
        first, second = receiver.wait_for(2)
        settled(api)

    assert event_of(first, webhook["secret"]) == {
        **event_of(second, webhook["secret"]),
        SENT: event_of(first)[SENT],
    }
    assert 1 == len(receiver.ids)


def test_what_ends_without_a_server_is_sent_by_the_next(receiver, start_server):
    """A command that makes an image by itself sends nothing, and loses nothing."""
    server = start_server(allowing(receiver))
    with server.client() as api:
        add(api, receiver)
    server.stop()
    done = server.imagegen("generate", "a boat", "--param", "width=64", "--param", "height=64")
    before = len(receiver.requests)
    server.start()
    event = event_of(receiver.wait_for(1)[0])

    assert (0, 0, "a boat") == (done.returncode, before, event[SENT]["prompt"])


def test_a_new_master_key_keeps_the_secrets(receiver, start_server, tmp_path):
    """After a rotation of the key, and in a restored backup with that key."""
    server = start_server(allowing(receiver))
    with server.client() as api:
        secret = add(api, receiver)["secret"]
        finished(api)
    server.stop()
    rotated = server.imagegen("keys", "rotate")
    saved = server.imagegen("backup", "it.backup")
    server.start()
    with server.client() as api:
        finished(api)
        verified = [event_of(request, secret)["type"] for request in receiver.wait_for(2)]
    server.stop()
    restored = imagegen(
        "restore", "it.backup", cwd=tmp_path, environ={"IMAGEGEN_DATA_DIR": str(tmp_path / "copy")}
    )
    with closing(sqlite3.connect(tmp_path / "copy" / "imagegen.db")) as database:
        ((url, token),) = database.execute("SELECT url, secret FROM webhooks").fetchall()

    assert ["task.completed"] * 2 == verified
    assert (0, 0, 0) == (rotated.returncode, saved.returncode, restored.returncode), restored.stderr
    assert (f"{receiver.url}/hook", False) == (url, secret in token)


def test_secrets_and_paths_are_in_no_log(receiver, start_server):
    """Of a receiver's URL the log has its origin alone."""
    server = start_server({"log": {"level": "debug"}, **allowing(receiver)})
    receiver.answers.append(Answer(status=500, body=b"SECRET-ANSWER"))
    with server.client() as api:
        secret = add(api, receiver, "/path-secret?key=query-secret")["secret"]
        finished(api)
        api.post(GENERATE, json={**body_of(), "webhook_url": f"{receiver.url}/task-secret"}, headers=WAIT)
        receiver.wait_for(3)
        settled(api, status="")
    server.stop()

    assert receiver.url in server.log
    assert [] == [
        text
        for text in (secret, secret[6:], "path-secret", "query-secret", "task-secret", "SECRET-ANSWER")
        if text in server.log
    ]


# ---------------------------------------------------------------- what is refused


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A client of one server for all of these."""
    server = LiveServer(tmp_path_factory.mktemp("webhooks"), {"security": {"allow_webhooks": [NOBODY[7:-1]]}})
    with server.start().client() as client:
        yield client
    server.end()


@pytest.fixture
def endpoint(shared):
    """The path of an endpoint, for one test."""
    path = f"{WEBHOOKS}/{data(shared.post(WEBHOOKS, json={'url': NOBODY}))['id']}"
    yield path
    shared.delete(path)


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/"),
        *(
            "http://169.254.169.254/",
            "http://[fd00:ec2::254]/",
            "http://192.168.1.1/",
            "http://10.0.0.1:8123/",
        ),
        *("http://2130706433:1/", "http://0x7f.1:1/", "http://169.254.1.1/", "http://100.100.100.200/"),
    ],
)
def test_an_address_that_is_not_public_is_refused(shared, endpoint, url):
    """On adding, on changing and on submitting; the hint names the setting."""
    refusals = [
        shared.post(WEBHOOKS, json={"url": url}, headers=ENGLISH),
        shared.patch(endpoint, json={"url": url}, headers=ENGLISH),
        shared.post(GENERATE, json={**body_of(), "webhook_url": url}, headers=ENGLISH),
    ]

    assert [40008] * 3 == [refusal.json()["code"] for refusal in refusals]
    assert all("security.allow_webhooks" in refusal.json()["data"]["hint"] for refusal in refusals)
    assert 0 == data(shared.get(TASKS))["total"]


def test_our_own_address_is_refused(receiver, start_server):
    """Even if it is listed."""
    server = start_server({"security": {"allow_webhooks": ["127.0.0.1:1"]}})
    with server.client() as api:
        refused = api.post(WEBHOOKS, json={"url": f"{server.url}/"}, headers=ENGLISH)

    assert (40008, "no setting allows this address for webhooks") == (
        refused.json()["code"],
        refused.json()["data"]["hint"],
    )


def test_a_private_network_may_be_listed(start_server):
    """Then its receivers are taken; they answer or not."""
    with start_server({"security": {"allow_webhooks": ["192.168.0.0/16"]}}).client() as api:
        codes = [
            api.post(WEBHOOKS, json={"url": url}).json()["code"]
            for url in ("http://192.168.7.7:8123/api/webhook/x", "http://10.0.0.1/")
        ]

    assert [0, 40008] == codes


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "https://user:secret@receiver.example/"}, "url"),
        ({"url": "ftp://receiver.example/"}, "url"),
        ({"url": "receiver.example"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://receiver.example/" + "x" * 2048}, "url"),
        ({"url": 7}, "url"),
        ({"events": []}, "events"),
        ({"events": ["task.started"]}, "events.0"),
        ({"enabled": "yes"}, "enabled"),
        ({"secret": "whsec_mine"}, "secret"),
    ],
)
def test_a_bad_body_is_refused_by_the_field(shared, changes, field):
    """And nothing is stored."""
    refused = shared.post(WEBHOOKS, json={"url": NOBODY, **changes})

    assert (40000, [field]) == (
        refused.json()["code"],
        [problem["field"] for problem in refused.json()["data"]["errors"]],
    )
    assert 0 == data(shared.get(WEBHOOKS))["total"]


def test_sixteen_are_enough(shared):
    """One more is refused until one is deleted."""
    ids = [data(shared.post(WEBHOOKS, json={"url": NOBODY}))["id"] for _ in range(16)]
    refused = shared.post(WEBHOOKS, json={"url": NOBODY}).json()
    deleted = shared.delete(f"{WEBHOOKS}/{ids.pop()}").json()
    ids.append(data(shared.post(WEBHOOKS, json={"url": NOBODY}))["id"])
    for number in ids:
        shared.delete(f"{WEBHOOKS}/{number}")

    assert (42205, 16) == (refused["code"], refused["data"]["max"])
    assert (None, True) == (deleted["data"], ids == sorted(ids))


@pytest.mark.parametrize("number", ["777", "0", "x", "9" * 18])
def test_what_is_missing_is_not_found(shared, number):
    """Each route says which of the two."""
    endpoint, delivery = f"{WEBHOOKS}/{number}", f"{DELIVERIES}/{number}"
    answers = [
        shared.get(endpoint),
        shared.patch(endpoint, json={}),
        shared.delete(endpoint),
        shared.post(f"{endpoint}/test"),
        shared.post(f"{endpoint}/rotate"),
        shared.get(f"{endpoint}/deliveries"),
        shared.get(delivery),
        shared.post(f"{delivery}/replay"),
    ]

    assert [40406] * 6 + [40407] * 2 == [answer.json()["code"] for answer in answers]


def test_deliveries_are_paged(api, receiver):
    """By cursor too, newest first."""
    add(api, receiver)
    for _ in range(3):
        api.post(GENERATE, json={"provider": "demo", "params": {"prompt": "a", **SMALL}}, headers=WAIT)
    until(
        lambda: data(api.get(f"{WEBHOOKS}/1/deliveries?status=delivered"))["total"], lambda total: total == 3
    )
    first = data(api.get(f"{WEBHOOKS}/1/deliveries?page_size=2"))
    rest = data(api.get(f"{WEBHOOKS}/1/deliveries?page_size=2&cursor={first['next_cursor']}"))
    foreign = api.get(f"{WEBHOOKS}/1/deliveries?status=failed&cursor={first['next_cursor']}").json()

    moments = [datetime.fromisoformat(each["created_at"]) for each in (*first["items"], *rest["items"])]
    assert sorted(moments, reverse=True) == moments
    assert (3, True, False, 40000) == (first["total"], first["has_more"], rest["has_more"], foreign["code"])
