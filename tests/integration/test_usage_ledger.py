"""The sums of the usage are those of the provider's own ledger, whatever goes wrong."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests.fakes.in_thread import in_thread
from tests.fakes.priced_upstream import DOCUMENT, KEY, MODELS, FakePriced, PricedServer
from tests.integration.api.asking import CONFIG, GENERATE, TASKS, data, until

pytestmark = pytest.mark.one_python

TASK_COUNT = 500
SUMS = ("known", "estimated", "possible")


def amounts_of(group):
    """Return a group of the usage with its amounts as numbers."""
    sums = {name: {c: Decimal(text) for c, text in group[name].items()} for name in SUMS}
    return {**sums, "unknown_attempts": group["unknown_attempts"]}


def all_of(groups):
    """Return the sums of all groups."""
    sums = {name: Counter() for name in SUMS}
    for group in groups:
        for name in SUMS:
            sums[name].update(amounts_of(group)[name])
    numbers = {n: sum(group[n] for group in groups) for n in ("tasks", "images", "unknown_attempts")}
    return {**sums, **numbers}


def test_sums_of_many_tasks_are_those_of_the_ledger(start_server):
    """With limits, lost answers, refusals, partial successes, images that are none, and cancellations."""
    chance, fake = random.Random(1), FakePriced(seed=2, fault_share=0.4)
    with in_thread(PricedServer(fake)) as upstream:
        allowed = {"allow_private_upstreams": [upstream.url.removeprefix("http://")]}
        server = start_server({"security": allowed, "queue": {"workers": 32}})
        with server.client() as api, ThreadPoolExecutor(8) as threads:
            provider = {"provider_name": "priced", "kind": "http", "api_base": upstream.url, "api_key": KEY}
            data(api.post(CONFIG, json={**provider, "extra_config": {"spec": DOCUMENT}}))
            plans = [
                (chance.choice(MODELS), chance.randint(1, 3), chance.random() < 0.1)
                for _ in range(TASK_COUNT)
            ]

            def submit(plan):
                model, count, is_cancelled = plan
                body = {"provider": "priced", "model_id": model, "params": {"prompt": "猫", "num": count}}
                task_id = data(api.post(GENERATE, json=body))["task_id"]
                if is_cancelled:
                    data(api.post(f"{TASKS}/{task_id}/cancel"))

            list(threads.map(submit, plans))
            counts = until(
                lambda: data(api.get(f"{TASKS}/counts")), lambda c: c["pending"] + c["processing"] == 0
            )
            by_model, by_provider, by_day = (
                data(api.get("/api/v1/usage", params={"group_by": name}))["groups"]
                for name in ("model", "provider", "day")
            )
            images = data(api.get("/api/v1/images"))["total"]
        assert [] == upstream.complaints
    assert len([fault for fault, number in fake.calls.items() if number]) > 10, fake.calls

    expected = {model: charges.as_usage() for model, charges in fake.ledger.items()}
    assert expected == {group["key"]: amounts_of(group) for group in by_model}
    assert all_of(by_model) == all_of(by_provider) == all_of(by_day)
    assert (TASK_COUNT, images) == (sum(counts.values()), all_of(by_model)["images"])
    assert TASK_COUNT == all_of(by_day)["tasks"]
