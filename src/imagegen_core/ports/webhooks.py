"""Endpoints that hear of ended tasks, and the deliveries to them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

import attrs

from imagegen_core.messages import Message
from imagegen_core.search import Page, Paging
from imagegen_core.secrets import Secret


class WebhookEvent(StrEnum):
    """What an endpoint may ask to hear of."""

    TASK_COMPLETED = "task.completed"
    TASK_FAILED = "task.failed"
    TASK_CANCELLED = "task.cancelled"
    BATCH_COMPLETED = "batch.completed"


class DeliveryStatus(StrEnum):
    """``pending`` is tried again; a ``failed`` one is not, unless it is replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Webhook:
    """An endpoint. All its tries have failed since ``failing_since``, None after a success."""

    id: int = 0
    url: str = attrs.field(repr=False)
    events: tuple[WebhookEvent, ...] = tuple(WebhookEvent)
    enabled: bool = True
    secret: Secret
    previous_secret: Secret | None = None
    previous_until: datetime | None = None
    created_at: datetime
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failing_since: datetime | None = None
    disabled_reason: Message | None = None

    def secrets(self, now: datetime) -> tuple[Secret, ...]:
        """Return the secrets that sign now, the newest first."""
        if self.previous_secret is None or self.previous_until is None or self.previous_until <= now:
            return (self.secret,)
        return self.secret, self.previous_secret


@attrs.frozen(kw_only=True)
class WebhookChange:
    """What is to be other of an endpoint; None stays. Switched on, it forgets its failures.

    With another ``secret``, the one before signs as well until ``previous_until``.
    """

    url: str | None = attrs.field(default=None, repr=False)
    events: Sequence[WebhookEvent] | None = None
    enabled: bool | None = None
    secret: Secret | None = None
    previous_until: datetime | None = None


@attrs.frozen(kw_only=True)
class Delivery:
    """One event on its way to an endpoint or, without ``webhook_id``, to the URL of its task.

    Deliveries of one ``target`` wait for each other. ``next_try_at`` is None once it has ended; of a claimed
    one it is the end of the claim.
    """

    id: int = 0
    event_id: str
    type: str
    task_id: str | None = None
    batch_id: str | None = None
    webhook_id: int | None = None
    url: str | None = attrs.field(default=None, repr=False)
    target: str = attrs.field(default="", repr=False)
    status: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = 0
    next_try_at: datetime | None = None
    last_status: int | None = None
    last_error: Message | None = None
    answer: str = ""
    created_at: datetime
    delivered_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Receipt:
    """What became of a try: the answer's status and beginning, or the ``error`` that kept it from coming."""

    status: int | None = None
    error: Message | None = None
    retry_after: float | None = None
    answer: str = ""


Post: TypeAlias = Callable[[str, str, datetime, str, tuple[Secret, ...]], Awaitable[Receipt]]
"""Sends the event of an id at a moment, once: URL, id, moment, body, secrets that sign it.

It follows no redirect, and calls no address that is not allowed. Only its caller bounds its time.
"""


@attrs.frozen(kw_only=True)
class Verdict:
    """What follows from a try; with ``disabled_reason``, the endpoint is switched off."""

    status: DeliveryStatus
    error: Message | None = None
    next_try_at: datetime | None = None
    disabled_reason: Message | None = None


class WebhookStore(Protocol):
    """`TaskRepository.save` adds the deliveries of a task with its end, in its transaction.

    One goes to each enabled endpoint that asked for the event, and one to the task's own URL. Every write is
    durable. Secrets are sealed at rest for their endpoint; one that cannot be opened is locked. Whoever ends
    a task or replays a delivery sets ``changed``.

    Raises:
        WebhookNotFound: there is no such endpoint.
        DeliveryNotFound: there is no such delivery.
    """

    changed: asyncio.Event

    async def all(self) -> tuple[Webhook, ...]:
        """Return all endpoints, oldest first."""

    async def add(self, webhook: Webhook) -> Webhook:
        """Add an endpoint, with an id that none ever had.

        Raises:
            TooManyWebhooks: there are `MAX_WEBHOOKS`.
        """

    async def change(self, webhook_id: int, change: WebhookChange) -> Webhook:
        """Change an endpoint, in one step."""

    async def remove(self, webhook_id: int) -> None:
        """Remove an endpoint; who claims a delivery to it finds none."""

    async def demand(self) -> Mapping[str, datetime]:
        """Return when the earliest pending delivery of each target is due, or its claim ends.

        Where tasks name very many URLs, each call returns the next part of those, and sets ``changed``.
        """

    async def claim(
        self, limits: Mapping[str, int], *, now: datetime, until: datetime
    ) -> tuple[tuple[Delivery, ...], tuple[Webhook, ...]]:
        """Claim due deliveries, so many of each target, the earliest first; nobody else before ``until``.

        With them come all endpoints as they are then.
        """

    async def settle(
        self, delivery: Delivery, verdict: Verdict, receipt: Receipt | None, at: datetime
    ) -> bool:
        """Store what became of a claimed delivery; False if the claim is not ours any more.

        With a receipt, it counts as a try of the delivery and of its endpoint. Without one,
        what its last try met stays, but for an error.
        """

    async def delivery(self, delivery_id: int) -> Delivery:
        """Return a delivery, with the URL that its next try would go to."""

    async def deliveries(
        self, webhook_id: int, status: DeliveryStatus | None, paging: Paging
    ) -> Page[Delivery]:
        """Return an endpoint's deliveries, newest first; totals are exact up to 10,000."""

    async def replay(self, delivery_id: int, *, now: datetime) -> None:
        """Make a delivery due, with all its tries; one that is being tried stays as it is."""

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        """Remove ended deliveries that are older, at most ``limit``; return how many."""
