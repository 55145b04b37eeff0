"""Endpoints of webhooks, and deliveries: each end of a task adds its own, and one claim gets each."""

import asyncio
from datetime import timedelta

import attrs
import pytest

from imagegen_adapters.stores.webhooks import MAX_URL_TARGETS
from imagegen_core.errors import (
    DeliveryNotFound,
    Failure,
    FailureCode,
    StaleTask,
    TooManyWebhooks,
    WebhookNotFound,
)
from imagegen_core.limits import MAX_WEBHOOKS
from imagegen_core.messages import FailureReason, WebhookCode
from imagegen_core.ports.webhooks import (
    DeliveryStatus,
    Receipt,
    Verdict,
    Webhook,
    WebhookChange,
    WebhookEvent,
)
from imagegen_core.search import Paging
from imagegen_core.secrets import Secret
from tests.contracts.samples import NOW, a_task, later

pytestmark = pytest.mark.anyio

FIRST, SECOND = Secret("whsec_first0000000000"), Secret("whsec_second000000000")
ALL = tuple(WebhookEvent)
DELIVERED, FAILED = DeliveryStatus.DELIVERED, DeliveryStatus.FAILED
SUCCESS = Verdict(status=DELIVERED)
ERROR, GONE = WebhookCode.RECEIVER_ANSWERED(status=500), WebhookCode.RECEIVER_GONE()
AGAIN = Verdict(status=DeliveryStatus.PENDING, error=ERROR, next_try_at=later(5))
PAGE = Paging(page=1, page_size=20, after=None)


def an_endpoint(url="https://a.example/x?token=1", events=ALL, **changes):
    return Webhook(**{"url": url, "events": events, "secret": FIRST, "created_at": NOW, **changes})


async def end(repository, task=None, *, how="complete"):
    """Add a task and end it."""
    task = (await repository.add(task or a_task(), queue_size=999)).task
    running = task.claim("node", NOW)
    await repository.save(task.fence, task=running)
    reason = Failure(FailureCode.REJECTED, FailureReason.DEFECT())
    ends = {
        "complete": lambda: running.complete(NOW),
        "fail": lambda: running.fail(NOW, reason),
        "cancel": lambda: running.cancel(NOW),
    }
    await repository.save(running.fence, task=ends[how]())
    return task.task_id


async def claim(webhooks, *, at=NOW, limit=9):
    """Claim what is due of all targets."""
    targets = dict.fromkeys(await webhooks.demand(), limit)
    deliveries, _ = await webhooks.claim(targets, now=at, until=at + timedelta(seconds=45))
    return deliveries


async def test_an_endpoint_comes_back_whole(webhooks):
    """With its secret, an id of its own, and nothing that has happened yet."""
    added = await webhooks.add(an_endpoint(events=(WebhookEvent.TASK_FAILED,)))
    other = await webhooks.add(an_endpoint("https://b.example/", enabled=False))

    assert (added, other) == await webhooks.all()
    assert an_endpoint(events=(WebhookEvent.TASK_FAILED,)) == attrs.evolve(added, id=0)
    assert FIRST == added.secret
    assert added.id != other.id


async def test_an_endpoint_changes(webhooks):
    """Its address and events at once, whether it is on by itself; ids are never used again."""
    webhook = await webhooks.add(an_endpoint())
    await webhooks.change(webhook.id, WebhookChange(url="https://b.example/"))
    await webhooks.change(webhook.id, WebhookChange(events=(WebhookEvent.TASK_FAILED,)))
    changed = await webhooks.change(webhook.id, WebhookChange(enabled=False))
    stored = await webhooks.all()
    await webhooks.remove(webhook.id)
    again = await webhooks.add(an_endpoint())

    expected = ("https://b.example/", (WebhookEvent.TASK_FAILED,), False, FIRST)
    assert expected == (changed.url, changed.events, changed.enabled, changed.secret)
    assert (changed,) == stored
    assert again.id > webhook.id


async def test_a_rotated_secret_stays_for_a_while(webhooks):
    """Both sign until then, the new one first; the one before last is forgotten."""
    webhook = await webhooks.add(an_endpoint())
    await webhooks.change(
        webhook.id, WebhookChange(secret=Secret("whsec_between00000000"), previous_until=later(10))
    )
    await webhooks.change(webhook.id, WebhookChange(secret=SECOND, previous_until=later(60)))
    (rotated,) = await webhooks.all()

    assert (SECOND, Secret("whsec_between00000000")) == rotated.secrets(later(59))
    assert (SECOND,) == rotated.secrets(later(60))


async def test_secrets_are_sealed(webhooks, rows):
    """No column has one as it is, nor does a representation show it."""
    webhook = await webhooks.add(an_endpoint())
    await webhooks.change(webhook.id, WebhookChange(secret=SECOND, previous_until=later(60)))
    stored = await rows("SELECT secret, previous_secret FROM webhooks")

    assert all("whsec" not in token and len(token) > 100 for token in stored[0])
    assert "whsec" not in repr(await webhooks.all())


async def test_a_secret_opens_for_its_endpoint_only(webhooks, rows):
    """One that was moved to another row is locked."""
    first, second = [await webhooks.add(an_endpoint()) for _ in range(2)]
    await rows(
        f"UPDATE webhooks SET secret = (SELECT secret FROM webhooks WHERE id = {first.id}) "  # noqa: S608 - ids of the test
        f"WHERE id = {second.id}"
    )

    assert [False, True] == [webhook.secret.locked for webhook in await webhooks.all()]


async def test_there_may_be_so_many(webhooks):
    """One more is refused, and what is missing is not found."""
    for _ in range(MAX_WEBHOOKS):
        await webhooks.add(an_endpoint())

    with pytest.raises(TooManyWebhooks):
        await webhooks.add(an_endpoint())
    for missing in (
        webhooks.remove(99),
        webhooks.change(99, WebhookChange(url="https://a.example")),
        webhooks.change(2**70, WebhookChange(secret=FIRST, previous_until=NOW)),
    ):
        with pytest.raises(WebhookNotFound):
            await missing
    for missing in (webhooks.delivery(99), webhooks.replay(2**70, now=NOW)):
        with pytest.raises(DeliveryNotFound):
            await missing


@pytest.mark.parametrize(
    ("how", "event"),
    [("complete", "task.completed"), ("fail", "task.failed"), ("cancel", "task.cancelled")],
)
async def test_the_end_of_a_task_adds_its_deliveries(webhooks, repository, how, event):
    """To each endpoint that hears of it and is on, and to its own URL, under one id of the event."""
    webhook = await webhooks.add(an_endpoint(events=(WebhookEvent(event),)))
    await webhooks.add(an_endpoint(events=tuple(each for each in ALL if each != event)))
    await webhooks.add(an_endpoint(enabled=False))
    own = "https://own.example:8443/a/b?c=d"
    task_id = await end(repository, a_task(config_snapshot={"webhook_url": own}), how=how)

    to_task, to_endpoint = sorted(await claim(webhooks), key=lambda each: each.webhook_id or 0)
    expected = (f"evt_{task_id.replace('-', '')}", event, task_id, NOW)
    assert [expected] * 2 == [(d.event_id, d.type, d.task_id, d.created_at) for d in (to_task, to_endpoint)]
    assert (None, own, "https://own.example:8443") == (to_task.webhook_id, to_task.url, to_task.target)
    assert (webhook.id, None, str(webhook.id)) == (
        to_endpoint.webhook_id,
        to_endpoint.url,
        to_endpoint.target,
    )


async def test_a_pending_task_that_is_cancelled_is_an_end_too(webhooks, repository):
    """It was never claimed."""
    await webhooks.add(an_endpoint())
    task = (await repository.add(a_task(), queue_size=9)).task
    await repository.save(task.fence, task=task.cancel(NOW))

    assert ["task.cancelled"] == [delivery.type for delivery in await claim(webhooks)]


async def test_nothing_is_added_without_an_end(webhooks, repository):
    """Neither for a change on the way, nor for an end that is refused, nor without anybody who hears."""
    task = (await repository.add(a_task(), queue_size=9)).task
    running = task.claim("node", NOW)
    await repository.save(task.fence, task=running)
    await end(repository)
    await webhooks.add(an_endpoint())
    await repository.save(running.fence, task=attrs.evolve(running, progress=0.5))
    with pytest.raises(StaleTask):
        await repository.save(task.fence, task=task.cancel(NOW))

    assert {} == await webhooks.demand()


@pytest.mark.parametrize("how", ["complete", "fail", "cancel"])
async def test_a_task_ends_whatever_its_configuration_contains(webhooks, repository, how):
    """Such as a model of that name: there is no URL, and nothing to send."""
    await end(repository, a_task(config_snapshot={"model_id": "webhook_url"}), how=how)

    assert {} == await webhooks.demand()


async def test_one_claim_gets_a_delivery(webhooks, repository):
    """Of many at once, and none after it before the claim ends."""
    await webhooks.add(an_endpoint())
    for _ in range(5):
        await end(repository)
    claims = await asyncio.gather(*(claim(webhooks, limit=2) for _ in range(6)))

    ids = [delivery.id for each in claims for delivery in each]
    assert 5 == len(ids) == len(set(ids))
    assert () == await claim(webhooks, at=later(44.9))
    assert 5 == len(await claim(webhooks, at=later(45)))


async def test_demand_is_the_earliest_of_each_target(webhooks, repository):
    """A claim counts as due at its end."""
    for url in ("https://a.example/1", "https://b.example/1", "https://a.example/2"):
        await end(repository, a_task(config_snapshot={"webhook_url": url}))
    before = await webhooks.demand()
    await webhooks.claim({"https://b.example": 1}, now=NOW, until=later(45))

    assert {"https://a.example": NOW, "https://b.example": NOW} == before
    assert {"https://a.example": NOW, "https://b.example": later(45)} == await webhooks.demand()


async def test_very_many_urls_are_looked_at_in_parts(webhooks, repository):
    """Each look goes on where the one before ended, and has all endpoints."""
    await webhooks.add(an_endpoint())
    number = 2 * MAX_URL_TARGETS + 1
    for index in range(number):
        scheme = "HTTPS" if index % 2 else "https"
        await end(repository, a_task(config_snapshot={"webhook_url": f"{scheme}://h{index}.example/"}))
    webhooks.changed.clear()
    parts, signals = [], []
    for _ in range(4):
        parts.append(set(await webhooks.demand()))
        signals.append(webhooks.changed.is_set())
        webhooks.changed.clear()

    assert [MAX_URL_TARGETS + 1, MAX_URL_TARGETS + 1, 2, MAX_URL_TARGETS + 1] == [*map(len, parts)]
    assert (number + 1, {"1"}) == (len(set.union(*parts)), set.intersection(*parts[:3]))
    assert [True] * 4 == signals


async def test_a_delivered_one_has_ended(webhooks, repository):
    """With the answer; its endpoint remembers when."""
    await webhooks.add(an_endpoint())
    await end(repository)
    (delivery,) = await claim(webhooks)
    is_ours = await webhooks.settle(delivery, SUCCESS, Receipt(status=204, answer="ok 好"), later(1))

    settled = await webhooks.delivery(delivery.id)
    assert is_ours
    assert (DELIVERED, 1, None, 204, None, "ok 好", later(1)) == (
        settled.status,
        settled.tries,
        settled.next_try_at,
        settled.last_status,
        settled.last_error,
        settled.answer,
        settled.delivered_at,
    )
    assert {} == await webhooks.demand()
    assert [(later(1), None)] == [(w.last_success_at, w.last_failure_at) for w in await webhooks.all()]


async def test_a_failed_try_is_repeated(webhooks, repository):
    """With its reason; the endpoint fails since the first one, until a success."""
    await webhooks.add(an_endpoint())
    await end(repository)
    (delivery,) = await claim(webhooks)
    await webhooks.settle(delivery, AGAIN, Receipt(status=500), later(1))
    waiting = await webhooks.delivery(delivery.id)
    (again,) = await claim(webhooks, at=later(5))
    await webhooks.settle(again, attrs.evolve(AGAIN, next_try_at=later(300)), Receipt(), later(6))
    (failing,) = await webhooks.all()
    (last,) = await claim(webhooks, at=later(300))
    await webhooks.settle(last, SUCCESS, Receipt(status=200), later(301))
    (healed,) = await webhooks.all()

    assert (1, later(5), 500, AGAIN.error) == (
        waiting.tries,
        waiting.next_try_at,
        waiting.last_status,
        waiting.last_error,
    )
    assert (later(1), later(6)) == (failing.failing_since, failing.last_failure_at)
    assert (None, later(6), 2) == (healed.failing_since, healed.last_failure_at, last.tries)


async def test_an_endpoint_is_switched_off_with_a_reason(webhooks, repository):
    """Switched on again, it starts again."""
    await webhooks.add(an_endpoint())
    await end(repository)
    (delivery,) = await claim(webhooks)
    gone = Verdict(status=FAILED, error=GONE, disabled_reason=GONE)
    await webhooks.settle(delivery, gone, Receipt(status=410), later(1))
    (off,) = await webhooks.all()
    await end(repository)
    demand = await webhooks.demand()
    on = await webhooks.change(off.id, WebhookChange(enabled=True))

    assert (False, GONE, later(1)) == (
        off.enabled,
        off.disabled_reason,
        off.failing_since,
    )
    assert {} == demand
    assert (True, None, None) == (on.enabled, on.disabled_reason, on.failing_since)


async def test_a_lost_claim_stores_nothing(webhooks, repository):
    """Whoever stood still until his claim ended changes neither the delivery nor the endpoint."""
    await webhooks.add(an_endpoint())
    await end(repository)
    (lost,) = await claim(webhooks)
    (current,) = await claim(webhooks, at=later(45))

    assert not await webhooks.settle(lost, SUCCESS, Receipt(status=200), later(46))
    assert await webhooks.settle(current, AGAIN, Receipt(status=500), later(46))
    assert not await webhooks.settle(current, SUCCESS, Receipt(status=200), later(47))
    assert [None] == [webhook.last_success_at for webhook in await webhooks.all()]


async def test_a_claim_is_given_back(webhooks, repository):
    """It is due again for anyone, with what is known of its last try; a lost one stays with its owner."""
    await webhooks.add(an_endpoint())
    await end(repository)
    (first,) = await claim(webhooks)
    await webhooks.settle(first, AGAIN, Receipt(status=500), later(1))
    (lost,) = await claim(webhooks, at=later(5))
    await webhooks.settle(lost, Verdict(status=DeliveryStatus.PENDING, next_try_at=later(6)), None, later(6))
    released = await webhooks.delivery(lost.id)
    (current,) = await claim(webhooks, at=later(6))
    await webhooks.settle(lost, Verdict(status=DeliveryStatus.PENDING, next_try_at=later(7)), None, later(7))

    assert (500, ERROR, 1) == (released.last_status, released.last_error, released.tries)
    assert (DeliveryStatus.PENDING, later(6)) == (released.status, released.next_try_at)
    assert current.next_try_at == (await webhooks.delivery(lost.id)).next_try_at


async def test_what_was_not_tried_counts_no_try(webhooks, repository):
    """Such as a delivery to an endpoint that was switched off meanwhile."""
    await webhooks.add(an_endpoint())
    await end(repository)
    (delivery,) = await claim(webhooks)
    verdict = Verdict(status=FAILED, error=WebhookCode.ENDPOINT_OFF())
    await webhooks.settle(delivery, verdict, None, later(1))
    settled = await webhooks.delivery(delivery.id)
    (webhook,) = await webhooks.all()

    assert (FAILED, 0, WebhookCode.ENDPOINT_OFF()) == (settled.status, settled.tries, settled.last_error)
    assert (None, None) == (webhook.last_failure_at, webhook.failing_since)


async def test_a_replay_starts_again(webhooks, repository):
    """Under the same event; one that is being tried now is left alone."""
    await webhooks.add(an_endpoint())
    await end(repository)
    (delivery,) = await claim(webhooks)
    await webhooks.replay(delivery.id, now=later(1))
    untouched = await webhooks.delivery(delivery.id)
    await webhooks.settle(delivery, SUCCESS, Receipt(status=200), later(2))
    await webhooks.replay(delivery.id, now=later(3))
    (again,) = await claim(webhooks, at=later(3))

    assert later(45) == untouched.next_try_at
    assert (delivery.event_id, 0, None) == (again.event_id, again.tries, again.delivered_at)


async def test_deliveries_are_listed_newest_first(webhooks, repository):
    """By status too, page by page, each with the address of its endpoint as it is now."""
    webhook = await webhooks.add(an_endpoint())
    other = await webhooks.add(an_endpoint("https://b.example/", events=(WebhookEvent.TASK_FAILED,)))
    for _ in range(3):
        await end(repository)
    (first, *_) = sorted(await claim(webhooks), key=lambda each: each.id)
    await webhooks.settle(first, SUCCESS, Receipt(status=200), NOW)
    await webhooks.change(webhook.id, WebhookChange(url="https://c.example/"))
    page = await webhooks.deliveries(webhook.id, None, attrs.evolve(PAGE, page_size=2))
    rest = await webhooks.deliveries(webhook.id, None, Paging(page=1, page_size=2, after=page.last))
    pending = await webhooks.deliveries(webhook.id, DeliveryStatus.PENDING, PAGE)

    ids = [each.id for each in (*page.items, *rest.items)]
    assert sorted(ids, reverse=True) == ids
    assert (3, True, False) == (page.total, page.has_more, rest.has_more)
    assert ([first.id], 2) == ([each.id for each in rest.items], pending.total)
    assert {"https://c.example/"} == {each.url for each in page.items}
    assert () == (await webhooks.deliveries(other.id, None, PAGE)).items


async def test_deliveries_of_a_removed_endpoint_are_still_claimed(webhooks, repository):
    """So that somebody ends them."""
    webhook = await webhooks.add(an_endpoint())
    await end(repository)
    await webhooks.remove(webhook.id)

    assert [(webhook.id, None)] == [(each.webhook_id, each.url) for each in await claim(webhooks)]


async def test_old_deliveries_are_removed(webhooks, repository):
    """Those that have ended, so many at a time."""
    await webhooks.add(an_endpoint())
    for _ in range(4):
        await end(repository)
    waiting, *ended = await claim(webhooks)
    for delivery in ended:
        await webhooks.settle(delivery, SUCCESS, Receipt(status=200), NOW)
    counts = [await webhooks.prune(before=moment, limit=2) for moment in (NOW, later(1), later(1), later(1))]

    assert [0, 2, 1, 0] == counts
    assert waiting.id == (await webhooks.delivery(waiting.id)).id
