"""Webhooks: the endpoints that hear of ended tasks, and the loop that sends to them."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import attrs

from imagegen_core.config import check_url, origin
from imagegen_core.errors import ImagegenError, KeysLocked, Unavailable, WebhookNotFound
from imagegen_core.messages import FailureReason, RefusalCode, WebhookCode
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.webhooks import (
    Delivery,
    DeliveryStatus,
    Post,
    Receipt,
    Verdict,
    Webhook,
    WebhookChange,
    WebhookEvent,
)
from imagegen_core.secrets import Secret

TRY_SECONDS = 15.0  # for one try in all, rendering included
MAX_TRIES_AT_ONCE = 4  # to one target
MAX_TO_TASKS_OWN = 50  # tries to the URLs of tasks; endpoints are few, and never wait for these
ROTATION = timedelta(hours=24)  # how long the secret before goes on signing
PATIENCE = timedelta(days=5)

CLAIM = timedelta(seconds=45)
"""When another node tries again what a dead one was sending. Clocks of nodes may differ by 30 s."""

LOOK_SECONDS = 10.0
"""The longest pause between looks: others end tasks too, and a claim of a dead node ends."""

PAUSE_SECONDS = 0.2
"""Between looks, so that many ends cause few of them.

It bounds what one receiver gets to 20 a second: each takes 1.5 ms of the processor, which the tasks need.
"""

_STOP_SECONDS = 2.0  # in which tries may end when the service stops
_SECONDS_TO_TRY = (5, 300, 1800, *(hours * 3600 for hours in (2, 5, 10, 14, 20, 24)))
"""Waits after failed tries of a delivery, by Standard Webhooks 1.0.0; one more failure ends it."""

_MAX_WAIT_SECONDS = 24 * 3600.0  # that a receiver may ask for
_GONE = 410
_log = logging.getLogger(__name__)

Render = Callable[[Delivery], Awaitable[str]]
"""Returns the body of a delivery as of now."""


def verdict_on(
    receipt: Receipt, tries: int, failing_since: datetime | None, now: datetime, random: Callable[[], float]
) -> Verdict:
    """Return what follows from try number ``tries`` of a delivery.

    Only 2xx is a success. Waits differ by a tenth at most, and obey Retry-After up to a day. An endpoint that
    says that it is gone, or whose tries have all failed for `PATIENCE`, is switched off.
    """
    kind = 0 if receipt.status is None else receipt.status // 100
    if kind == 2:  # noqa: PLR2004 - a success
        return Verdict(status=DeliveryStatus.DELIVERED)
    code = WebhookCode.RECEIVER_REDIRECTED if kind == 3 else WebhookCode.RECEIVER_ANSWERED  # noqa: PLR2004 - the same
    error, disabled = receipt.error or code(status=receipt.status or 0), None
    if receipt.status == _GONE:
        disabled = WebhookCode.RECEIVER_GONE()
    elif failing_since is not None and now - failing_since >= PATIENCE:
        disabled = WebhookCode.RECEIVER_FAILS(days=PATIENCE.days, reason=error)
    if disabled is not None or tries > len(_SECONDS_TO_TRY):
        return Verdict(status=DeliveryStatus.FAILED, error=error, disabled_reason=disabled)
    wait = _SECONDS_TO_TRY[tries - 1] * (0.9 + 0.2 * random())
    wait = max(wait, min(receipt.retry_after or 0.0, _MAX_WAIT_SECONDS))
    return Verdict(status=DeliveryStatus.PENDING, error=error, next_try_at=now + timedelta(seconds=wait))


@attrs.define(kw_only=True, eq=False)
class Webhooks:
    """What callers do with endpoints, and the sending; ``new_secret`` returns ``whsec_`` and base64."""

    parts: Parts
    post: Post
    new_secret: Callable[[], str]
    random: Callable[[], float]
    _sending: dict[asyncio.Task[None], Delivery] = attrs.field(factory=dict, init=False)
    _tests: Counter[int] = attrs.field(factory=Counter, init=False)
    _began: tuple[datetime, float] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self.parts.clock.now(), self.parts.clock.monotonic()

    # ---------------------------------------------------------------- endpoints

    async def get(self, webhook_id: int) -> Webhook:
        """Return an endpoint, or raise `WebhookNotFound`."""
        for webhook in await self.parts.webhooks.all():
            if webhook.id == webhook_id:
                return webhook
        raise WebhookNotFound(webhook_id)

    async def create(self, url: str, events: Sequence[WebhookEvent], *, enabled: bool = True) -> Webhook:
        """Add an endpoint with a new secret, after the check of its address."""
        url, secret, now = await self._checked(url), self._new_secret(), self.parts.clock.now()
        webhook = Webhook(url=url, events=tuple(events), enabled=enabled, secret=secret, created_at=now)
        return await self.parts.webhooks.add(webhook)

    async def change(self, webhook_id: int, change: WebhookChange) -> Webhook:
        """Change an endpoint, after the check of its address if that is another."""
        url = None if change.url is None else await self._checked(change.url)
        return await self.parts.webhooks.change(webhook_id, attrs.evolve(change, url=url))

    async def rotate(self, webhook_id: int) -> Webhook:
        """Give an endpoint a new secret; for a day the one before signs as well."""
        change = WebhookChange(secret=self._new_secret(), previous_until=self.parts.clock.now() + ROTATION)
        return await self.parts.webhooks.change(webhook_id, change)

    async def test(self, webhook_id: int, render: Render) -> tuple[Receipt, bool]:
        """Send ``webhook.test`` now, also to an endpoint that is off; return whether that is a success.

        Raises `Unavailable` while `MAX_TRIES_AT_ONCE` tests of it are not answered.
        """
        webhook, now = await self.get(webhook_id), self.parts.clock.now()
        if self._tests[webhook_id] >= MAX_TRIES_AT_ONCE:
            raise Unavailable(WebhookCode.TESTS_UNANSWERED(maximum=MAX_TRIES_AT_ONCE))
        event_id = f"evt_test_{self.parts.new_id().replace('-', '')}"
        delivery = Delivery(event_id=event_id, type="webhook.test", webhook_id=webhook_id, created_at=now)
        self._tests[webhook_id] += 1
        try:
            receipt = await self._try(delivery, webhook.url, webhook, render)
        finally:
            self._tests[webhook_id] -= 1
        verdict = verdict_on(receipt, 1, None, now, self.random)
        return receipt, verdict.status is DeliveryStatus.DELIVERED

    async def replay(self, delivery_id: int) -> Delivery:
        """Send a delivery again, with its event's id; one that is being tried stays as it is."""
        await self.parts.webhooks.replay(delivery_id, now=self.parts.clock.now())
        self.parts.webhooks.changed.set()
        return await self.parts.webhooks.delivery(delivery_id)

    async def _checked(self, url: str) -> str:
        url = check_url(url, "url")
        await self.parts.check_webhook(url)
        return url

    def _new_secret(self) -> Secret:
        secret = self.new_secret()
        self.parts.redactor.register(secret)
        return Secret(secret)

    # ---------------------------------------------------------------- sending

    @asynccontextmanager
    async def sending(self, render: Render) -> AsyncIterator[None]:
        """Send what is due until the block ends; what is still being tried then is tried again later."""
        loop = asyncio.create_task(self._send_forever(render), name="webhooks")
        try:
            yield
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
            tries = set(self._sending)
            if tries:
                await asyncio.wait(tries, timeout=_STOP_SECONDS)
            for each in tries:
                each.cancel()
            await asyncio.gather(*tries, return_exceptions=True)

    async def _send_forever(self, render: Render) -> None:
        changed = self.parts.webhooks.changed
        while True:
            changed.clear()
            seconds = LOOK_SECONDS
            try:
                seconds = await self.send_due(render)
            except ImagegenError as error:
                _log.warning("webhooks wait for the database", extra={"reason": str(error)})
            except Exception:  # noqa: BLE001 - logged, and tried again
                _log.exception("sending webhooks failed")
            await self.parts.clock.sleep(PAUSE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await changed.wait()

    async def send_due(self, render: Render) -> float:
        """Start what is due, as far as there is room; return the seconds to the next look."""
        now, due = self.parts.clock.now(), await self.parts.webhooks.demand()
        running, limits = Counter(each.target for each in self._sending.values()), dict[str, int]()
        room = MAX_TO_TASKS_OWN - sum(running[target] for target in running if not target.isdigit())
        for target, at in sorted(due.items(), key=lambda item: item[1]):
            is_endpoint, number = target.isdigit(), MAX_TRIES_AT_ONCE - running[target]
            number = number if is_endpoint else min(room, number)
            if at <= now and number > 0:
                limits[target] = number
                room -= 0 if is_endpoint else number
        if not limits:  # a try that ends lets us look again
            return min([LOOK_SECONDS, *((at - now).total_seconds() for at in due.values() if at > now)])
        claimed_at = self.parts.clock.monotonic()
        deliveries, endpoints = await self.parts.webhooks.claim(limits, now=now, until=now + CLAIM)
        webhooks = {webhook.id: webhook for webhook in endpoints}
        being_sent = {each.id for each in self._sending.values()}
        for delivery in deliveries:
            if delivery.id in being_sent:  # the clock was set forward: two tries must not overlap
                continue
            each = asyncio.create_task(self._deliver(delivery, webhooks, claimed_at, render), name="webhook")
            self._sending[each] = delivery
            each.add_done_callback(self._on_sent)
        return PAUSE_SECONDS

    def _on_sent(self, each: asyncio.Task[None]) -> None:
        del self._sending[each]
        self.parts.webhooks.changed.set()

    async def _deliver(
        self, delivery: Delivery, webhooks: Mapping[int, Webhook], claimed_at: float, render: Render
    ) -> None:
        """Try a claimed delivery once and store what follows; if that fails, its claim ends by itself."""
        webhook = None if delivery.webhook_id is None else webhooks.get(delivery.webhook_id)
        url, receipt = delivery.url if webhook is None else webhook.url, None
        try:
            if url is None or (webhook is not None and not webhook.enabled):
                error = WebhookCode.ENDPOINT_DELETED() if url is None else WebhookCode.ENDPOINT_OFF()
                verdict, now = Verdict(status=DeliveryStatus.FAILED, error=error), self.parts.clock.now()
            elif self.parts.clock.monotonic() - claimed_at > TRY_SECONDS:
                # This process stood still, and the claim may end during the try.
                now = self.parts.clock.now()
                again = Verdict(status=DeliveryStatus.PENDING, next_try_at=now)
                await self.parts.webhooks.settle(delivery, again, None, now)
                return
            else:
                same = (each for each in webhooks.values() if origin(each.url) == origin(url))
                receipt = await self._tried(delivery, url, webhook or next(same, None), render)
                now = self.parts.clock.now()
                since = None if webhook is None else self._failing_since(webhook, now)
                verdict = verdict_on(receipt, delivery.tries + 1, since, now, self.random)
            is_ours = await self.parts.webhooks.settle(delivery, verdict, receipt, now)
        except ImagegenError as error:
            details = {"delivery": delivery.id, "reason": str(error)}
            _log.warning("a webhook could not be dealt with; it is tried again", extra=details)
        except Exception:  # noqa: BLE001 - logged; its claim ends, and it is tried again
            _log.exception("a webhook failed", extra={"delivery": delivery.id})
        else:
            _log.info(
                "a webhook was delivered" if verdict.error is None else "a webhook could not be delivered",
                extra={
                    "delivery": delivery.id,
                    "type": delivery.type,
                    "task_id": delivery.task_id,
                    "webhook": delivery.webhook_id,
                    "receiver": None if url is None else origin(url),  # its path may be a secret
                    "reason": None if verdict.error is None else str(verdict.error),
                    "tries": delivery.tries + 1,
                    "disabled": verdict.disabled_reason is not None,
                    "lost": not is_ours,
                },
            )

    def _failing_since(self, webhook: Webhook, now: datetime) -> datetime | None:
        """Return since when all tries have failed; a clock set forward meanwhile makes that no longer ago."""
        if (since := webhook.failing_since) is None:
            return None
        began, monotonic = self._began
        watched = timedelta(seconds=self.parts.clock.monotonic() - monotonic)
        return max(since, now - watched - max(began - since, timedelta()))

    async def _tried(self, delivery: Delivery, url: str, signer: Webhook | None, render: Render) -> Receipt:
        """Try it; what can never be sent is a failed try, so that it is shown and ends."""
        try:
            return await self._try(delivery, url, signer, render)
        except KeysLocked:
            return Receipt(error=RefusalCode.KEYS_LOCKED())
        except ImagegenError:
            raise
        except Exception:  # noqa: BLE001 - logged, and shown as a failed try
            _log.exception("a webhook failed", extra={"delivery": delivery.id})
            return Receipt(error=FailureReason.DEFECT())

    async def _try(self, delivery: Delivery, url: str, signer: Webhook | None, render: Render) -> Receipt:
        at = self.parts.clock.now()
        secrets = () if signer is None else signer.secrets(at)
        try:
            async with asyncio.timeout(TRY_SECONDS):
                return await self.post(url, delivery.event_id, at, await render(delivery), secrets)
        except TimeoutError:
            return Receipt(error=WebhookCode.RECEIVER_SILENT(seconds=int(TRY_SECONDS)))
