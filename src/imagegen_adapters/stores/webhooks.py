"""Webhook endpoints and deliveries, in the database of the tasks, whose triggers add the deliveries."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial

from imagegen_adapters.stores.rows import (
    from_json,
    from_timestamp,
    make_page,
    newest_rows,
    optional_json,
    optional_moment,
    optional_timestamp,
    optional_value,
    to_json,
    to_timestamp,
)
from imagegen_adapters.stores.sql import NEWEST, Row, Sql, Steps
from imagegen_core.errors import DeliveryNotFound, TooManyWebhooks, WebhookNotFound
from imagegen_core.limits import MAX_WEBHOOKS
from imagegen_core.messages import Message
from imagegen_core.ports.secrets import SecretBox
from imagegen_core.ports.webhooks import (
    Delivery,
    DeliveryStatus,
    Receipt,
    Verdict,
    Webhook,
    WebhookChange,
    WebhookEvent,
)
from imagegen_core.search import Page, Paging
from imagegen_core.secrets import Redactor, Secret

_ALL = "SELECT * FROM webhooks ORDER BY id"

_INSERT = """
INSERT INTO webhooks (url, events, enabled, secret, created_at)
VALUES (:url, :events, :enabled, '', :created_at) RETURNING id
"""

_CHANGE = """
UPDATE webhooks SET
    url = coalesce(:url, url), events = coalesce(:events, events),
    enabled = coalesce(:enabled::boolean, enabled),
    failing_since = CASE WHEN :enabled THEN NULL ELSE failing_since END,
    disabled_reason = CASE WHEN :enabled THEN NULL ELSE disabled_reason END,
    previous_secret = CASE WHEN :secret::text IS NULL THEN previous_secret ELSE secret END,
    previous_until = coalesce(:until, previous_until), secret = coalesce(:secret, secret)
WHERE id = :id RETURNING *
"""

_URLS, _END = ":", "~"  # targets of endpoints, which are numbers, come before those of URLs

MAX_URL_TARGETS = 100
"""Of tasks' own URLs, in one look: a caller may name very many, and to read all of them takes seconds."""

# Steps from target to target through the index, skipping their deliveries.
_DUE = """
SELECT target, (
    SELECT min(next_try_at) FROM webhook_deliveries AS pending
    WHERE next_try_at IS NOT NULL AND pending.target = targets.target
) AS due
FROM (
    WITH RECURSIVE targets (target, number) AS (
        SELECT min(target), 1 FROM webhook_deliveries
        WHERE next_try_at IS NOT NULL AND target > {after} AND target < '{before}'
        UNION ALL
        SELECT (
            SELECT min(later.target) FROM webhook_deliveries AS later
            WHERE next_try_at IS NOT NULL AND later.target > targets.target AND later.target < '{before}'
        ), number + 1 FROM targets WHERE targets.target IS NOT NULL AND number < {limit}
    ) SELECT target FROM targets WHERE target IS NOT NULL
) AS targets
"""
_DEMAND = " UNION ALL ".join(
    (
        _DUE.format(after="''", before=_URLS, limit=NEWEST),
        _DUE.format(after=":after", before=_END, limit=MAX_URL_TARGETS),
    )
)

_CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT id FROM webhook_deliveries
    WHERE target = :target AND next_try_at IS NOT NULL AND next_try_at <= :now
    ORDER BY next_try_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE webhook_deliveries SET claimed = true, next_try_at = :until WHERE id IN (SELECT id FROM chosen)
RETURNING *
"""

_SETTLE = """
UPDATE webhook_deliveries SET
    status = :status, tries = tries + :tried, next_try_at = :next_try_at, claimed = false,
    last_error = :error, last_status = :last_status, answer = :answer, delivered_at = :delivered_at
WHERE id = :id AND claimed AND next_try_at = :until RETURNING id
"""

_SUCCEEDED = "UPDATE webhooks SET last_success_at = :at, failing_since = NULL WHERE id = :id"

_FAILED = """
UPDATE webhooks SET
    last_failure_at = :at, failing_since = coalesce(failing_since, :at),
    enabled = enabled AND :reason::json IS NULL, disabled_reason = coalesce(:reason, disabled_reason)
WHERE id = :id
"""

_SHOWN = """
SELECT webhook_deliveries.*, coalesce(webhook_deliveries.url, webhooks.url) AS shown_url
FROM webhook_deliveries LEFT JOIN webhooks ON webhooks.id = webhook_deliveries.webhook_id
"""

_REPLAY = """
UPDATE webhook_deliveries
SET status = 'pending', tries = 0, next_try_at = :now, claimed = false, delivered_at = NULL
WHERE id = :id AND (NOT claimed OR next_try_at <= :now)
"""

_OLD = """
SELECT id FROM webhook_deliveries WHERE created_at < :before AND next_try_at IS NULL
ORDER BY created_at LIMIT :limit
"""
_REMOVE_OLD = "DELETE FROM webhook_deliveries WHERE id = ANY (:ids::bigint[]) AND next_try_at IS NULL"


class SqlWebhooks:
    """The tables ``webhooks`` and ``webhook_deliveries``; secrets that are opened go to the ``redactor``."""

    def __init__(self, sql: Sql, box: SecretBox, redactor: Redactor) -> None:
        self._sql, self._box, self._redactor = sql, box, redactor
        self.changed = asyncio.Event()
        self._opened = lru_cache(4 * MAX_WEBHOOKS)(self._open)  # they are read with each claim
        self._after = _URLS  # where the next look at the targets of URLs goes on

    async def all(self) -> tuple[Webhook, ...]:
        return tuple(map(self._webhook, await self._sql.rows(_ALL)))

    async def add(self, webhook: Webhook) -> Webhook:
        def add() -> Steps[list[Row]]:
            ((count,),) = yield "SELECT count(*) FROM webhooks", {}
            if count >= MAX_WEBHOOKS:
                raise TooManyWebhooks
            values = {"url": webhook.url, "events": _events(webhook.events), "enabled": webhook.enabled}
            ((webhook_id,),) = yield _INSERT, {**values, "created_at": to_timestamp(webhook.created_at)}
            sealed = {"id": webhook_id, "secret": self._sealed(webhook_id, webhook.secret)}
            return (yield "UPDATE webhooks SET secret = :secret WHERE id = :id RETURNING *", sealed)

        return self._webhook(*await self._sql.transact(add()))

    async def change(self, webhook_id: int, change: WebhookChange) -> Webhook:
        secret, events = change.secret, change.events
        values = {
            "url": change.url,
            "events": None if events is None else _events(events),
            "enabled": change.enabled,
            "secret": None if secret is None else self._sealed(webhook_id, secret),
            "until": optional_timestamp(change.previous_until),
        }
        for row in await self._sql.change(_CHANGE, id=min(webhook_id, NEWEST), **values):
            return self._webhook(row)
        raise WebhookNotFound(webhook_id)

    async def remove(self, webhook_id: int) -> None:
        removing = "DELETE FROM webhooks WHERE id = :id RETURNING id"
        if not await self._sql.change(removing, id=min(webhook_id, NEWEST)):
            raise WebhookNotFound(webhook_id)

    def _sealed(self, webhook_id: int, secret: Secret) -> str:
        return secret.give_to(partial(self._box.seal, context=_context(webhook_id)))

    def _open(self, webhook_id: int, token: str) -> Secret:
        secret = Secret.sealed(partial(self._box.open, token, context=_context(webhook_id)))
        if not secret.locked:
            secret.give_to(self._redactor.register)
        return secret

    def _webhook(self, row: Row) -> Webhook:
        previous = row["previous_secret"]
        moments = ("previous_until", "last_success_at", "last_failure_at", "failing_since")
        return Webhook(
            **{name: optional_moment(row[name]) for name in moments},
            id=row["id"],
            url=row["url"],
            events=tuple(map(WebhookEvent, from_json(row["events"], list[str]))),
            enabled=bool(row["enabled"]),
            secret=self._opened(row["id"], row["secret"]),
            previous_secret=None if previous is None else self._opened(row["id"], previous),
            created_at=from_timestamp(row["created_at"]),
            disabled_reason=optional_value(row["disabled_reason"], Message),
        )

    # ---------------------------------------------------------------- deliveries

    async def demand(self) -> Mapping[str, datetime]:
        rows = await self._sql.rows(_DEMAND, after=self._after)
        urls = [row["target"] for row in rows if row["target"] > _URLS]
        is_part = len(urls) == MAX_URL_TARGETS
        if is_part or self._after != _URLS:
            self.changed.set()
        self._after = max(urls) if is_part else _URLS
        return {row["target"]: from_timestamp(row["due"]) for row in rows}

    async def claim(
        self, limits: Mapping[str, int], *, now: datetime, until: datetime
    ) -> tuple[tuple[Delivery, ...], tuple[Webhook, ...]]:
        def claim() -> Steps[tuple[list[Row], list[Row]]]:
            rows: list[Row] = []
            moments = {"now": to_timestamp(now), "until": to_timestamp(until)}
            for target, limit in limits.items():
                rows += yield _CLAIM, {"target": target, "limit": limit, **moments}
            return rows, (yield _ALL, {})

        rows, endpoints = await self._sql.transact(claim())
        return tuple(_delivery(row, row["url"]) for row in rows), tuple(map(self._webhook, endpoints))

    async def settle(
        self, delivery: Delivery, verdict: Verdict, receipt: Receipt | None, at: datetime
    ) -> bool:
        moment, is_success = to_timestamp(at), verdict.status is DeliveryStatus.DELIVERED
        error = verdict.error or (delivery.last_error if receipt is None else None)
        last = receipt or Receipt(status=delivery.last_status, answer=delivery.answer)
        values = {
            "id": delivery.id,
            "until": optional_timestamp(delivery.next_try_at),
            "status": str(verdict.status),
            "tried": int(receipt is not None),
            "next_try_at": optional_timestamp(verdict.next_try_at),
            "error": optional_json(error),
            "last_status": last.status,
            "answer": last.answer,
            "delivered_at": moment if is_success else None,
        }

        def settle() -> Steps[bool]:
            if not (yield _SETTLE, values):
                return False
            if delivery.webhook_id is not None and receipt is not None:
                endpoint = {"id": delivery.webhook_id, "at": moment}
                reason = {} if is_success else {"reason": optional_json(verdict.disabled_reason)}
                yield _SUCCEEDED if is_success else _FAILED, {**endpoint, **reason}
            return True

        return await self._sql.transact(settle())

    async def delivery(self, delivery_id: int) -> Delivery:
        shown = f"{_SHOWN} WHERE webhook_deliveries.id = :id"
        for row in await self._sql.rows(shown, id=min(delivery_id, NEWEST)):
            return _delivery(row, row["shown_url"])
        raise DeliveryNotFound(delivery_id)

    async def deliveries(
        self, webhook_id: int, status: DeliveryStatus | None, paging: Paging
    ) -> Page[Delivery]:
        chosen = {"webhook_id": webhook_id, "status": status}
        rows, count = await newest_rows(self._sql, _SHOWN, chosen, paging, column="id")
        return make_page([(row["id"], _delivery(row, row["shown_url"])) for row in rows], paging, count=count)

    async def replay(self, delivery_id: int, *, now: datetime) -> None:
        await self.delivery(delivery_id)
        await self._sql.change(_REPLAY, id=delivery_id, now=to_timestamp(now))

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        # Read first: a write that changes nothing is a commit all the same.
        ids = [row["id"] for row in await self._sql.rows(_OLD, before=to_timestamp(before), limit=limit)]
        if ids:
            await self._sql.change(_REMOVE_OLD, ids=ids)
        return len(ids)


def _context(webhook_id: int) -> str:
    return f"webhooks/{webhook_id}|secret"


def _events(events: Sequence[WebhookEvent]) -> str:
    return to_json([*dict.fromkeys(map(str, events))])


def _delivery(row: Row, url: str | None) -> Delivery:
    plain = ("id", "event_id", "type", "task_id", "batch_id", "webhook_id", "target", "tries", "last_status")
    return Delivery(
        **{name: row[name] for name in plain},
        answer=row["answer"],
        url=url,
        status=DeliveryStatus(row["status"]),
        next_try_at=optional_moment(row["next_try_at"]),
        last_error=optional_value(row["last_error"], Message),
        created_at=from_timestamp(row["created_at"]),
        delivered_at=optional_moment(row["delivered_at"]),
    )
