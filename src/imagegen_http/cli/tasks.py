"""``imagegen tasks``."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from imagegen_http.cli import tables
from imagegen_http.cli.api import Api, ApiRefusal, segment
from imagegen_http.cli.context import Context, WrongUsage, print_json
from imagegen_http.cli.costs import cost_note
from imagegen_http.cli.image_files import numbered
from imagegen_http.cli.inputs import inputs
from imagegen_http.cli.listing import Listing, list_options
from imagegen_http.cli.messages import NoteCode, UsageCode
from imagegen_http.cli.output_files import STDOUT, check_stdout, write_to_stdout
from imagegen_http.cli.parameters import param_option, parse_params
from imagegen_http.cli.privileges import check_writable
from imagegen_http.cli.records import show_record
from imagegen_http.cli.results import ResultCode
from imagegen_http.cli.statuses import show_status, status_text
from imagegen_http.cli.tables import Column, Kind
from imagegen_http.cli.titles import TitleCode

_COLUMNS = (
    Column(TitleCode.TITLE_TASK),
    Column(TitleCode.TITLE_STATUS, Kind.STATUS),
    Column(TitleCode.TITLE_CREATED, Kind.TIME, may_be_absent=True),
    Column(TitleCode.TITLE_OPERATION, Kind.WORD, may_be_absent=True),
    Column(TitleCode.TITLE_PROVIDER),
    Column(TitleCode.TITLE_ERROR),
    Column(TitleCode.TITLE_PROMPT, Kind.TEXT),
)
_COUNT_COLUMNS = (Column(TitleCode.TITLE_STATUS, Kind.STATUS), Column(TitleCode.TITLE_TASKS))


@click.group()
def tasks() -> None:
    """See tasks, cancel them, make them again."""


@tasks.command("list")
@click.option(
    "--status",
    type=click.Choice(["pending", "processing", "completed", "failed", "cancelled"]),
    help="Only these.",
)
@click.option("--provider", metavar="NAME", help="Only this provider's.")
@list_options
@click.pass_obj
def list_tasks(context: Context, status: str | None, provider: str | None, listing: Listing) -> None:
    """List tasks, newest first."""

    async def act(api: Api) -> None:
        filters = {k: v for k, v in (("status", status), ("provider", provider)) if v}
        empty = NoteCode.NO_TASKS(path=api.place)
        await listing.show(api, "/api/v1/tasks", filters, columns=_COLUMNS, row=_row, empty=empty)

    context.with_api(act)


@tasks.command(short_help="Print one task.")
@click.argument("task_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(context: Context, task_id: str, *, as_json: bool) -> None:
    """Print what a terminal has room for of a task; in a pipe all of it, as JSON."""

    async def act(api: Api) -> None:
        task = await api.call("GET", f"/api/v1/tasks/{segment(task_id)}")
        show_record(task, _fields(task), as_json=as_json, language=api.language)

    context.with_api(act)


tasks.add_command(inputs)


@tasks.command(short_help="Save an answer that could not be used.")
@click.argument("task_id")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Save it as this file instead of TASK_ID.bin; - is standard output.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists; write to a terminal.")
@click.pass_obj
def response(context: Context, task_id: str, output: Path | None, *, force: bool) -> None:
    """Save what a provider sent and was paid for, and could not be used; it is kept for a week.

    Several files get numbers. Their paths are printed.
    """
    name = "".join(c for c in task_id if c.isalnum() or c == "-")
    target = context.cwd / (output or f"{name}.bin")
    if output == STDOUT:
        check_stdout(force=force)
    else:
        check_writable(target.parent)

    async def act(api: Api) -> None:
        if output == STDOUT:
            await write_to_stdout(partial(api.download_response, task_id, 0))
            return
        for index, file in enumerate(numbered(target)):
            try:
                await api.download_response(task_id, index, file, replace=force)
            except ApiRefusal:
                if index == 0:
                    raise
                return
            click.echo(str(file))

    context.with_api(act)


@tasks.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def counts(context: Context, *, as_json: bool) -> None:
    """Tell how many tasks have each status."""

    async def act(api: Api) -> None:
        numbers = await api.call("GET", "/api/v1/tasks/counts")
        if as_json:
            print_json(numbers)
        else:
            rows = list(numbers.items())
            empty = NoteCode.NO_TASKS(path=api.place)
            tables.show(_COUNT_COLUMNS, rows, language=api.language, empty=empty)

    context.with_api(act)


@tasks.command(short_help="Cancel a task, or all.")
@click.argument("task_id", required=False)
@click.option("--all", "all_", is_flag=True, help="All that wait, instead of one.")
@click.option(
    "--status",
    type=click.Choice(["pending", "processing"]),
    help="With --all: those that wait (the default), or those that run.",
)
@click.option("--provider", metavar="NAME", help="With --all: only this provider's.")
@click.pass_obj
def cancel(
    context: Context, task_id: str | None, status: str | None, provider: str | None, *, all_: bool
) -> None:
    """Cancel a task: at once while it waits, as far as the provider can while it runs.

    With --all cancel all that wait, and print how many they were.
    """
    if all_ == (task_id is not None):
        raise WrongUsage(UsageCode.EITHER_OR(first="TASK_ID", second="--all"))
    if not all_ and (status or provider):
        raise WrongUsage(UsageCode.NEEDS_OPTION(option="--status" if status else "--provider", other="--all"))

    async def act(api: Api) -> None:
        if task_id is not None:
            path = f"/api/v1/tasks/{segment(task_id)}"
            has_ended = (await api.call("GET", path))["completed_at"] is not None
            task = await api.call("POST", f"{path}/cancel")
            if has_ended:
                ending = status_text(task["status"], api.language)
                click.echo(ResultCode.TASK_HAD_ENDED(status=ending).text(api.language))
            else:
                show_status(task["status"], api.language)
        else:
            criteria = {"status": status or "pending", "provider": provider}
            click.echo((await api.call("POST", "/api/v1/tasks/cancel", json=criteria))["cancelled"])

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


@tasks.command(short_help="Make a task again, with changes; is charged again.")
@click.argument("task_id")
@click.option("--prompt", metavar="TEXT", help="Another prompt.")
@click.option("-p", "--provider", metavar="NAME", help="Another provider.")
@click.option("-m", "--model", metavar="ID", help="Another model.")
@param_option
@click.pass_obj
def rerun(
    context: Context,
    task_id: str,
    prompt: str | None,
    provider: str | None,
    model: str | None,
    params: tuple[str, ...],
) -> None:
    """Make a new task from any other one, with changes; it is charged again.

    `--param NAME=` takes a parameter back. Without a server the new task is worked on by the next one, or by
    the next command.
    """
    changes: dict[str, Any] = {"params": parse_params(params, empty=None)}
    if prompt is not None:
        changes["params"]["prompt"] = prompt
    changes |= {k: v for k, v in (("provider", provider), ("model_id", model)) if v}

    async def act(api: Api) -> None:
        task = await api.submit(f"/api/v1/tasks/{segment(task_id)}/rerun", json=changes)
        click.echo(task["task_id"])

    context.with_api(act)


def _fields(task: dict[str, Any]) -> tuple[tuple[Column, object], ...]:
    error = task["error"] or {}
    return (
        (Column(TitleCode.TITLE_TASK), task["task_id"]),
        (Column(TitleCode.TITLE_STATUS, Kind.STATUS), task["status"]),
        (Column(TitleCode.TITLE_PROMPT), task["prompt"]),
        (Column(TitleCode.TITLE_OPERATION, Kind.WORD), task["operation"]),
        (Column(TitleCode.TITLE_PROVIDER), task["provider"]),
        (Column(TitleCode.TITLE_MODEL), task["model_id"]),
        (Column(TitleCode.TITLE_CREATED, Kind.TIME), task["created_at"]),
        (Column(TitleCode.TITLE_STARTED, Kind.TIME), task["started_at"]),
        (Column(TitleCode.TITLE_COMPLETED, Kind.TIME), task["completed_at"]),
        (Column(TitleCode.TITLE_ATTEMPTS), task["attempts"]),
        (Column(TitleCode.TITLE_ERROR), " ".join(filter(None, (error.get("code"), error.get("message"))))),
        (Column(TitleCode.TITLE_COST), cost_note(task["cost"])),
        (Column(TitleCode.TITLE_IMAGES), ", ".join(str(image["id"]) for image in task["images"])),
        (Column(TitleCode.TITLE_WARNINGS), " ".join(task["warnings"])),
    )


def _row(task: dict[str, Any]) -> tuple[object, ...]:
    return (
        task["task_id"],
        task["status"],
        task["created_at"],
        task["operation"],
        task["provider"],
        (task["error"] or {}).get("code"),
        task["prompt"],
    )
