"""SIGKILL while batches are made: no item is lost or doubled, no ceiling passed, single tasks go first."""

import random
import time
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.chaos.service import PATIENCE, post_task, wait_until
from tests.chaos.upstream import DOCUMENT

SEED = 20_261_130
PRICES = {"chaos": Decimal("0.3"), "cheap": Decimal("0.07")}
CALLS_AT_ONCE = 8
CALL_SECONDS = 0.15
MAX_MEMORY_MB = 250
TICKS = 10**10

ATTEMPTS = """
SELECT attempt_id, charge, cost_ticks, provider_name, batch_id FROM attempts JOIN tasks USING (task_id)
"""
OVERTAKEN = """
SELECT (
    SELECT count(*) FROM tasks INDEXED BY tasks_by_provider
    WHERE provider_name = single.provider_name AND batch_id IS NOT NULL
        AND started_at > single.created_at AND started_at < single.started_at
) AS number, created_at, started_at
FROM tasks AS single WHERE batch_id IS NULL
"""


@pytest.mark.parametrize(
    ("size", "lives", "life_seconds"),
    [
        (120, 3, 1.0),
        pytest.param(10_000, 1000, 20.0, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_batches_are_made_whole(stage, measured, size, lives, life_seconds):
    """Over two providers that fail a fifth of all calls, with a ceiling that is not reached and one that is.

    What is charged is what the ledger says, and single tasks that come meanwhile are the next to start.
    """
    service, chance = stage.service, random.Random(SEED)
    stage.upstream.be(seconds=CALL_SECONDS, faulty=0.2)
    service.settings["providers"] = {name: _provider(stage.upstream, name) for name in PRICES}
    service.start()
    whole, limited = _create(service, size)
    begun, kills, memory_mb = time.monotonic(), [], 0.0
    for _ in range(lives):
        memory_mb = max(memory_mb, _live(stage, chance, life_seconds, whole))
        if _has_ended(service, whole):
            break
        service.kill()
        kills.append(time.time())
        service.start()
    wait_until(lambda: _has_ended(service, whole), awaited="the end of the batch", seconds=4 * PATIENCE)
    _wait_for_ceiling(service, limited)
    seconds = time.monotonic() - begun
    stage.promises.check()

    _check_items(service, whole, size)
    _check_money(stage, whole, limited)
    rows = service.rows(OVERTAKEN)
    assert max((row["number"] for row in rows), default=0) <= CALLS_AT_ONCE
    assert memory_mb < MAX_MEMORY_MB
    waits = sorted(_wait(row) for row in rows if not any(_spans(row, kill) for kill in kills))
    measured(
        f"{len(kills)} kills: a batch of {size} tasks took {seconds:.0f} s and {memory_mb:.0f} MB at most; "
        f"{len(rows)} single tasks started after {waits[len(waits) // 2]:.2f} s, {waits[-1]:.2f} s at most"
    )


def _provider(upstream, name):
    price = {"currency": "CNY", "rates": [{"amount": str(PRICES[name])}]}
    return {
        "kind": "http",
        "api_base": upstream.url,
        "timeout_seconds": 30,
        "extra_config": {
            "spec": DOCUMENT,
            "max_concurrency": CALLS_AT_ONCE,
            "prices": {"direct": price, "job": price},
        },
    }


def _create(service, size):
    """Create a batch whose ceiling is just what it may cost, and one that costs more than its own."""
    targets = [{"provider": name, "model_id": "direct"} for name in PRICES]
    numbers = [str(number) for number in range(size // 20)]
    template = {"template": "{digit} of {number}", "variables": {"digit": [*"0123456789"], "number": numbers}}
    cost = sum(PRICES.values()) * size / 2
    whole = {**template, "targets": targets, "concurrency": 16, "max_cost": _yuan(cost), "name": "whole"}
    prompts = [f"limited {number}" for number in range(size // 10)]
    half = PRICES["chaos"] * len(prompts) / 2 + Decimal("0.29")
    limited = {"prompts": prompts, "targets": targets[:1], "max_cost": _yuan(half), "concurrency": 3}
    with service.client() as api:
        answers = [api.post("/api/v1/batches", json=body).raise_for_status() for body in (whole, limited)]
    accepted = [answer.json()["data"] for answer in answers]
    assert [size, len(prompts)] == [each["tasks"] for each in accepted]
    assert cost == Decimal(accepted[0]["estimate"]["amount"])
    return [each["batch_id"] for each in accepted]


def _yuan(amount):
    return {"amount": str(amount), "currency": "CNY"}


def _live(stage, chance, seconds, batch_id):
    """Submit single tasks for a while, or until the batch has ended; return the memory in use."""
    service, end = stage.service, time.monotonic() + seconds * chance.uniform(0.8, 1.2)
    with service.client() as api:
        while time.monotonic() < end and not _has_ended(service, batch_id):
            task = post_task(api).raise_for_status().json()["data"]
            stage.promises.acknowledged.add(task["task_id"])
            time.sleep(min(0.5, seconds / 4))
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _batch(service, batch_id):
    (row,) = service.rows("SELECT * FROM batches WHERE batch_id = ?", batch_id)
    return row


def _has_ended(service, batch_id):
    return _batch(service, batch_id)["completed_at"] is not None


def _wait_for_ceiling(service, batch_id):
    """Wait until the batch is paused by its ceiling, or has ended: many of its calls cost nothing."""
    wait_until(
        lambda: _batch(service, batch_id)["reason"] == "max_cost" or _has_ended(service, batch_id),
        awaited="the ceiling",
    )


def _check_items(service, batch_id, size):
    """Each item is one task, at the target and with the prompt that its number says."""
    rows = service.rows("SELECT batch_item, prompt, provider_name FROM tasks WHERE batch_id = ?", batch_id)
    names = list(PRICES)

    def item(number):
        digit, place = divmod(number // 2, size // 20)
        return number, f"{digit} of {place}", names[number % 2]

    assert [item(number) for number in range(size)] == sorted(map(tuple, rows))


def _check_money(stage, *batch_ids):
    """What a batch says that it cost is what the ledger says, and what a dying process may have sent."""
    service, paid = stage.service, Counter(charge.token for charge in stage.upstream.charges())
    for batch_id in batch_ids:
        batch, attempts = _batch(service, batch_id), service.rows(f"{ATTEMPTS} WHERE batch_id = ?", batch_id)
        charged = sum(PRICES[row["provider_name"]] * TICKS for row in attempts if row["attempt_id"] in paid)
        unsent = [row for row in attempts if row["charge"] == "possible" and row["attempt_id"] not in paid]
        shown = service.rows("SELECT sum(ticks) AS ticks FROM batch_costs WHERE batch_id = ?", batch_id)

        assert charged + sum(row["cost_ticks"] for row in unsent) == (shown[0]["ticks"] or 0)
        assert (shown[0]["ticks"] or 0) <= batch["max_cost_ticks"]


def _moments(row):
    return [datetime.fromisoformat(row[name]).timestamp() for name in ("created_at", "started_at")]


def _spans(row, moment):
    created_at, started_at = _moments(row)
    return created_at - 1 < moment < started_at


def _wait(row):
    created_at, started_at = _moments(row)
    return started_at - created_at
