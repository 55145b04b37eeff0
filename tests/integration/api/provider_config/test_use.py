"""What a configuration does: the free test of a provider, its models, and its concurrency."""

from tests.fakes.images import png
from tests.integration.api.asking import (
    CONFIG,
    GENERATE,
    TASKS,
    WAIT,
    body_of,
    data,
    data_url,
    ended,
    row,
    running,
    submit,
    task_of,
)
from tests.integration.api.conftest import KEY, UPSTREAM


def test_a_provider_is_tested_without_paying(api, saved):
    """Outcome, latency and detail."""
    saved("tested")
    probe = data(api.post(f"{CONFIG}/tested/test"))

    assert {"ok", "outcome", "latency_ms", "detail"} == set(probe)
    assert (True, "ok", True) == (probe["ok"], probe["outcome"], probe["latency_ms"] >= 0)


def test_a_provider_without_a_free_call_is_not_verified(api, saved):
    """No request was sent, so nothing is known of address and key."""
    saved("untried", kind="http", api_base=UPSTREAM, api_key=KEY, extra_config={"preset": "minimax"})
    probe = data(api.post(f"{CONFIG}/untried/test"))

    assert (True, "not_verified") == (probe["ok"], probe["outcome"])


def test_a_provider_that_cannot_be_reached_says_why(api, saved):
    """Nothing listens there."""
    saved("off", kind="http", api_base=UPSTREAM, api_key=KEY, extra_config={"preset": "openai"})
    probe = data(api.post(f"{CONFIG}/off/test"))

    assert (False, "failed") == (probe["ok"], probe["outcome"])
    assert "无法连接 127.0.0.1（连接被拒绝）" == probe["detail"]


def test_an_upstream_that_does_not_answer_is_not_ok(api):
    """200 with false: the test itself succeeded."""
    body = {"provider_name": "stable-diffusion", "api_base": UPSTREAM}
    data(api.post(CONFIG, json=body))
    probe = data(api.post(f"{CONFIG}/stable-diffusion/test"))
    api.delete(f"{CONFIG}/stable-diffusion")

    assert (False, True) == (probe["ok"], bool(probe["detail"]))


def test_a_provider_limits_its_own_concurrency(api, saved):
    """One call at a time, in order, while others run."""
    saved("single", extra_config={"max_concurrency": 1})
    body = {**body_of(delay_seconds=500), "provider": "single"}
    one, other = (data(api.post(GENERATE, json=body))["task_id"] for _ in range(2))
    running(api, one)
    meanwhile = data(submit(api, headers=WAIT))["status"]
    waits = task_of(api, other)["status"]
    for task_id in (one, other):
        running(api, task_id)
        api.post(f"{TASKS}/{task_id}/cancel")

    assert ("completed", "pending") == (meanwhile, waits)
    assert ["cancelled"] * 2 == [ended(api, task_id)["status"] for task_id in (one, other)]


def test_a_default_model_is_used_when_none_is_named(api, saved):
    """The one that is marked, else the first."""
    saved("defaults", models=[{"id": "first"}, {"id": "second", "default": True}])
    saved("no-default", models=[{"id": "first"}, {"id": "second"}])

    assert ["second", "first"] == [
        data(api.post(GENERATE, json={**body_of(), "provider": name}, headers=WAIT))["model_id"]
        for name in ("defaults", "no-default")
    ]


def test_capabilities_limit_what_a_model_does(api, saved):
    """40004 names the supported ones."""
    saved("limited", models=[{"id": "m", "capabilities": ["upscale"]}])
    answer = api.post(GENERATE, json={**body_of(), "provider": "limited"})
    upscaled = api.post("/api/v1/images/upscale", json={"provider": "limited", "image": data_url(png())})

    assert (400, 40004, "unsupported_operation") == row(answer)
    assert ("generate", ["upscale"], 202) == (
        answer.json()["data"]["operation"],
        answer.json()["data"]["supported"],
        upscaled.status_code,
    )
