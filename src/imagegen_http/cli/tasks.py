"""``imagegen tasks`` and ``imagegen usage``."""

import re
from collections.abc import Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import click

from imagegen_http.cli.access import api_command, with_api
from imagegen_http.cli.api import Api, ApiRefusal, Failures, ImageUnreadable, segment
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage, check_writable, print_json, say
from imagegen_http.cli.files import STDOUT, check_stdout, extension_of, numbered, write_to_stdout
from imagegen_http.cli.options import as_json, force_option, list_options, param_option
from imagegen_http.cli.output import (
    Column,
    Kind,
    Listing,
    cost_note,
    show_record,
    show_status,
    show_table,
    size_of,
)
from imagegen_http.cli.words import label, message

_LIST = (
    Column("task", "task_id"),
    Column("status", kind=Kind.STATUS),
    Column("created", "created_at", Kind.TIME, may_be_absent=True),
    Column("operation", kind=Kind.WORD, may_be_absent=True),
    Column("provider"),
    Column("error", "error.code"),
    Column("prompt", kind=Kind.TEXT),
)
_COUNTS = (Column("status", kind=Kind.STATUS), Column("tasks"))
_INPUTS = (
    Column("index"),
    Column("role", kind=Kind.WORD),
    Column("id", "image_id"),
    Column("size", size_of),
    Column("url"),
)
_RECORD = (
    Column("task", "task_id"),
    Column("status", kind=Kind.STATUS),
    Column("prompt"),
    Column("operation", kind=Kind.WORD),
    Column("provider"),
    Column("model", "model_id"),
    Column("created", "created_at", Kind.TIME),
    Column("started", "started_at", Kind.TIME),
    Column("ended", "completed_at", Kind.TIME),
    Column("attempts"),
    Column("error", lambda task: " ".join(filter(None, map((task["error"] or {}).get, ("code", "message"))))),
    Column("cost", lambda task: cost_note(task["cost"])),
    Column("images", lambda task: ", ".join(str(image["id"]) for image in task["images"])),
    Column("warnings", lambda task: " ".join(task["warnings"])),
)
_statuses = click.Choice(["pending", "processing", "completed", "failed", "cancelled"])
_groups = click.Choice(["day", "provider", "model"])


def _path(task_id: str) -> str:
    return f"/api/v1/tasks/{segment(task_id)}"


@click.group()
def tasks() -> None:
    """See tasks, cancel them, make them again."""


@tasks.command("list")
@click.option("--status", type=_statuses, help="Only these.")
@click.option("--provider", metavar="NAME", help="Only this provider's.")
@list_options
@api_command
async def list_tasks(api: Api, listing: Listing, **filters: str | None) -> None:
    """List tasks, newest first."""
    query = {name: value for name, value in filters.items() if value}
    await listing(api, "/api/v1/tasks", query, _LIST, empty=message("no tasks in {path}", path=api.place))


@tasks.command(short_help="Print one task.")
@click.argument("task_id")
@as_json
@api_command
async def show(api: Api, task_id: str, *, as_json: bool) -> None:
    """Print what a terminal has room for of a task; in a pipe all of it, as JSON."""
    show_record(await api.get(_path(task_id)), _RECORD, as_json=as_json)


@tasks.command(short_help="List a task's input images, or save them.")
@click.argument("task_id")
@click.option(
    "-o",
    "--output",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path, file_okay=False),
    help="Save them to this directory instead.",
)
@as_json
@click.pass_obj
def inputs(context: Context, task_id: str, output: Path | None, *, as_json: bool) -> None:
    """List the images that a task was given, or save them.

    One that is no longer there stops no other.
    """
    directory = None if output is None else context.cwd / output
    if directory is not None:
        if not directory.is_dir():
            raise CommandFailed("{path}: no such directory", path=str(directory))
        check_writable(directory)

    async def act(api: Api) -> None:
        task = await api.get(_path(task_id))
        if directory is not None:
            await _save_inputs(api, task, directory)
        else:
            empty = message("task {task} has no input images", task=task_id)
            show_table(_INPUTS, task["inputs"], empty=empty, as_json=as_json)

    with_api(context, act)


async def _save_inputs(api: Api, task: Mapping[str, Any], directory: Path) -> None:
    """Save each input under a name with the task's id, and print its path."""
    failures = Failures()
    for one in task["inputs"]:
        index = one["index"]
        with failures.catching(index):
            if one["url"] is None:
                raise ImageUnreadable("the input image is no longer kept, or was deleted")
            file = directory / f"{_safe_name(task['task_id'])}-{index:d}{extension_of(one)}"
            await api.download(f"{_path(task['task_id'])}/inputs/{index:d}/content", file)
            click.echo(str(file))
    failures.check()


def _safe_name(task_id: str) -> str:
    """Keep what is safe in a file name, whatever a server sends as id."""
    return re.sub("[^A-Za-z0-9-]", "", task_id)


@tasks.command(short_help="Save an answer that could not be used.")
@click.argument("task_id")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Save it as this file instead of TASK_ID.bin; - is standard output.",
)
@force_option
@click.pass_obj
def response(context: Context, task_id: str, output: Path | None, *, force: bool) -> None:
    """Save what a provider sent and was paid for, and could not be used; it is kept for a week.

    Several files get numbers. Their paths are printed.
    """
    target = context.cwd / (output or f"{_safe_name(task_id)}.bin")
    if output == STDOUT:
        check_stdout(force=force)
    else:
        check_writable(target.parent)

    async def download(api: Api, index: int, file: Path, *, replace: bool = False) -> None:
        path = f"{_path(task_id)}/response?index={index:d}"
        try:
            await api.download(path, file, replace=replace)
        except ImageUnreadable:
            await api.get(path)  # the API's own reason
            raise

    async def act(api: Api) -> None:
        if output == STDOUT:
            await write_to_stdout(lambda copy: download(api, 0, copy))
            return
        for index in count():
            file = numbered(target, index + 1)
            try:
                await download(api, index, file, replace=force)
            except ApiRefusal:
                if index == 0:
                    raise
                return
            click.echo(str(file))

    with_api(context, act)


@tasks.command()
@as_json
@api_command
async def counts(api: Api, *, as_json: bool) -> None:
    """Tell how many tasks have each status."""
    numbers = await api.get("/api/v1/tasks/counts")
    if as_json:
        print_json(numbers)
    else:
        rows = [{"status": status, "tasks": number} for status, number in numbers.items()]
        show_table(_COUNTS, rows, empty=message("no tasks in {path}", path=api.place))


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
        raise WrongUsage("give {first} or {second}", first="TASK_ID", second="--all")
    if not all_ and (status or provider):
        option = "--status" if status else "--provider"
        raise WrongUsage("{option} is for {other}", option=option, other="--all")

    async def act(api: Api) -> None:
        if task_id is None:
            criteria = {"status": status or "pending", "provider": provider}
            click.echo((await api.post("/api/v1/tasks/cancel", json=criteria))["cancelled"])
            return
        has_ended = (await api.get(_path(task_id)))["completed_at"] is not None
        ending = (await api.post(f"{_path(task_id)}/cancel"))["status"]
        if has_ended:
            say("it had ended already: {status}", status=label("status", ending))
        else:
            show_status(ending)

    with_api(context, act)


@tasks.command(short_help="Make a task again; may be charged again.")
@click.argument("task_id")
@api_command
async def retry(api: Api, task_id: str) -> None:
    """Make a new task from a failed or cancelled one; it may be charged again.

    Without a server it is worked on by the next one, or by the next command.
    """
    click.echo((await api.submit(f"{_path(task_id)}/retry"))["task_id"])


@tasks.command(short_help="Make a task again, with changes; is charged again.")
@click.argument("task_id")
@click.option("--prompt", metavar="TEXT", help="Another prompt.")
@click.option("-p", "--provider", metavar="NAME", help="Another provider.")
@click.option("-m", "--model", "model_id", metavar="ID", help="Another model.")
@param_option(empty=None)
@api_command
async def rerun(
    api: Api, task_id: str, prompt: str | None, params: dict[str, Any], **fields: str | None
) -> None:
    """Make a new task from any other one, with changes; it is charged again.

    `--param NAME=` takes a parameter back. Without a server the new task is worked on by the next one, or by
    the next command.
    """
    if prompt is not None:
        params["prompt"] = prompt
    changes = {"params": params, **{name: value for name, value in fields.items() if value}}
    click.echo((await api.submit(f"{_path(task_id)}/rerun", json=changes))["task_id"])


def _amounts(name: str, group: Mapping[str, Any]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in group[name].items()) or "-"


_SUMS = (
    Column("tasks"),
    Column("images"),
    *(Column(name, partial(_amounts, name)) for name in ("known", "estimated", "possible")),
    Column("unknown", "unknown_attempts"),
)


@click.command()
@click.option("--from", metavar="DATE", help="Ended at or after this date or time (ISO 8601).")
@click.option("--to", metavar="DATE", help="Ended before this time, or up to the end of this date.")
@click.option("--group-by", type=_groups, default="day", show_default=True, help="What a line is.")
@click.option("--tz", metavar="ZONE", help="Whose days and dates: Asia/Shanghai, +08:00; UTC if left out.")
@as_json
@api_command
async def usage(api: Api, *, as_json: bool, **query: str | None) -> None:
    """Add up tasks, images and costs of the tasks that ended in a time.

    Each currency has its own sum. Known: what the provider said; estimated: by the price lists; possible:
    what calls with an unknown outcome may have cost; unknown: calls whose amount nobody knows.
    """
    answer = await api.get("/api/v1/usage", params={k: v for k, v in query.items() if v})
    columns = (Column(str(query["group_by"]), "key"), *_SUMS)
    empty = message("no task ended in that time in {path}", path=api.place)
    show_table(columns, answer["groups"], empty=empty, as_json=as_json)
