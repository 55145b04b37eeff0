"""API.md section 3: submitting, showing, listing, cancelling and retrying tasks."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import (
    ENGLISH,
    GENERATE,
    IMAGES,
    TASKS,
    WAIT,
    body_of,
    data,
    ended,
    fields,
    finished,
    row,
    running,
    submit,
    task_of,
    total,
    until,
)
from tests.live_files import contents

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_task_is_accepted_with_202_and_all_that_helps_to_follow_it(api):
    """Location, Retry-After, no-store, the urls."""
    answer = submit(api)
    accepted = data(answer)
    home = f"{TASKS}/{accepted['task_id']}"

    assert 202 == answer.status_code
    assert (home, "no-store") == (answer.headers["location"], answer.headers["cache-control"])
    assert int(answer.headers["retry-after"]) >= 1
    assert {"task_id": accepted["task_id"], "status": "pending", "urls": accepted["urls"]} == accepted
    assert {"self": home, "events": f"{home}/events", "cancel": f"{home}/cancel"} == accepted["urls"]
    assert 200 == api.get(answer.headers["location"]).status_code


def test_a_finished_task_has_all_fields(api):
    """All that the contract names, in their formats."""
    task = finished(api, "一只可爱的猫", seed=7)
    image = task["images"][0]

    assert {
        "operation": "generate",
        "status": "completed",
        "provider": "demo",
        "model_id": "demo",
        "prompt": "一只可爱的猫",
        "params": {"width": 64, "height": 64, "seed": 7},
        "progress": 1.0,
        "queue_position": None,
        "attempts": 1,
        "image_url": f"/api/v1/images/{image['id']}/content",
        "warnings": [],
        "error": None,
    }.items() <= task.items()
    assert [True] * 3 == [
        bool(TIME.fullmatch(task[f"{step}_at"])) for step in ("created", "started", "completed")
    ]
    assert task["created_at"] <= task["started_at"] <= task["completed_at"]
    assert {"api_base", "api_key", "model_id", "timeout_seconds", "source"} <= set(task["config_snapshot"])


def test_provider_and_model_may_be_left_out(api):
    """The default provider, and its default model."""
    task = data(api.post(GENERATE, json={"params": {"prompt": "x", "width": 64, "height": 64}}, headers=WAIT))

    assert ("demo", "demo", "completed") == (task["provider"], task["model_id"], task["status"])


@pytest.mark.parametrize("name", ["num", "n", "number_of_images"])
def test_three_names_mean_the_number_of_images(api, name):
    """And the task shows one of them."""
    task = finished(api, "three", **{name: 3})

    assert (3, 3) == (task["params"]["num"], len(task["images"]))
    assert 3 == len({image["id"] for image in task["images"]})


def test_equal_counts_under_two_names_are_no_conflict(api):
    """They mean the same."""
    assert 2 == len(finished(api, n=2, num=2)["images"])


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({"size": "48x32"}, (48, 32)),
        ({"width": 40, "height": 24}, (40, 24)),
        ({"size": "48x32", "width": 48, "height": 32}, (48, 32)),
        ({"aspect_ratio": "16:9", "image_size": "512"}, (512, 288)),
    ],
)
def test_the_size_has_several_forms(api, params, size):
    """Numbers, a text, or a ratio and a class."""
    body = {"params": {"prompt": "sized", **params}}
    image = data(api.post(GENERATE, json=body, headers=WAIT))["images"][0]

    assert size == (image["width"], image["height"])


@pytest.mark.parametrize(
    ("seed", "shown"),
    [
        (7, 7),
        ("7", 7),
        (2**53 - 1, 2**53 - 1),
        (2**53 + 1, str(2**53 + 1)),
        (str(2**53 + 1), str(2**53 + 1)),
        ("9223372036854775807", "9223372036854775807"),
    ],
)
def test_a_seed_is_exact_for_every_client(api, seed, shown):
    """Those that JavaScript would round are texts, in both directions, and what was used is shown alike."""
    task = finished(api, seed=seed)

    assert [shown] * 3 == [
        task["params"]["seed"],
        task["images"][0]["params"]["seed"],
        task["images"][0]["metadata"]["seed"],
    ]


@pytest.mark.parametrize("seed", ["", "many", "1.5", "0x7", "9223372036854775808", "٧", " 7", 2**63])
def test_a_seed_that_is_none_is_refused(api, seed):
    """By its name."""
    assert ["params.seed"] == fields(submit(api, seed=seed))


@pytest.mark.parametrize("length", [1, 32_000])
def test_a_prompt_may_be_short_or_long(api, length):
    """Up to the limit."""
    prompt = "长" * length

    assert prompt == finished(api, prompt)["prompt"]


@pytest.mark.parametrize(
    "prompt", ["🐱👩‍👩‍👧‍👦", "𠮷野家", "<b>&\"'</b>", "C:\\a\\n", "a\u0301\u200b", "  padded  ", "é\n\té"]
)
def test_any_text_comes_back_as_it_was(api, prompt):
    """Emoji, rare characters, markup, combining marks."""
    task = finished(api, prompt)

    assert [prompt, prompt] == [task["prompt"], task["images"][0]["prompt"]]


def test_unknown_members_of_a_null_value_are_no_parameters(api):
    """null means "not set"."""
    task = finished(api, seed=None, negative_prompt=None)

    assert {"width": 64, "height": 64} == task["params"]


def test_prefer_wait_answers_200_with_the_finished_task(api):
    """Instead of 202."""
    answer = submit(api, headers={"Prefer": "wait=60"})

    assert (200, "completed") == (answer.status_code, data(answer)["status"])
    assert "wait" in answer.headers["preference-applied"]
    assert "retry-after" not in answer.headers


def test_prefer_wait_answers_202_when_the_time_is_up(api):
    """The task goes on."""
    answer = submit(api, delay_seconds=500, headers={"Prefer": "wait=1"})
    task_id = data(answer)["task_id"]
    goes_on = running(api, task_id)["status"]
    api.post(f"{TASKS}/{task_id}/cancel")

    assert (202, "processing") == (answer.status_code, goes_on)


@pytest.mark.parametrize("prefer", ["wait=600", "respond-async, wait=60", 'wait="60"'])
def test_prefer_wait_is_read_in_all_its_forms(api, prefer):
    """More than 60 counts as 60."""
    assert 200 == submit(api, headers={"Prefer": prefer}).status_code


@pytest.mark.parametrize("prefer", ["wait=0", "wait=", "wait=soon", "wait=-1", "return=minimal"])
def test_any_other_preference_is_ignored(api, prefer):
    """As HTTP allows."""
    assert 202 == submit(api, headers={"Prefer": prefer}).status_code


def test_a_failed_task_is_still_a_200_with_its_error(api):
    """In the caller's language, with its possible charge."""
    answer = submit(api, fail="timeout", headers=WAIT)
    task = data(answer)
    english = data(api.get(f"{TASKS}/{task['task_id']}", headers=ENGLISH))

    assert (200, "failed", []) == (answer.status_code, task["status"], task["images"])
    assert {
        "code": "timeout",
        "retryable": True,
        "possible_charge": True,
        "upstream_status": None,
        "upstream_code": None,
        "message": task["error"]["message"],
    } == task["error"]
    assert (False, True) == (task["error"]["message"].isascii(), english["error"]["message"].isascii())


@pytest.mark.parametrize(
    ("code", "charged"),
    [
        ("rejected", False),
        ("content_policy", None),
        ("auth_failed", False),
        ("quota_exhausted", False),
        ("timeout", True),
        ("outcome_unknown", True),
        ("bad_response", True),
        ("download_failed", True),
        ("invalid_image", True),
        ("result_expired", True),
    ],
)
def test_a_failed_call_reports_its_possible_charge(api, code, charged):
    """And is never sent again: one attempt."""
    task = data(submit(api, fail=code, headers=WAIT))

    assert ("failed", code, 1) == (task["status"], task["error"]["code"], task["attempts"])
    assert charged in (None, task["error"]["possible_charge"])


@pytest.mark.parametrize("code", ["unavailable", "rate_limited"])
def test_a_call_that_never_started_fails_as_retryable(api, code):
    """Here without retries of its own."""
    body = {**body_of(fail=code), "config": {"max_retries": 0}}
    task = data(api.post(GENERATE, json=body, headers=WAIT))

    assert ("failed", code, False) == (
        task["status"],
        task["error"]["code"],
        task["error"]["possible_charge"],
    )
    assert task["error"]["retryable"]


def test_a_failed_connection_is_retried(api):
    """max_retries times, each an attempt."""
    body = {**body_of(fail="unavailable"), "config": {"max_retries": 1}}
    task = data(api.post(GENERATE, json=body, headers=WAIT))

    assert ("failed", "unavailable", 2) == (task["status"], task["error"]["code"], task["attempts"])


def test_a_rate_limit_is_waited_for_and_costs_no_attempt(api):
    """``attempts`` stays the same."""
    body = {**body_of(fail="rate_limited"), "config": {"max_retries": 1}}
    task = data(api.post(GENERATE, json=body, headers=WAIT))

    assert ("failed", "rate_limited") == (task["status"], task["error"]["code"])
    assert task["attempts"] <= 1


def test_a_task_that_waits_to_be_sent_again_says_so(api):
    """When, why, and which try that will be; no longer once it has ended."""
    body = {**body_of(fail="rate_limited"), "config": {"max_retries": 5}}
    task_id = data(api.post(GENERATE, json=body))["task_id"]
    task = until(lambda: task_of(api, task_id), lambda task: task["retry"])
    again, ended_task = task["retry"], data(api.post(f"{TASKS}/{task_id}/cancel"))

    assert ("pending", None) == (task["status"], task["error"])
    assert ("rate_limited", 6) == (again["code"], again["most"])
    assert 2 <= again["number"] <= 6
    assert TIME.fullmatch(again["at"])
    assert ended_task["retry"] is None


def test_a_refusal_of_the_upstream_is_content_policy(api):
    """The demo refuses on request."""
    assert "content_policy" == data(submit(api, refuse=True, headers=WAIT))["error"]["code"]


def test_tasks_are_listed_newest_first_in_the_shape_of_all_lists(api):
    """With totals and a cursor."""
    ids = [data(submit(api, f"listed {i}"))["task_id"] for i in range(3)]
    listed = data(api.get(f"{TASKS}?page_size=2"))

    assert ids[::-1][:2] == [task["task_id"] for task in listed["items"]]
    assert {"items", "page", "page_size", "total", "has_more", "next_cursor"} <= set(listed)
    assert (1, 2, True) == (listed["page"], listed["page_size"], listed["has_more"])
    assert listed["next_cursor"]


def test_pages_and_cursors_walk_the_same_list(api):
    """Every task once, in the same order."""
    for i in range(7):
        submit(api, f"walked {i}")
    count = total(api)
    by_page, by_cursor = [], []
    for number in range(1, -(-count // 50) + 1):
        by_page += data(api.get(f"{TASKS}?page={number}&page_size=50"))["items"]
    cursor = ""
    while cursor is not None:
        page = data(api.get(f"{TASKS}?page_size=50{cursor and '&cursor=' + cursor}"))
        by_cursor += page["items"]
        cursor = page["next_cursor"]

    assert [t["task_id"] for t in by_page] == [t["task_id"] for t in by_cursor]
    assert count == len({t["task_id"] for t in by_page})


def test_a_page_behind_the_end_is_empty(api):
    """Not an error."""
    page = data(api.get(f"{TASKS}?page=9999"))

    assert ([], False, None) == (page["items"], page["has_more"], page["next_cursor"])


def test_tasks_are_filtered_by_status_and_provider(api, saved):
    """Both at once, too."""
    saved("filtered")
    good = data(api.post(GENERATE, json={**body_of(), "provider": "filtered"}, headers=WAIT))
    bad = data(api.post(GENERATE, json={**body_of(refuse=True), "provider": "filtered"}, headers=WAIT))

    def ids_of(query):
        return [t["task_id"] for t in data(api.get(f"{TASKS}?{query}"))["items"]]

    assert [bad["task_id"], good["task_id"]] == ids_of("provider=filtered")
    assert [bad["task_id"]] == ids_of("provider=filtered&status=failed")
    assert [good["task_id"]] == ids_of("provider=filtered&status=completed")
    assert [] == ids_of("provider=filtered&status=pending")
    assert {"failed"} == {t["status"] for t in data(api.get(f"{TASKS}?status=failed"))["items"]}


def test_the_same_key_and_body_give_the_same_task_again(api):
    """202 with the current status, and a header that says so."""
    first = submit(api, headers={"Idempotency-Key": "again-1"})
    task_id = data(first)["task_id"]
    ended(api, task_id)
    again = submit(api, headers={"Idempotency-Key": "again-1"})

    assert (202, task_id, "completed") == (again.status_code, data(again)["task_id"], data(again)["status"])
    assert (None, "true") == tuple(a.headers.get("idempotent-replayed") for a in (first, again))


def test_the_order_of_members_makes_no_other_body(api):
    """JSON objects are unordered."""
    key = {"Idempotency-Key": "again-2"}
    one = data(
        api.post(GENERATE, json={"provider": "demo", "params": {"prompt": "a", "num": 1}}, headers=key)
    )
    two = data(
        api.post(GENERATE, json={"params": {"num": 1, "prompt": "a"}, "provider": "demo"}, headers=key)
    )

    assert one["task_id"] == two["task_id"]


@pytest.mark.parametrize(
    "change", [{"params": {"prompt": "b"}}, {"model_id": "demo"}, {"config": {"timeout": 5}}]
)
def test_the_same_key_for_another_body_is_42201(api, change):
    """Whatever differs."""
    key = {"Idempotency-Key": f"reuse-{sorted(change)}"}
    data(api.post(GENERATE, json=body_of("a"), headers=key))
    answer = api.post(GENERATE, json={**body_of("a"), **change}, headers=key)

    assert (422, 42201, "idempotency_key_reused") == row(answer)


def test_keys_belong_to_an_operation(api):
    """The same key may be used for an upscaling."""
    key = {"Idempotency-Key": "by-operation"}
    task = data(submit(api, headers={**key, **WAIT}))
    body = {"provider": "demo", "image": f"image:{task['images'][0]['id']}"}
    other = api.post("/api/v1/images/upscale", json=body, headers=key)

    assert (202, True) == (other.status_code, data(other)["task_id"] != task["task_id"])


def test_a_refused_request_does_not_use_its_key_up(api):
    """The corrected one may use it."""
    key = {"Idempotency-Key": "corrected"}
    refused = submit(api, num=0, headers=key)

    assert (400, 202) == (refused.status_code, submit(api, num=1, headers=key).status_code)


def test_fifty_equal_posts_at_once_make_one_task(api, server):
    """However they race."""
    before = total(api)

    def post(_):
        with server.client() as client:
            return data(
                submit(client, "one of fifty", headers={"Idempotency-Key": "fifty at once".replace(" ", "-")})
            )

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(post, range(50)))

    assert 1 == len({t["task_id"] for t in answers})
    assert before + 1 == total(api)
    assert 1 == len(ended(api, answers[0]["task_id"])["images"])


def test_a_pending_task_is_cancelled_at_once(narrow):
    """200; nothing was sent; cancelling again is the same."""
    running(narrow, data(submit(narrow, delay_seconds=500))["task_id"])
    waiting = data(submit(narrow))["task_id"]
    answers = [narrow.post(f"{TASKS}/{waiting}/cancel") for _ in range(2)]

    assert [200, 200] == [a.status_code for a in answers]
    assert [("cancelled", 0)] * 2 == [(data(a)["status"], data(a)["attempts"]) for a in answers]


def test_pending_tasks_have_a_queue_position(narrow):
    """1 is next."""
    running(narrow, data(submit(narrow, delay_seconds=500))["task_id"])
    waiting = [data(submit(narrow))["task_id"] for _ in range(3)]

    assert [1, 2, 3] == [task_of(narrow, task_id)["queue_position"] for task_id in waiting]
    health = narrow.get("/health").json()["checks"]["queue"]
    assert {"pending": 3, "processing": 1, "workers": 1, "size": 1000} == health


def test_cancelling_a_running_task_is_202_and_ends_it(narrow):
    """As far as the provider supports it; the demo does."""
    task_id = data(submit(narrow, delay_seconds=500))["task_id"]
    running(narrow, task_id)
    answer = narrow.post(f"{TASKS}/{task_id}/cancel")
    task = ended(narrow, task_id)

    assert (202, "cancelled", "cancelled") == (answer.status_code, task["status"], task["error"]["code"])
    assert 200 == narrow.post(f"{TASKS}/{task_id}/cancel").status_code


def test_a_final_task_stays_what_it_is_when_cancelled(api):
    """200, without a change."""
    task = finished(api)
    answer = api.post(f"{TASKS}/{task['task_id']}/cancel")

    assert (200, "completed") == (answer.status_code, data(answer)["status"])
    assert task == task_of(api, task["task_id"])


def test_a_failed_task_is_retried_as_a_new_one(api):
    """202, its own id, the same request."""
    failed = data(submit(api, "again", refuse=True, headers=WAIT))
    answer = api.post(f"{TASKS}/{failed['task_id']}/retry")
    accepted = data(answer)
    task = ended(api, accepted["task_id"])

    assert (202, f"{TASKS}/{accepted['task_id']}") == (answer.status_code, answer.headers["location"])
    assert accepted["task_id"] != failed["task_id"]
    assert (failed["prompt"], failed["params"], "failed") == (task["prompt"], task["params"], task["status"])
    assert failed == task_of(api, failed["task_id"])


def test_a_cancelled_task_with_an_image_is_retried_too(narrow):
    """Its input is still spooled."""
    image = finished(narrow)["images"][0]
    running(narrow, data(submit(narrow, delay_seconds=500))["task_id"])
    body = {"provider": "demo", "image": f"image:{image['id']}"}
    waiting = data(narrow.post("/api/v1/images/upscale", json=body))["task_id"]
    narrow.post(f"{TASKS}/{waiting}/cancel")
    blocker = data(narrow.get(f"{TASKS}?status=processing"))["items"][0]["task_id"]
    narrow.post(f"{TASKS}/{blocker}/cancel")
    task = ended(narrow, data(narrow.post(f"{TASKS}/{waiting}/retry"))["task_id"])

    assert ("completed", 128) == (task["status"], task["images"][0]["width"])


def test_any_other_task_is_not_retried(api):
    """40000: it would be paid for twice."""
    completed = finished(api)["task_id"]
    busy = data(submit(api, delay_seconds=500))["task_id"]
    answers = [api.post(f"{TASKS}/{task_id}/retry") for task_id in (completed, busy)]
    api.post(f"{TASKS}/{busy}/cancel")

    assert [(400, 40000, "validation_failed")] * 2 == [row(answer) for answer in answers]


@pytest.mark.one_box
def test_the_configuration_of_a_request_is_wiped_at_the_end(api, server):
    """Until then it is sealed; nothing on disk ever contains the key."""
    key = "sk-for-this-task-alone-4711"
    body = {**body_of(), "config": {"api_key": key, "timeout": 7, "max_retries": 0}}
    task = data(api.post(GENERATE, json=body, headers=WAIT))
    with closing(sqlite3.connect(f"file:{server.data_dir / 'imagegen.db'}?mode=ro", uri=True)) as database:
        columns = [column[1] for column in database.execute("PRAGMA table_info(tasks)")]
        sealed = [c for c in columns if "override" in c]
        rows = database.execute(
            f"SELECT {', '.join(sealed)} FROM tasks WHERE task_id = ?",  # noqa: S608 - names of columns
            (task["task_id"],),
        ).fetchall()

    assert ("request", 7, "sk-****4711") == (
        task["config_snapshot"]["source"],
        task["config_snapshot"]["timeout_seconds"],
        task["config_snapshot"]["api_key"],
    )
    assert (True, [(None,) * len(sealed)]) == (bool(sealed), rows)
    assert [] == [path for path, content in contents(server.folder).items() if key.encode() in content]


def test_a_call_that_takes_too_long_is_a_timeout(api):
    """By the request's own time-out."""
    body = {**body_of(delay_seconds=30), "config": {"timeout": 1}}
    task = data(api.post(GENERATE, json=body, headers=WAIT))

    assert ("failed", "timeout", True) == (
        task["status"],
        task["error"]["code"],
        task["error"]["possible_charge"],
    )


def test_an_accepted_job_is_polled_to_its_end(api):
    """The other way in which providers work."""
    assert 1 == len(finished(api, as_job=True, delay_seconds=0.3, progress_steps=3)["images"])


def test_images_of_a_task_are_in_the_list_of_images(api):
    """With the same record."""
    task = finished(api, n=2)
    listed = data(api.get(f"{IMAGES}?page_size=2"))["items"]

    assert sorted(i["id"] for i in task["images"]) == sorted(i["id"] for i in listed)
    assert {task["task_id"]} == {i["task_id"] for i in listed}
