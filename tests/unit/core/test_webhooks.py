"""When a webhook is tried again, when an endpoint is switched off, and that none waits for another."""

import asyncio
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core.errors import KeysLocked, StorageError, Unavailable, ValidationFailed, WebhookNotFound
from imagegen_core.messages import FailureReason, RefusalCode, StorageCode, WebhookCode
from imagegen_core.ports.webhooks import DeliveryStatus, Receipt, WebhookChange, WebhookEvent
from imagegen_core.search import Paging
from imagegen_core.services.webhooks import (
    LOOK_SECONDS,
    MAX_TO_TASKS_OWN,
    MAX_TRIES_AT_ONCE,
    PATIENCE,
    PAUSE_SECONDS,
    Webhooks,
    verdict_on,
)
from imagegen_core.task import Submission
from tests.contracts.clock import ManualClock
from tests.contracts.samples import NOW, a_task, later

pytestmark = pytest.mark.anyio

URL = "https://receiver.example/hook"
PENDING, DELIVERED, FAILED = DeliveryStatus
PAGE = Paging(page=1, page_size=100, after=None)


def judged(status=500, *, tries=1, error=None, retry_after=None, failing_since=None, random=0.5):
    receipt = Receipt(status=status, error=error, retry_after=retry_after)
    return verdict_on(receipt, tries, failing_since, NOW, lambda: random)


# ---------------------------------------------------------------- the policy


@pytest.mark.parametrize(
    ("tries", "seconds"),
    [*enumerate((5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400), start=1)],
)
def test_the_tries_follow_the_table(tries, seconds):
    """The one of Standard Webhooks, each wait a tenth longer or shorter at most."""
    verdicts = [judged(tries=tries, random=random) for random in (0, 0.5, 1)]

    assert {PENDING} == {verdict.status for verdict in verdicts}
    assert [0.9, 1, 1.1] == [
        pytest.approx((verdict.next_try_at - NOW).total_seconds() / seconds) for verdict in verdicts
    ]


def test_the_tenth_failure_is_the_last():
    """It fails with the last reason; its endpoint stays on."""
    verdict = judged(503, tries=10)

    assert (FAILED, None, None) == (verdict.status, verdict.next_try_at, verdict.disabled_reason)
    assert WebhookCode.RECEIVER_ANSWERED(status=503) == verdict.error


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_only_2xx_is_a_success(status):
    """Whatever is in the body."""
    assert (DELIVERED, None) == (judged(status).status, judged(status).error)


@pytest.mark.parametrize("status", [100, 301, 307, 304, 400, 404, 429, 500, 504, None])
def test_anything_else_is_a_failure(status):
    """A redirect too, which says so."""
    error = WebhookCode.RECEIVER_SILENT(seconds=15) if status is None else None
    verdict = judged(status, error=error)

    is_redirect = status is not None and 300 <= status < 400
    assert PENDING is verdict.status
    assert is_redirect is (verdict.error.code is WebhookCode.RECEIVER_REDIRECTED)


def test_gone_switches_off():
    """410 means that nothing is wanted any more."""
    verdict = judged(410)

    assert (FAILED, WebhookCode.RECEIVER_GONE()) == (verdict.status, verdict.disabled_reason)


@pytest.mark.parametrize(("retry_after", "seconds"), [(0, 5), (3, 5), (120, 120), (9e9, 24 * 3600)])
def test_retry_after_is_obeyed(retry_after, seconds):
    """As a minimum, and up to a day."""
    assert later(seconds) == judged(429, retry_after=retry_after).next_try_at


@pytest.mark.parametrize(("age", "is_off"), [(PATIENCE - timedelta(seconds=1), False), (PATIENCE, True)])
def test_five_days_of_failures_switch_off(age, is_off):
    """With the last reason; what was on its way fails."""
    verdict = judged(500, failing_since=NOW - age)

    assert is_off is (verdict.disabled_reason is not None) is (verdict.status is FAILED)
    if is_off:
        assert WebhookCode.RECEIVER_FAILS(days=5, reason=verdict.error) == verdict.disabled_reason


# ---------------------------------------------------------------- endpoints


@pytest.fixture
def clock():
    return ManualClock(NOW)


@attrs.define
class Receivers:
    """Answers by URL; a receiver that is silent answers once it is released."""

    answers: dict = attrs.field(factory=dict)
    silent: set = attrs.field(factory=set)
    letters: list = attrs.field(factory=list)
    running: Counter = attrs.field(factory=Counter)
    most: Counter = attrs.field(factory=Counter)
    released: asyncio.Event = attrs.field(factory=asyncio.Event)
    heard: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def post(self, url, event_id, at, body, secrets):
        letter = SimpleNamespace(url=url, event_id=event_id, at=at, body=body, secrets=secrets)
        self.letters.append(letter)
        self.heard.set()
        self.running[letter.url] += 1
        self.most[letter.url] = max(self.most[letter.url], self.running[letter.url])
        if letter.url in self.silent:
            await self.released.wait()
        self.running[letter.url] -= 1
        answer = self.answers.get(letter.url, Receipt(status=200))
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def receivers():
    return Receivers()


@pytest.fixture
def webhooks(clock, receivers):
    numbers = iter(range(100))
    return Webhooks(
        parts=memory_adapters(clock=clock),
        post=receivers.post,
        new_secret=lambda: f"whsec_{next(numbers):044}",
        random=lambda: 0.5,
    )


async def body(delivery):
    return f"body of {delivery.event_id}"


async def end(webhooks, *, url=None):
    """End a task, with a URL of its own."""
    snapshot = {} if url is None else {"webhook_url": url}
    task = a_task(created_at=webhooks.parts.clock.now(), config_snapshot=snapshot)
    await webhooks.parts.tasks.add(task, queue_size=10_000)
    cancelled = task.cancel(webhooks.parts.clock.now())
    await webhooks.parts.tasks.save(task.fence, task=cancelled)
    return task.task_id


async def send_all(webhooks):
    """Send what is due until nothing is, and return the seconds to the next look."""
    while (seconds := await webhooks.send_due(body)) == PAUSE_SECONDS:
        await settled(webhooks)
    return seconds


async def settled(webhooks):
    while webhooks._sending:
        await asyncio.wait(webhooks._sending)
        await asyncio.sleep(0)


async def deliveries(webhooks, webhook_id=1):
    return (await webhooks.parts.webhooks.deliveries(webhook_id, None, PAGE)).items


async def test_a_secret_is_masked_from_then_on(webhooks):
    """Whatever is logged of it."""
    webhook = await webhooks.create(URL, [WebhookEvent.TASK_FAILED])
    secret = webhook.secret.reveal()

    assert secret not in webhooks.parts.redactor.redact(f"it is {secret}!")
    assert secret not in repr(webhook)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a.example",
        "a.example",
        "https://u:p@a.example",
        "https://",
        f"https://a.example/{'x' * 2100}",
    ],
)
async def test_a_bad_url_is_refused(webhooks, url):
    """On adding an endpoint, on changing one, and with a task."""
    webhook = await webhooks.create(URL, [*WebhookEvent])

    for refused in (
        webhooks.create(url, [*WebhookEvent]),
        webhooks.change(webhook.id, WebhookChange(url=url)),
    ):
        with pytest.raises(ValidationFailed) as caught:
            await refused
        assert "url" == caught.value.problems[0].field


async def test_what_is_left_out_of_a_change_stays(webhooks):
    """Each by itself."""
    webhook = await webhooks.create(f"{URL}?a=b", [WebhookEvent.TASK_FAILED])
    off = await webhooks.change(webhook.id, WebhookChange(enabled=False))
    moved = await webhooks.change(webhook.id, WebhookChange(url=URL))
    broad = await webhooks.change(
        webhook.id, WebhookChange(events=[WebhookEvent.TASK_FAILED, WebhookEvent.TASK_COMPLETED])
    )

    assert (f"{URL}?a=b", (WebhookEvent.TASK_FAILED,), False) == (off.url, off.events, off.enabled)
    assert (URL, (WebhookEvent.TASK_FAILED,), False) == (moved.url, moved.events, moved.enabled)
    assert (WebhookEvent.TASK_FAILED, WebhookEvent.TASK_COMPLETED) == broad.events
    with pytest.raises(WebhookNotFound):
        await webhooks.change(99, WebhookChange(enabled=True))


def test_the_url_of_a_task_is_part_of_its_body():
    """Another one is another request; keys of a request without one are those of before."""

    async def digest(url):
        return await Submission(prompt="a", webhook_url=url).digest()

    plain, one, other = (asyncio.run(digest(url)) for url in (None, "https://a", "https://b"))
    assert 3 == len({plain, one, other})
    assert (
        "https://a"
        == Submission.again(
            a_task(config_snapshot={"webhook_url": "https://a"}), verb="retry", idempotency_key=None
        ).webhook_url
    )


# ---------------------------------------------------------------- sending


async def test_an_end_is_told(webhooks, receivers):
    """Once, to the endpoint and to the task's own URL, signed by the secret of the same origin."""
    webhook = await webhooks.create(URL, [*WebhookEvent])
    other = "https://elsewhere.example/x"
    await end(webhooks, url=f"{URL}/own")
    await end(webhooks, url=other)
    seconds = await send_all(webhooks)

    secrets = {(letter.url, letter.secrets) for letter in receivers.letters}
    assert {(URL, (webhook.secret,)), (f"{URL}/own", (webhook.secret,)), (other, ())} == secrets
    assert {DELIVERED} == {delivery.status for delivery in await deliveries(webhooks)}
    assert LOOK_SECONDS == seconds


async def test_after_a_rotation_both_secrets_sign(webhooks, receivers, clock):
    """For a day."""
    await webhooks.create(URL, [*WebhookEvent])
    await webhooks.rotate(1)
    await end(webhooks)
    await send_all(webhooks)
    clock.advance(24 * 3600)
    await end(webhooks)
    await send_all(webhooks)

    new, old = f"whsec_{1:044}", f"whsec_{0:044}"
    assert [[new, old], [new]] == [
        [secret.reveal() for secret in letter.secrets] for letter in receivers.letters
    ]


async def test_a_failure_is_tried_again_by_the_table(webhooks, receivers, clock):
    """Ten times in all, under one id; then it has failed."""
    await webhooks.create(URL, [*WebhookEvent])
    receivers.answers[URL] = Receipt(error=WebhookCode.RECEIVER_SILENT(seconds=15))
    await end(webhooks)
    for _ in range(60_000):
        await send_all(webhooks)
        (delivery,) = await deliveries(webhooks)
        if delivery.next_try_at is None:
            break
        clock.advance((delivery.next_try_at - clock.now()).total_seconds())

    waited = [(letter.at - NOW).total_seconds() for letter in receivers.letters]
    assert [0, 5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105] == waited
    assert (FAILED, 10) == (delivery.status, delivery.tries)
    assert 1 == len({letter.event_id for letter in receivers.letters})
    assert (await webhooks.get(1)).enabled


async def test_an_endpoint_that_fails_for_days_is_switched_off(webhooks, receivers, clock):
    """With what had been tried last; what was on its way fails, and later tasks add nothing."""
    await webhooks.create(URL, [*WebhookEvent])
    receivers.answers[URL] = Receipt(status=500)
    await end(webhooks)
    await send_all(webhooks)
    clock.advance(PATIENCE.total_seconds())
    await end(webhooks)
    await send_all(webhooks)
    webhook = await webhooks.get(1)
    await end(webhooks)
    stored = await deliveries(webhooks)

    assert (False, "receiver_fails") == (webhook.enabled, str(webhook.disabled_reason.code))
    assert [FAILED, FAILED] == [delivery.status for delivery in stored]


@pytest.mark.parametrize("days", [1, 5])
async def test_a_clock_set_forward_switches_nothing_off(webhooks, receivers, clock, days):
    """Five days of failures are those that went by, also before this process began."""
    await webhooks.create(URL, [*WebhookEvent])
    receivers.answers[URL] = Receipt(status=500)
    await end(webhooks)
    await send_all(webhooks)
    clock.advance(timedelta(days=days).total_seconds() - 60)
    restarted = attrs.evolve(webhooks)
    restarted.parts.clock.set(clock.now() + PATIENCE)
    await end(restarted)
    await send_all(restarted)
    before = (await restarted.get(1)).enabled
    clock.advance(60 + (PATIENCE - timedelta(days=days)).total_seconds())
    await end(restarted)
    await send_all(restarted)

    assert (True, False) == (before, (await restarted.get(1)).enabled)


async def test_what_waits_for_a_switched_off_endpoint_fails(webhooks, receivers):
    """Nothing is sent; a replay after it is on again is."""
    await webhooks.create(URL, [*WebhookEvent])
    await end(webhooks)
    await webhooks.change(1, WebhookChange(enabled=False))
    await send_all(webhooks)
    (failed,) = await deliveries(webhooks)
    await webhooks.change(1, WebhookChange(enabled=True))
    await webhooks.replay(failed.id)
    await send_all(webhooks)
    (delivered,) = await deliveries(webhooks)

    assert (FAILED, WebhookCode.ENDPOINT_OFF()) == (failed.status, failed.last_error)
    assert (DELIVERED, 1) == (delivered.status, len(receivers.letters))


async def test_what_waits_for_a_removed_endpoint_ends(webhooks, receivers):
    """Without a try."""
    await webhooks.create(URL, [*WebhookEvent])
    await end(webhooks)
    await webhooks.parts.webhooks.remove(1)
    await send_all(webhooks)

    assert ({}, []) == (await webhooks.parts.webhooks.demand(), receivers.letters)


async def test_so_many_at_once_and_none_waits_for_another(webhooks, receivers):
    """A receiver that does not answer holds up its own deliveries alone."""
    slow, quick = f"{URL}/slow", "https://quick.example/"
    await webhooks.create(slow, [*WebhookEvent])
    await webhooks.create(quick, [*WebhookEvent])
    receivers.silent.add(slow)
    for _ in range(10):
        await end(webhooks)
    while receivers.running[quick] or sum(letter.url == quick for letter in receivers.letters) < 10:
        await webhooks.send_due(body)
        await asyncio.sleep(0)
    slow_before = sum(letter.url == slow for letter in receivers.letters)
    receivers.released.set()
    while {PENDING} & {delivery.status for delivery in await deliveries(webhooks)}:
        await webhooks.send_due(body)
        await asyncio.sleep(0)

    assert MAX_TRIES_AT_ONCE == slow_before == receivers.most[slow]
    assert MAX_TRIES_AT_ONCE >= receivers.most[quick]
    assert 10 == sum(letter.url == slow for letter in receivers.letters)


async def test_the_urls_of_tasks_are_limited_together(webhooks, receivers):
    """However many of them do not answer; an endpoint does not wait for them."""
    await webhooks.create(URL, [*WebhookEvent])
    for number in range(MAX_TO_TASKS_OWN + 20):
        url = f"https://r{number}.example/"
        receivers.silent.add(url)
        await end(webhooks, url=url)
    for _ in range(MAX_TO_TASKS_OWN):
        await webhooks.send_due(body)
        await asyncio.sleep(0)
    silent = sum(receivers.running.values())
    receivers.released.set()
    await settled(webhooks)
    await send_all(webhooks)

    assert MAX_TO_TASKS_OWN == silent
    assert 2 * (MAX_TO_TASKS_OWN + 20) == len(receivers.letters)


async def test_an_endpoint_waits_for_no_url_of_a_task(webhooks, receivers):
    """Its deliveries go on while all that may be tried to such URLs is."""
    for number in range(MAX_TO_TASKS_OWN + 20):
        url = f"https://r{number}.example/"
        receivers.silent.add(url)
        await end(webhooks, url=url)
    for _ in range(MAX_TO_TASKS_OWN):
        await webhooks.send_due(body)
    await webhooks.create(URL, [*WebhookEvent])
    await end(webhooks)
    for _ in range(9):
        await webhooks.send_due(body)
        await asyncio.sleep(0)
    to_endpoint = [letter for letter in receivers.letters if letter.url == URL]
    receivers.released.set()
    await settled(webhooks)

    assert 1 == len(to_endpoint)


async def test_a_failing_store_loses_nothing(webhooks, receivers, clock):
    """The delivery is sent again once its claim has ended."""
    await webhooks.create(URL, [*WebhookEvent])
    await end(webhooks)
    receivers.answers[URL] = StorageError(StorageCode.ARCHIVE_UNREACHABLE())
    await send_all(webhooks)
    (waiting,) = await deliveries(webhooks)
    receivers.answers.clear()
    clock.advance(44)
    early = await webhooks.send_due(body)
    clock.advance(1)
    await send_all(webhooks)
    (delivered,) = await deliveries(webhooks)

    assert (PENDING, 0, later(45)) == (waiting.status, waiting.tries, waiting.next_try_at)
    assert 1 == early
    assert (DELIVERED, 1) == (delivered.status, delivered.tries)


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (KeysLocked(RefusalCode.KEYS_LOCKED()), RefusalCode.KEYS_LOCKED()),
        (KeyError("a defect"), FailureReason.DEFECT()),
    ],
    ids=["a lost master key", "a defect"],
)
async def test_what_cannot_be_sent_is_a_failed_try(webhooks, receivers, raised, error):
    """Its waits grow, it is shown, and it ends; so nothing fails every 45 seconds for ever."""
    await webhooks.create(URL, [*WebhookEvent])
    await end(webhooks)
    receivers.answers[URL] = raised
    await send_all(webhooks)
    (delivery,) = await deliveries(webhooks)

    assert (PENDING, 1, error) == (delivery.status, delivery.tries, delivery.last_error)
    assert later(5) == delivery.next_try_at


async def test_a_process_that_stood_still_sends_nothing(webhooks, receivers, clock):
    """Its claim may end during the try, so that another node would send it at the same time.

    It gives the claim back, and sends at once under a new one.
    """
    await webhooks.create(URL, [*WebhookEvent])
    receivers.answers[URL] = Receipt(status=500)
    await end(webhooks)
    await send_all(webhooks)
    clock.advance(5)
    await webhooks.send_due(body)
    clock.advance(20)
    await settled(webhooks)
    (given_back,) = await deliveries(webhooks)
    before = len(receivers.letters)
    await send_all(webhooks)

    assert (PENDING, 1, 500, later(25)) == (
        given_back.status,
        given_back.tries,
        given_back.last_status,
        given_back.next_try_at,
    )
    assert (1, 2) == (before, len(receivers.letters))


async def test_a_test_is_sent_now(webhooks, receivers):
    """Also while the endpoint is off; nothing is stored of it."""
    await webhooks.create(URL, [*WebhookEvent], enabled=False)
    receivers.answers[URL] = Receipt(status=302, answer="moved")
    receipt, is_ok = await webhooks.test(1, body)

    (letter,) = receivers.letters
    assert letter.event_id.startswith("evt_test_")
    assert (302, "moved", False) == (receipt.status, receipt.answer, is_ok)
    assert () == await deliveries(webhooks)


async def test_so_many_tests_at_once(webhooks, receivers):
    """Of one endpoint that does not answer; another one is tested meanwhile."""
    slow = f"{URL}/slow"
    await webhooks.create(slow, [*WebhookEvent])
    await webhooks.create(URL, [*WebhookEvent])
    receivers.silent.add(slow)
    waiting = [asyncio.create_task(webhooks.test(1, body)) for _ in range(MAX_TRIES_AT_ONCE)]
    await receivers.heard.wait()  # they have begun together
    with pytest.raises(Unavailable, match="4 tests of this endpoint"):
        await webhooks.test(1, body)
    _, is_ok = await webhooks.test(2, body)
    receivers.released.set()
    await asyncio.gather(*waiting)

    assert (True, True) == (is_ok, (await webhooks.test(1, body))[1])
    assert MAX_TRIES_AT_ONCE == receivers.most[slow]


async def test_a_clock_set_forward_starts_no_second_try(webhooks, receivers, clock):
    """The claim seems to have ended; the event is sent again once this one has, at the earliest."""
    await webhooks.create(URL, [*WebhookEvent])
    await end(webhooks)
    receivers.silent.add(URL)
    await webhooks.send_due(body)
    await receivers.heard.wait()
    clock.advance(86_400)
    await webhooks.send_due(body)
    await asyncio.sleep(0)
    before = len(receivers.letters)
    receivers.released.set()
    await settled(webhooks)
    clock.advance(45)
    await send_all(webhooks)

    assert (1, 1, 2) == (before, receivers.most[URL], len(receivers.letters))
    assert [DELIVERED] == [delivery.status for delivery in await deliveries(webhooks)]


async def test_the_loop_sends_what_ends(webhooks, receivers, clock):
    """Woken by the end of a task, without being asked."""
    await webhooks.create(URL, [*WebhookEvent])
    async with webhooks.sending(body):
        await end(webhooks)
        webhooks.parts.webhooks.changed.set()
        await asyncio.wait_for(receivers.heard.wait(), 30)

    assert [DELIVERED] == [delivery.status for delivery in await deliveries(webhooks)]
