"""``imagegen tasks inputs``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from imagegen_http.cli import tables
from imagegen_http.cli.api import Api, ImageUnreadable, segment
from imagegen_http.cli.context import CommandFailed, Context, print_json
from imagegen_http.cli.failures import Failures
from imagegen_http.cli.image_files import input_name_of
from imagegen_http.cli.messages import CommandCode, NoteCode
from imagegen_http.cli.privileges import check_writable
from imagegen_http.cli.tables import Column, Kind
from imagegen_http.cli.titles import TitleCode

_COLUMNS = (
    Column(TitleCode.TITLE_INDEX),
    Column(TitleCode.TITLE_ROLE, Kind.WORD),
    Column(TitleCode.TITLE_ID),
    Column(TitleCode.TITLE_SIZE),
    Column(TitleCode.TITLE_URL),
)


@click.command(short_help="List a task's input images, or save them.")
@click.argument("task_id")
@click.option(
    "-o",
    "--output",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path, file_okay=False),
    help="Save them to this directory instead.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def inputs(context: Context, task_id: str, output: Path | None, *, as_json: bool) -> None:
    """List the images that a task was given, or save them.

    One that is no longer there stops no other.
    """
    directory = None if output is None else _writable(context.cwd / output)

    async def act(api: Api) -> None:
        task = await api.call("GET", f"/api/v1/tasks/{segment(task_id)}")
        if directory is not None:
            await _save(api, task, directory)
        elif as_json:
            print_json(task["inputs"])
        else:
            empty = NoteCode.NO_INPUTS(task=task_id)
            tables.show(_COLUMNS, map(_row, task["inputs"]), language=api.language, empty=empty)

    context.with_api(act)


def _writable(directory: Path) -> Path:
    """Return the directory.

    Raises:
        CommandFailed: there is none, or it cannot be written to.
    """
    if not directory.is_dir():
        raise CommandFailed(CommandCode.NO_DIRECTORY(path=str(directory)))
    check_writable(directory)
    return directory


async def _save(api: Api, task: Mapping[str, Any], directory: Path) -> None:
    """Write each input to a file of its own, and print its path.

    Raises:
        CommandFailed: a file cannot be written, or some inputs are no longer there.
    """
    failures = Failures()
    for one in task["inputs"]:
        with failures.catching(one["index"]):
            if one["url"] is None:
                raise ImageUnreadable(CommandCode.INPUT_GONE())
            file = directory / input_name_of(one, task["task_id"])
            await api.download_input(task["task_id"], one["index"], file)
            click.echo(str(file))
    failures.check()


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    size = f"{one['width']}x{one['height']}"
    return one["index"], one["role"], one["image_id"], size, one["url"]
