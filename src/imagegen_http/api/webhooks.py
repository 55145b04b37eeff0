"""Webhooks: their endpoints, what was delivered to them, and the body that they get."""

from functools import partial
from typing import Annotated, Any

import msgspec
from litestar.params import JSONBody
from msgspec import UNSET, UnsetType

from imagegen_core import limits
from imagegen_core.errors import TaskNotFound
from imagegen_core.ports.webhooks import Delivery as CoreDelivery
from imagegen_core.ports.webhooks import DeliveryStatus, WebhookChange, WebhookEvent
from imagegen_core.ports.webhooks import Webhook as CoreWebhook
from imagegen_core.search import Page
from imagegen_core.services.webhooks import Render
from imagegen_http.api import requests
from imagegen_http.api.batches import Batch
from imagegen_http.api.errors import delete, get, patch, post
from imagegen_http.api.requests import ServiceDependency
from imagegen_http.api.responses import DELETED, Deleted, ListPage, Success, listed, success
from imagegen_http.api.tasks import Task
from imagegen_http.guard import asgi
from imagegen_http.schemas import Answer, Body, TaskId, Time, doc, timestamp
from imagegen_http.service import Service

EXAMPLE_RECEIVER = "https://receiver.example/imagegen"
_EVENT_ID = "evt_0193a5c87e1f7c3a9d526f0f5c1e2b7a"
_URL = "where events are sent to: http or https, without user name and password"
_EVENTS = "what it hears of"
_SECRET = "signs what is sent; it is shown this once"  # noqa: S105 - a description
_LAST4 = "the last four characters of its secret; null without the right master key"
_DISABLED = "why the service switched it off; null where it did not"
_NEXT_URL = "where the next try goes to; null once that endpoint is deleted"
_NEXT_TRY = "when it is tried next, or its try is given up; null once it has ended"


class Webhook(Answer, frozen=True, kw_only=True):
    """An endpoint that hears of ended tasks."""

    id: Annotated[int, doc("id of the endpoint", 1)]
    url: Annotated[str, doc(_URL, EXAMPLE_RECEIVER)]
    events: Annotated[list[WebhookEvent], doc(_EVENTS, ["task.completed", "task.failed"])]
    enabled: Annotated[bool, doc("whether it is sent anything", example=True)]
    secret: Annotated[str | UnsetType, doc(_SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8=")] = UNSET
    secret_last4: Annotated[str | None, doc(_LAST4, "9r8=")]
    created_at: Time
    last_success_at: Annotated[Time | None, doc("when it last answered with 2xx")]
    last_failure_at: Annotated[Time | None, doc("when a try last failed", None)]
    disabled_reason: Annotated[str | None, doc(_DISABLED, None)]

    @classmethod
    def from_webhook(cls, webhook: CoreWebhook, *, with_secret: bool = False) -> "Webhook":
        secret = None if webhook.secret.locked else webhook.secret.reveal()
        shown = secret if with_secret and secret is not None else UNSET
        return cls.from_attributes(webhook, secret=shown, secret_last4=secret and secret[-4:])


_Url = Annotated[str, doc(_URL, EXAMPLE_RECEIVER, min_length=1, max_length=limits.MAX_API_BASE_CHARS)]
_Events = Annotated[list[WebhookEvent], doc(_EVENTS, ["task.completed", "task.failed"], min_length=1)]


class WebhookBody(Body, frozen=True, kw_only=True):
    """A new endpoint; without ``events`` it hears of all."""

    url: _Url
    events: _Events = msgspec.field(default_factory=lambda: list(WebhookEvent))
    enabled: Annotated[bool, doc("whether it is sent anything")] = True


class WebhookChanges(Body, frozen=True, kw_only=True):
    """What is to be other of an endpoint; what is left out stays as it is."""

    url: _Url | UnsetType = UNSET
    events: _Events | UnsetType = UNSET
    enabled: Annotated[bool, doc("switched on, it counts its failures from the start")] | UnsetType = UNSET


class WebhookTest(Answer, frozen=True, kw_only=True):
    """What a test event met."""

    ok: Annotated[bool, doc("whether it was answered with 2xx", example=True)]
    status: Annotated[int | None, doc("HTTP status of the answer; null if none came", 204)]
    error: Annotated[str | None, doc("why no answer came; null if one did", None)]
    latency_ms: Annotated[int, doc("how long it took", 120)]
    answer: Annotated[str, doc("the first KiB of the answer", "")]


class Delivery(Answer, frozen=True, kw_only=True):
    """One event on its way to one receiver."""

    id: Annotated[int, doc("id of the delivery", 12)]
    event_id: Annotated[str, doc("id of the event, the header `webhook-id` of each try", _EVENT_ID)]
    type: Annotated[str, doc("what it tells of", "task.completed")]
    task_id: TaskId | None
    batch_id: Annotated[str | None, doc("id of the batch that it tells of", None)]
    url: Annotated[str | None, doc(_NEXT_URL, EXAMPLE_RECEIVER)]
    status: Annotated[DeliveryStatus, doc("`pending` is tried again, `failed` is not", "delivered")]
    tries: Annotated[int, doc("tries so far, since it was last replayed", 1)]
    next_try_at: Annotated[Time | None, doc(_NEXT_TRY, None)]
    last_status: Annotated[int | None, doc("HTTP status of the last answer; null if none came", 204)]
    last_error: Annotated[str | None, doc("why the last try failed; null if it did not", None)]
    created_at: Time
    delivered_at: Annotated[Time | None, doc("when it was answered with 2xx")]
    answer: Annotated[str | UnsetType, doc("the first KiB of the last answer; not in a list", "")] = UNSET


# ---------------------------------------------------------------- routes

_WEBHOOKS = "/api/v1/webhooks"
_WEBHOOK = f"{_WEBHOOKS}/{{webhook_id:str}}"
_DELIVERY = f"{_WEBHOOKS}/deliveries/{{delivery_id:str}}"


@get(_WEBHOOKS, "webhooks")
async def list_webhooks(
    service: ServiceDependency,
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = limits.MAX_PAGE_SIZE,
) -> Success[ListPage[Webhook]]:
    """List all endpoints, oldest first.

    Their secrets are not shown; `POST /api/v1/webhooks/{webhook_id}/rotate` makes a new one.
    """
    webhooks = Page.of_all(await service.imagegen.parts.webhooks.all(), number=page, size=page_size)
    return listed(webhooks, Webhook.from_webhook, number=page, size=page_size)


@post(_WEBHOOKS, "webhooks", "upstream_not_allowed", "too_many_webhooks")
async def create_webhook(data: JSONBody[WebhookBody], service: ServiceDependency) -> Success[Webhook]:
    """Add an endpoint, which from now on hears of each task that ends.

    The answer is the only one with its secret. An address that is not public needs
    `security.allow_webhooks`.
    """
    webhook = await service.webhooks.create(data.url, data.events, enabled=data.enabled)
    return success(Webhook.from_webhook(webhook, with_secret=True))


@get(_WEBHOOK, "webhooks", "webhook_not_found")
async def get_webhook(webhook_id: requests.WebhookPath, service: ServiceDependency) -> Success[Webhook]:
    """Show an endpoint.

    With when a try last succeeded and last failed.
    """
    return success(Webhook.from_webhook(await service.webhooks.get(requests.parse_webhook_id(webhook_id))))


@patch(_WEBHOOK, "webhooks", "webhook_not_found", "upstream_not_allowed")
async def change_webhook(
    webhook_id: requests.WebhookPath, data: JSONBody[WebhookChanges], service: ServiceDependency
) -> Success[Webhook]:
    """Change an endpoint's address or events, or switch it on or off.

    While it is switched off, nothing is kept for it, and what is still on its way fails.
    """
    changes = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    webhook = await service.webhooks.change(requests.parse_webhook_id(webhook_id), WebhookChange(**changes))
    return success(Webhook.from_webhook(webhook))


@delete(_WEBHOOK, "webhooks", "webhook_not_found")
async def delete_webhook(webhook_id: requests.WebhookPath, service: ServiceDependency) -> Deleted:
    """Delete an endpoint.

    What is still on its way is not sent any more.
    """
    await service.imagegen.parts.webhooks.remove(requests.parse_webhook_id(webhook_id))
    return DELETED


@post(f"{_WEBHOOK}/test", "webhooks", "webhook_not_found", "unavailable", guards=[requests.without_fields])
async def test_webhook(webhook_id: requests.WebhookPath, service: ServiceDependency) -> Success[WebhookTest]:
    """Send the event `webhook.test` to an endpoint now, once.

    This is 200 whatever the receiver says; `ok` tells.
    """
    clock, number = service.imagegen.parts.clock, requests.parse_webhook_id(webhook_id)
    started_at = clock.monotonic()
    receipt, is_ok = await service.webhooks.test(number, body_of(service))
    took = round((clock.monotonic() - started_at) * 1000)
    return success(WebhookTest.from_attributes(receipt, ok=is_ok, latency_ms=took))


@post(f"{_WEBHOOK}/rotate", "webhooks", "webhook_not_found", "unavailable", guards=[requests.without_fields])
async def rotate_webhook(webhook_id: requests.WebhookPath, service: ServiceDependency) -> Success[Webhook]:
    """Give an endpoint a new secret.

    The answer shows it. For 24 hours the one before signs as well.
    """
    webhook = await service.webhooks.rotate(requests.parse_webhook_id(webhook_id))
    return success(Webhook.from_webhook(webhook, with_secret=True))


@get(f"{_WEBHOOK}/deliveries", "webhooks", "webhook_not_found", "validation_failed")
async def list_webhook_deliveries(
    webhook_id: requests.WebhookPath,
    service: ServiceDependency,
    status: Annotated[DeliveryStatus | None, requests.query("only deliveries in this status")] = None,
    page: requests.PageQuery = 1,
    page_size: requests.PageSizeQuery = limits.DEFAULT_PAGE_SIZE,
    cursor: requests.CursorQuery = None,
) -> Success[ListPage[Delivery]]:
    """List an endpoint's deliveries, newest first.

    They are kept for 30 days after they were made.
    """
    scope = ["deliveries", webhook_id, status]
    paging = requests.parse_paging(page, page_size, cursor, scope)
    webhook = await service.webhooks.get(requests.parse_webhook_id(webhook_id))
    deliveries = await service.imagegen.parts.webhooks.deliveries(webhook.id, status, paging)
    show = partial(Delivery.from_attributes, answer=UNSET)
    return listed(deliveries, show, number=page, size=page_size, query=scope)


@get(_DELIVERY, "webhooks", "delivery_not_found")
async def get_webhook_delivery(
    delivery_id: requests.DeliveryPath, service: ServiceDependency
) -> Success[Delivery]:
    """Show a delivery, with the beginning of the last answer.

    Also one to the `webhook_url` of a task, which no endpoint lists.
    """
    delivery = await service.imagegen.parts.webhooks.delivery(requests.parse_delivery_id(delivery_id))
    return success(Delivery.from_attributes(delivery))


@post(f"{_DELIVERY}/replay", "webhooks", "delivery_not_found", guards=[requests.without_fields])
async def replay_webhook_delivery(
    delivery_id: requests.DeliveryPath, service: ServiceDependency
) -> Success[Delivery]:
    """Send a delivery again, whatever became of it, with all its tries.

    The event keeps its id, so a receiver knows it again. The body is rendered again.
    """
    delivery = await service.webhooks.replay(requests.parse_delivery_id(delivery_id))
    return success(Delivery.from_attributes(delivery))


# ---------------------------------------------------------------- the body of a delivery

_SHORT_PROMPT_CHARS = 500
_LESS = ("prompt", "metadata", "tags", "collections", "inputs", "warnings", "config_snapshot")


def body_of(service: Service) -> Render:
    """Return the function that renders a delivery's body, with what is left of its task."""

    async def render(delivery: CoreDelivery) -> str:
        data: dict[str, Any] = {"webhook_id": delivery.webhook_id}
        if delivery.batch_id is not None:
            batch = await service.imagegen.parts.batches.get(delivery.batch_id)
            data = msgspec.to_builtins(Batch.from_batch(batch))
        if delivery.task_id is not None:
            try:
                view = await service.imagegen.tasks.show(delivery.task_id)
            except TaskNotFound:
                data = {"task_id": delivery.task_id, "status": delivery.type.rpartition(".")[2], "images": []}
            else:
                task = msgspec.to_builtins(Task.from_view(view, asgi.language.get()))
                data = _with_addresses(task, service)
        return _fitting({"type": delivery.type, "timestamp": timestamp(delivery.created_at), "data": data})

    return render


def _with_addresses(task: dict[str, Any], service: Service) -> dict[str, Any]:
    """Complete the addresses of a task; those of images open them without a token."""
    base_url = service.base_url()
    for image in task["images"]:
        image["image_url"] = service.links.url(image["id"], base_url)
        if image["thumbnail_url"] is not None:
            image["thumbnail_url"] = base_url + image["thumbnail_url"]
    for image in task["inputs"]:
        if image["url"] is not None:
            number, own = image["image_id"], base_url + image["url"]
            image["url"] = own if number is None else service.links.url(number, base_url)
    first = task["images"][0]["image_url"] if task["images"] else None
    urls = {name: base_url + path for name, path in task["urls"].items()}
    return {**task, "image_url": first, "urls": urls}


def _fitting(event: dict[str, Any]) -> str:
    """Return the event as JSON of at most `MAX_WEBHOOK_BODY_BYTES`; what is cut makes it ``truncated``."""
    body, task = msgspec.json.encode(event), event["data"]
    for names in (("params",), _LESS):
        if len(body) > limits.MAX_WEBHOOK_BODY_BYTES:
            prompt = task["prompt"] if names is not _LESS else task["prompt"][:_SHORT_PROMPT_CHARS]
            for each in (task, *task["images"]):
                for name in names:
                    each.pop(name, None)
            task |= {"prompt": prompt, "truncated": True}
            body = msgspec.json.encode(event)
    return body.decode()
