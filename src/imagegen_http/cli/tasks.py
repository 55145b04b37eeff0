"""``imagegen tasks``."""

from typing import Any

import click

from imagegen_http.cli.api import Api, segment
from imagegen_http.cli.context import Context, print_json
from imagegen_http.cli.listing import Listing, list_options
from imagegen_http.cli.messages import NoteCode

_COLUMNS = ("task", "status", "provider", "error", "prompt")


@click.group()
def tasks() -> None:
    """See, cancel and retry tasks."""


@tasks.command("list")
@click.option(
    "--status",
    type=click.Choice(["pending", "processing", "completed", "failed", "cancelled"]),
    help="Only these.",
)
@click.option("--provider", help="Only this provider's.")
@list_options
@click.pass_obj
def list_tasks(context: Context, status: str | None, provider: str | None, listing: Listing) -> None:
    """List tasks, newest first."""

    async def act(api: Api) -> None:
        filters = {k: v for k, v in (("status", status), ("provider", provider)) if v}
        empty = NoteCode.NO_TASKS(path=api.place)
        await listing.show(api, "/api/v1/tasks", filters, columns=_COLUMNS, row=_row, empty=empty)

    context.with_api(act)


@tasks.command()
@click.argument("task_id")
@click.pass_obj
def show(context: Context, task_id: str) -> None:
    """Print one task as JSON."""

    async def act(api: Api) -> None:
        print_json(await api.call("GET", f"/api/v1/tasks/{segment(task_id)}"))

    context.with_api(act)


@tasks.command(short_help="Cancel a task.")
@click.argument("task_id")
@click.pass_obj
def cancel(context: Context, task_id: str) -> None:
    """Cancel a task: at once while it waits, as far as the provider can while it runs."""

    async def act(api: Api) -> None:
        task = await api.call("POST", f"/api/v1/tasks/{segment(task_id)}/cancel")
        click.echo(task["status"])

    context.with_api(act)


@tasks.command(short_help="Make a task again; may be charged again.")
@click.argument("task_id")
@click.pass_obj
def retry(context: Context, task_id: str) -> None:
    """Make a new task from a failed or cancelled one; it may be charged again.

    Without a server it is worked on by the next one, or by the next command.
    """

    async def act(api: Api) -> None:
        task = await api.submit(f"/api/v1/tasks/{segment(task_id)}/retry")
        click.echo(task["task_id"])

    context.with_api(act)


def _row(task: dict[str, Any]) -> tuple[object, ...]:
    error = task["error"] or {}
    return task["task_id"], task["status"], task["provider"], error.get("code"), task["prompt"][:50]
