"""SIGKILL while webhooks are sent, again and again: each end of a task is told, under one id."""

import random
import time

import pytest
from standardwebhooks import WebhookVerificationError

from tests.chaos.service import post_task, wait_until
from tests.fakes.loopback import Answer
from tests.fakes.receiver import Receiver, event_of

SEED = 20_261_130
CLAIM_SECONDS = 45
TRIES_AT_ONCE = 4
CHANCE = random.Random(SEED)


ENDPOINTS = "SELECT enabled, disabled_reason FROM webhooks ORDER BY id"
FAILURES = (
    Answer(status=500),
    Answer(status=302, headers={"Location": "/elsewhere"}),
    Answer(status=429, headers={"Retry-After": "6"}),
    Answer(fault="drop"),
)


class Moody(Receiver):
    """Fails a tenth of all first tries, which are repeated after some seconds; ``forged`` are not signed."""

    secret, forged = None, 0

    def _take(self, request):
        answer, is_first = super()._take(request), self.ids[request.headers["webhook-id"]] == 1
        try:
            event_of(request, self.secret)
        except WebhookVerificationError:
            self.forged += 1
        return CHANCE.choice(FAILURES) if is_first and CHANCE.random() < 0.1 else answer


class Gone(Receiver):
    """Wants nothing any more."""

    def _take(self, request):
        super()._take(request)
        return Answer(status=410)


@pytest.mark.parametrize(
    ("tasks", "kills"),
    [(16, 2), pytest.param(1000, 20, marks=[pytest.mark.long, pytest.mark.timeout(1800)])],
)
def test_each_end_is_told(stage, measured, tasks, kills):
    """At least once, whatever moment the service was killed at, and nothing else; who is gone is left alone.

    What arrives is signed, and no event arrives twice at once.
    """
    service, accepted = stage.service, set()
    stage.upstream.be(seconds=0.05)
    with Moody() as receiver, Gone() as gone:
        service.settings.setdefault("security", {})["allow_webhooks"] = [receiver.host, gone.host]
        receiver.secret, _ = _run(service, lambda api: [_add(api, each.url) for each in (receiver, gone)])
        for _ in range(kills):
            accepted |= _run(
                service, lambda api: _submit(api, tasks // kills), seconds=CHANCE.uniform(0.1, 1)
            )
        service.start()
        expected = {f"evt_{task_id.replace('-', '')}" for task_id in accepted}
        wait_until(
            lambda: expected <= receiver.ids.keys() and not _pending(service),
            awaited="the last delivery",
            seconds=3 * CLAIM_SECONDS,
        )
        ids = receiver.ids

    assert expected == ids.keys()
    assert (1, 0) == (receiver.together, receiver.forged)
    assert [(1, False), (0, True)] == [(row[0], row[1] is not None) for row in service.rows(ENDPOINTS)]
    assert 0 < len(gone.requests) <= TRIES_AT_ONCE * (kills + 1)
    repeated = sum(count - 1 for count in ids.values())
    measured(f"{kills} kills: {len(expected)} of {len(expected)} events arrived, {repeated} of them again")


def _run(service, act, *, seconds=0.0):
    """Start the service, do something, and kill it after a while."""
    service.start()
    with service.client() as api:
        result = act(api)
    time.sleep(seconds)
    service.kill()
    return result


def _add(api, url):
    return api.post("/api/v1/webhooks", json={"url": url}).raise_for_status().json()["data"]["secret"]


def _submit(api, number):
    answers = [post_task(api, "direct", prompt=f"number {each}") for each in range(number)]
    return {answer.raise_for_status().json()["data"]["task_id"] for answer in answers}


def _pending(service):
    return service.rows("SELECT 1 FROM webhook_deliveries WHERE status = 'pending' LIMIT 1")
