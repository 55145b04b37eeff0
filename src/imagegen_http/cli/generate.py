"""``imagegen generate``: an image without a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from imagegen_core.limits import MAX_NUM
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, complain, print_json
from imagegen_http.cli.image_files import matching_name, name_of
from imagegen_http.cli.messages import CommandCode, NoteCode
from imagegen_http.cli.parameters import param_option, parse_params
from imagegen_http.cli.privileges import check_writable
from imagegen_http.cli.progress import progress_bar

_WAIT = {"Prefer": "wait=1"}
"""The end of a quick task is answered at once; a longer one is polled, and shows its progress."""

_POLLS_A_LOOK = 25
"""A node counts as dead only after a while, so there is more than one look for those that are alive."""


@click.command(short_help="Make an image from PROMPT and keep it.")
@click.argument("prompt")
@click.option("-p", "--provider", help="Name of the provider; left out: default_provider.")
@click.option("-m", "--model", help="Id of the model; left out: the provider's default.")
@click.option("-n", "--num", type=click.IntRange(1, MAX_NUM), help="How many images; left out: one.")
@param_option
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file (or directory) to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the finished task as JSON.")
@click.pass_obj
def generate(
    context: Context,
    prompt: str,
    provider: str | None,
    model: str | None,
    num: int | None,
    params: tuple[str, ...],
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Make an image from PROMPT and keep it; with -o also write it to a file.

    Needs no server. Where one runs on the same data directory, it does the work.
    """
    body: dict[str, Any] = {"params": {**parse_params(params), "prompt": prompt}}
    if num is not None:
        body["params"]["num"] = num
    body |= {k: v for k, v in (("provider", provider), ("model_id", model)) if v}
    target = None if output is None else context.cwd / output
    folder = None if target is None else _output_directory(target)

    async def act(api: Api) -> None:
        import asyncio

        check_writable(folder)
        look = NoteCode.TASK_PERHAPS(command=f"{api.program} tasks list")
        with _noting(api, look, asyncio.CancelledError):
            submitted = await api.submit(Operation.GENERATE.rules.path, json=body, headers=_WAIT)
        look = NoteCode.TASK_LEFT(command=f"{api.program} tasks show {submitted['task_id']}")
        with _noting(api, look, asyncio.CancelledError, CommandFailed):
            task = await _finished_task(api, submitted["task_id"], title=None if as_json else prompt)
            written = []
            if task["status"] == "completed" and target is not None:
                written = await _write(api, task["images"], target)
        if as_json:
            print_json(task)
        if task["status"] != "completed":
            raise CommandFailed(task["error"]["message"])
        for warning in task["warnings"]:
            complain(warning, api.language)
        if not as_json:
            _print_written(task["images"], written, api.place)

    context.with_api(act, run_background=True, create=True)


async def _finished_task(api: Api, task_id: str, *, title: str | None) -> dict[str, Any]:
    """Return the task once it has ended; show its progress under a title, and say if nobody would run it."""
    says_lack, polls = False, 0
    with progress_bar(title or "", quiet=title is None) as advance:
        async for task in api.follow(task_id):
            advance(task["progress"])
            running = task["completed_at"] is None
            if running and not says_lack and polls % _POLLS_A_LOOK == 0 and await api.lacks_worker():
                complain(NoteCode.NOBODY_RUNS_IT(), api.language)
                says_lack = True
            polls += 1
    return task


@contextmanager
def _noting(api: Api, note: Message, *endings: type[BaseException]) -> Iterator[None]:
    """Say what a person should know of a task that goes on when the context ends in one of these ways."""
    try:
        yield
    except endings:
        if api.tasks_go_on:
            complain(note, api.language)
        raise


def _output_directory(target: Path) -> Path:
    """Return the directory to which the images are written."""
    folder = target if target.is_dir() else target.parent
    if not folder.is_dir():
        raise CommandFailed(CommandCode.NO_DIRECTORY(path=str(target)))
    return folder


async def _write(api: Api, images: list[dict[str, Any]], target: Path) -> list[Path]:
    """Write the images: one to the file, several beside it with numbers, any into a directory."""
    written = []
    into_directory = target.is_dir()  # noqa: ASYNC240 - the event loop has nothing else to do
    for number, image in enumerate(images, 1):
        path = target
        if into_directory:
            path = target / name_of(image)
        elif number > 1:
            path = target.with_stem(f"{target.stem}-{number}")
        name = matching_name(path, image["mime_type"])
        if name != path:
            note = NoteCode.WRITTEN_AS(path=str(path), mime_type=image["mime_type"], name=name.name)
            complain(note, api.language)
        await api.download(image["id"], name)
        written.append(name)
    return written


def _print_written(images: list[dict[str, Any]], written: list[Path], place: str) -> None:
    if written:
        for path in written:
            click.echo(str(path))
    else:
        for image in images:
            size = f"{image['width']}x{image['height']}"
            click.echo(f"image {image['id']}: {size} {image['mime_type']}, kept in {place}")
