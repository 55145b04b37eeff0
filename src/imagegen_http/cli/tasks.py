"""``imagegen tasks`` and ``imagegen usage``."""

import re
from collections.abc import Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import click

from imagegen_http.cli import options
from imagegen_http.cli.api import Api, ApiRefusal, Failures, ImageUnreadable, api_command, quoted, with_api
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage, check_writable, say
from imagegen_http.cli.files import STDOUT, check_stdout, extension_of, numbered, to_stdout
from imagegen_http.cli.output import (
    Column,
    cost_note,
    show_list,
    show_record,
    show_status,
    show_table,
    size_of,
)
from imagegen_http.cli.words import label, message


def _attempt_note(attempt: Mapping[str, Any]) -> str:
    return f"{attempt['provider']} ({attempt['code']})"


_LIST = (
    Column("task", "task_id"),
    Column("status", kind="status"),
    Column("created", "created_at", "time", may_be_absent=True),
    Column("operation", kind="word", may_be_absent=True),
    Column("provider"),
    Column("error", "error.code"),
    Column("prompt", kind="text"),
)
_COUNTS = (Column("status", kind="status"), Column("tasks"))
_INPUTS = (
    Column("index"),
    Column("role", kind="word"),
    Column("id", "image_id"),
    Column("size", size_of),
    Column("url"),
)
_RECORD = (
    Column("task", "task_id"),
    Column("status", kind="status"),
    Column("prompt"),
    Column("operation", kind="word"),
    Column("provider"),
    Column("model", "model_id"),
    Column("created", "created_at", "time"),
    Column("started", "started_at", "time"),
    Column("ended", "completed_at", "time"),
    Column("attempts"),
    Column("asked before", lambda task: ", ".join(map(_attempt_note, task["attempt_history"][:-1]))),
    Column("error", lambda task: " ".join(filter(None, map((task["error"] or {}).get, ("code", "message"))))),
    Column("cost", lambda task: cost_note(task["cost"])),
    Column("images", lambda task: ", ".join(str(image["id"]) for image in task["images"])),
    Column("warnings", lambda task: " ".join(task["warnings"])),
)
_statuses = click.Choice(["pending", "processing", "completed", "failed", "cancelled"])
tasks = click.Group("tasks", help="See tasks, cancel them, make them again.")
_groups = click.Choice(["day", "provider", "model"])


def _path(task_id: str) -> str:
    return f"/api/v1/tasks/{quoted(task_id)}"


@tasks.command("list")
@click.option("--status", type=_statuses, help="Only these.")
@click.option("--provider", metavar="NAME", help="Only this provider's.")
@options.listing
@api_command
async def list_tasks(api: Api, listing: Mapping[str, Any], **filters: str | None) -> None:
    """List tasks, newest first."""
    query = {name: value for name, value in filters.items() if value}
    empty = message("no tasks in {path}", path=api.place)
    await show_list(api, "/api/v1/tasks", query, _LIST, empty=empty, **listing)


@tasks.command(short_help="Print one task.")
@click.argument("task_id")
@options.as_json
@api_command
async def show(api: Api, task_id: str, *, as_json: bool) -> None:
    """Print what a terminal has room for of a task; in a pipe all of it, as JSON."""
    show_record(await api.get(_path(task_id)), _RECORD, as_json=as_json)


@tasks.command(short_help="List a task's input images, or save them.")
@click.argument("task_id")
@options.output(metavar="DIRECTORY", type=options.directory, help="Save them to this directory instead.")
@options.as_json
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
        if directory is None:
            empty = message("task {task} has no input images", task=task_id)
            show_table(_INPUTS, task["inputs"], empty=empty, as_json=as_json)
            return
        failures = Failures()
        for index, one in ((one["index"], one) for one in task["inputs"]):
            with failures.catching(index):
                if one["url"] is None:
                    raise ImageUnreadable("the input image is no longer kept, or was deleted")
                file = directory / f"{_safe_name(task['task_id'])}-{index:d}{extension_of(one)}"
                await api.download(f"{_path(task['task_id'])}/inputs/{index:d}/content", file)
                click.echo(str(file))
        failures.check()

    with_api(context, act)


def _safe_name(task_id: str) -> str:
    """Keep what is safe in a file name, whatever a server sends as id."""
    return re.sub("[^A-Za-z0-9-]", "", task_id)


@tasks.command(short_help="Save an answer that could not be used.")
@click.argument("task_id")
@options.output(
    metavar="FILE",
    type=options.file_or_stdout,
    help="Save it as this file instead of TASK_ID.bin; - is standard output.",
)
@options.force
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
            await to_stdout(lambda copy: download(api, 0, copy))
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
@options.as_json
@api_command
async def counts(api: Api, *, as_json: bool) -> None:
    """Tell how many tasks have each status."""
    numbers = await api.get("/api/v1/tasks/counts")
    rows = numbers if as_json else [{"status": status, "tasks": n} for status, n in numbers.items()]
    show_table(_COUNTS, rows, empty=message("no tasks in {path}", path=api.place), as_json=as_json)


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
@options.param(empty=None)
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
@options.as_json
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
