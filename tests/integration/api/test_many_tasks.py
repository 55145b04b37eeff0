"""Counting tasks, cancelling many, and making one again with changes."""

import pytest

from tests.integration.api.asking import (
    ENGLISH,
    TASKS,
    WAIT,
    data,
    ended,
    fields,
    finished,
    row,
    running,
    submit,
    task_of,
)

COUNTS = f"{TASKS}/counts"
CANCEL = f"{TASKS}/cancel"


def test_tasks_are_counted_by_status(api):
    """Each status has its number, also where it is 0."""
    before = data(api.get(COUNTS))
    finished(api)
    data(submit(api, refuse=True, headers=WAIT))
    after = data(api.get(COUNTS))

    assert ["pending", "processing", "completed", "failed", "cancelled"] == list(after)
    assert (1, 1) == tuple(after[status] - before[status] for status in ("completed", "failed"))


def test_many_tasks_are_cancelled_at_once(api, saved):
    """Those that wait by default, of one provider where it is named; what runs goes on unless it is meant."""
    saved("lasting", extra_config={"max_concurrency": 1})
    body = {"provider": "lasting", "params": {"prompt": "long", "delay_seconds": 500}}
    ids = [data(api.post(f"{TASKS}/generate", json=body))["task_id"] for _ in range(4)]
    running(api, ids[0])

    waiting = data(api.post(CANCEL, json={"provider": "lasting"}))
    runs = task_of(api, ids[0])["status"]
    all_of_them = data(api.post(CANCEL, json={"status": None, "provider": "lasting"}))

    assert ({"cancelled": 3}, "processing", {"cancelled": 1}) == (waiting, runs, all_of_them)
    assert ["cancelled"] * 4 == [ended(api, task_id)["status"] for task_id in ids]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"status": "completed"}, ["status"]),
        ({"status": "waiting"}, ["status"]),
        ({"state": "pending"}, ["state"]),
        ({"provider": ""}, ["provider"]),
    ],
)
def test_only_what_has_not_ended_is_cancelled(api, body, wrong):
    """The field is named, and nothing is cancelled."""
    before = data(api.get(COUNTS))["cancelled"]

    assert wrong == fields(api.post(CANCEL, json=body))
    assert before == data(api.get(COUNTS))["cancelled"]


def test_a_completed_task_is_made_again(api):
    """With the changes, and everything else as it was; 202 like any submission."""
    first = finished(api, "一只可爱的猫", seed=7)
    answer = api.post(
        f"{TASKS}/{first['task_id']}/rerun", json={"params": {"prompt": "一只狗", "seed": None}}
    )
    second = ended(api, data(answer)["task_id"])

    assert (202, f"{TASKS}/{second['task_id']}") == (answer.status_code, answer.headers["location"])
    assert ("completed", "一只狗", {"width": 64, "height": 64}, first["task_id"]) == (
        second["status"],
        second["prompt"],
        second["params"],
        second["retry_of"],
    )


def test_a_rerun_may_go_to_another_provider(api, saved):
    """And takes its default model."""
    saved("elsewhere")
    first = finished(api)
    answer = api.post(f"{TASKS}/{first['task_id']}/rerun", json={"provider": "elsewhere"})

    assert "elsewhere" == ended(api, data(answer)["task_id"])["provider"]


def test_a_repeated_rerun_is_one_task(api):
    """By its key; other changes under the same key are refused."""
    first = finished(api)
    path, key = f"{TASKS}/{first['task_id']}/rerun", {"Idempotency-Key": "rerun-1"}
    one, two = (api.post(path, json={"params": {"seed": 8}}, headers=key) for _ in range(2))
    other = api.post(path, json={}, headers=key)

    assert data(one)["task_id"] == data(two)["task_id"]
    assert "true" == two.headers["idempotent-replayed"]
    assert (422, 42201, "idempotency_key_reused") == row(other)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"params": {"prompt": 7}}, ["params.prompt"]),
        ({"params": {"prompt": ""}}, ["params.prompt"]),
        ({"params": {"seed": "many"}}, ["params.seed"]),
        ({"params": {"unheard_of": 1}}, ["params.unheard_of"]),
        ({"prompt": "beside"}, ["prompt"]),
    ],
)
def test_a_wrong_change_is_named(api, body, wrong):
    """As in a submission, and nothing is stored."""
    first = finished(api)
    before = sum(data(api.get(COUNTS)).values())  # those of earlier tests may end meanwhile

    assert wrong == fields(api.post(f"{TASKS}/{first['task_id']}/rerun", json=body, headers=ENGLISH))
    assert before == sum(data(api.get(COUNTS)).values())


def test_nothing_is_made_of_a_task_that_is_not_there(api):
    """404, also where the id is none."""
    for task_id in ("0193a5c8-7e1f-7c3a-9d52-6f0f5c1e2b7a", "nothing"):
        answer = api.post(f"{TASKS}/{task_id}/rerun", json={})
        assert "task_not_found" == row(answer)[2]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b'{"params": {"num": 2}, "typo": 1}', ["params", "typo"]),
        (b'{"bog', ["body"]),
        (b"[]", ["body"]),
        (b"null", ["body"]),
    ],
)
@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_a_body_that_nothing_comes_of_is_refused(api, verb, content, wrong):
    """A retry is paid for as it was, so who sends a change is told; nothing is stored or cancelled."""
    failed = data(submit(api, "again", refuse=True, headers=WAIT))
    before = data(api.get(COUNTS))
    path = f"{TASKS}/{failed['task_id']}/{verb}"
    answer = api.post(path, content=content, headers={"Content-Type": "application/json"})

    assert wrong == fields(answer)
    assert before == data(api.get(COUNTS))


def test_an_empty_body_is_as_good_as_none(api):
    """Clients that always send one are served."""
    failed = data(submit(api, "again", refuse=True, headers=WAIT))

    assert [202, 200] == [
        api.post(f"{TASKS}/{failed['task_id']}/{verb}", json={}).status_code for verb in ("retry", "cancel")
    ]


@pytest.mark.parametrize(
    "body", [{}, {"json": {}}, {"json": {"params": None}}, {"json": {"provider": None, "model_id": None}}]
)
def test_without_changes_a_rerun_is_the_same_once_more(api, body):
    """Each of them may be left out, or null, and so may all of the body."""
    first = finished(api, "the very same", seed=7)
    second = data(api.post(f"{TASKS}/{first['task_id']}/rerun", headers=WAIT, **body))

    assert [first[name] for name in ("prompt", "params", "provider", "model_id")] == [
        second[name] for name in ("prompt", "params", "provider", "model_id")
    ]


@pytest.mark.parametrize(("verb", "status"), [("rerun", "completed"), ("retry", "failed")])
def test_a_task_made_again_may_be_waited_for(api, verb, status):
    """With `Prefer: wait`, as one that is new."""
    first = data(submit(api, "waited for", headers=WAIT, **({"refuse": True} if verb == "retry" else {})))
    answer = api.post(f"{TASKS}/{first['task_id']}/{verb}", headers=WAIT)

    assert (200, "wait=60") == (answer.status_code, answer.headers["preference-applied"])
    assert (status, first["task_id"]) == (data(answer)["status"], data(answer)["retry_of"])


def test_cancelling_many_needs_a_body(api):
    """One that was lost on the way must not cancel all that wait."""
    assert ["body"] == fields(api.post(CANCEL))
