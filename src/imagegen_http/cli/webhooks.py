"""``imagegen webhooks``."""

from collections.abc import Mapping
from typing import Any

import click

from imagegen_http.cli import options
from imagegen_http.cli.api import Api, api_command
from imagegen_http.cli.context import CommandFailed, WrongUsage, about, say
from imagegen_http.cli.output import Column, print_json, show_list, show_record, show_table
from imagegen_http.cli.words import message

_PATH = "/api/v1/webhooks"
_LIST = (
    Column("id"),
    Column("status", lambda webhook: "on" if webhook["enabled"] else "off", "status"),
    Column("events", lambda webhook: ", ".join(webhook["events"]), "names"),
    Column("last success", "last_success_at", "time"),
    Column("last failure", "last_failure_at", "time"),
    Column("url"),
)
_RECORD = (
    *_LIST,
    Column("secret", lambda webhook: f"****{webhook['secret_last4'] or ''}"),
    Column("created", "created_at", "time"),
    Column("switched off", "disabled_reason"),
)
_DELIVERIES = (
    Column("id"),
    Column("status", kind="status"),
    Column("created", "created_at", "time"),
    Column("type"),
    Column("tries"),
    Column("next try", "next_try_at", "time"),
    Column("task", "task_id"),
    Column("error", "last_error", "text"),
)
_statuses = click.Choice(["pending", "delivered", "failed"])
_events = click.Choice(["task.completed", "task.failed", "task.cancelled", "batch.completed"])
_webhook = click.argument("webhook_id", type=options.positive)
_event = click.option("--event", "events", multiple=True, type=_events, help="What it hears of; repeatable.")

webhooks = click.Group("webhooks", help="Have receivers hear of tasks that end.")


@webhooks.command("list")
@options.as_json
@api_command
async def list_webhooks(api: Api, *, as_json: bool) -> None:
    """List all endpoints, oldest first."""
    empty = message("no webhooks in {path}", path=api.place)
    show_table(_LIST, (await api.get(_PATH))["items"], empty=empty, as_json=as_json)


@webhooks.command(short_help="Add an endpoint, and print its secret.")
@click.argument("url")
@_event
@options.as_json
@api_command
async def add(api: Api, url: str, events: tuple[str, ...], *, as_json: bool) -> None:
    """Add an endpoint, and print its secret, which is not shown again; without --event it hears of all."""
    webhook = await api.post(_PATH, json={"url": url, **({"events": [*events]} if events else {})})
    if as_json:
        print_json(webhook)
    else:
        click.echo(webhook["secret"])


@webhooks.command(short_help="Print one endpoint.")
@_webhook
@options.as_json
@api_command
async def show(api: Api, webhook_id: int, *, as_json: bool) -> None:
    """Print an endpoint without its secret; in a pipe as JSON."""
    show_record(await api.get(f"{_PATH}/{webhook_id}"), _RECORD, as_json=as_json)


@webhooks.command()
@_webhook
@click.option("--url", metavar="URL", help="Another address.")
@_event
@click.option("--enable/--disable", "enabled", default=None, help="Switch it on or off.")
@api_command
async def edit(api: Api, webhook_id: int, **changes: Any) -> None:
    """Change an endpoint; what is left out stays."""
    body = {name: value for name, value in changes.items() if value not in (None, ())}
    if not body:
        raise WrongUsage("nothing to change")
    await api.call("PATCH", f"{_PATH}/{webhook_id}", json=body)
    say("changed webhook {id}", id=webhook_id)


@webhooks.command()
@_webhook
@options.confirmed(lambda webhook_id: message("Remove webhook {id} and its secret?", id=webhook_id))
@api_command
async def remove(api: Api, webhook_id: int) -> None:
    """Remove an endpoint; what is still on its way is not sent."""
    await api.call("DELETE", f"{_PATH}/{webhook_id}")
    say("removed webhook {id}", id=webhook_id)


@webhooks.command()
@_webhook
@api_command
async def test(api: Api, webhook_id: int) -> None:
    """Send the event webhook.test to an endpoint now, once."""
    result = await api.post(f"{_PATH}/{webhook_id}/test")
    if not result["ok"]:
        reason = result["error"] or message("the receiver answered {status}", status=result["status"])
        raise CommandFailed(about(str(webhook_id), reason))
    say("the receiver answered {status} ({ms} ms)", status=result["status"], ms=result["latency_ms"])


@webhooks.command(short_help="Give an endpoint a new secret.")
@_webhook
@api_command
async def rotate(api: Api, webhook_id: int) -> None:
    """Give an endpoint a new secret, and print it; for 24 hours the one before signs as well."""
    click.echo((await api.post(f"{_PATH}/{webhook_id}/rotate"))["secret"])


@webhooks.command(short_help="List what was sent to an endpoint.")
@_webhook
@click.option("--status", type=_statuses, help="Only these.")
@options.listing
@api_command
async def deliveries(api: Api, webhook_id: int, status: str | None, listing: Mapping[str, Any]) -> None:
    """List an endpoint's deliveries of the last 30 days, newest first."""
    query = {} if status is None else {"status": status}
    empty = message("no deliveries to webhook {id}", id=webhook_id)
    await show_list(api, f"{_PATH}/{webhook_id}/deliveries", query, _DELIVERIES, empty=empty, **listing)


@webhooks.command(short_help="Send a delivery again.")
@click.argument("delivery_id", type=options.positive)
@api_command
async def replay(api: Api, delivery_id: int) -> None:
    """Send a delivery again, whatever became of it, under the same event."""
    await api.post(f"{_PATH}/deliveries/{delivery_id}/replay")
    say("delivery {id} is sent again", id=delivery_id)
