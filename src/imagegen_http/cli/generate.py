"""The commands that make images, one for each operation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from imagegen_core.limits import MAX_NUM
from imagegen_core.messages import Message, as_message
from imagegen_core.requests import UPSCALE_FACTORS, Operation
from imagegen_http.cli import options
from imagegen_http.cli.api import Api, ApiRefusal, with_api
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage, complain, note, say
from imagegen_http.cli.files import STDOUT, OutputFiles, read_inputs
from imagegen_http.cli.output import cost_note, is_watched, print_json, progress_bar, size_of
from imagegen_http.cli.words import in_words, message

_WAIT = {"Prefer": "wait=1"}  # a quick task ends within the request; a longer one is polled
_POLLS_PER_NODE_CHECK = 25  # look for living nodes again: a dead one is noticed late


def _make(
    operation: Operation,
    context: Context,
    /,
    prompt: str,
    params: dict[str, Any],
    num: int | None,
    output: str | None,
    *,
    force: bool,
    as_json: bool,
    image: str | None = None,
    mask: str | None = None,
    references: Sequence[str] = (),
    **fields: Any,
) -> None:
    """Submit the task, follow it to its end, write and print its images; ``fields`` are of the body."""
    params |= {} if num is None else {"num": num}
    if force and output is None:
        raise WrongUsage("{option} is for {other}", option="--force", other="-o")
    if as_json and output == str(STDOUT):
        raise WrongUsage("{first} and {second} exclude each other", first="-o -", second="--json")
    images, names = read_inputs(image, mask, references, context.cwd)
    files = None
    if output is not None:
        files = OutputFiles.at(context.cwd, output, count=_count(params), force=force)
    body = {"params": params, **{name: field for name, field in fields.items() if field}}
    if operation.rules.prompt_field == "params.prompt":
        params["prompt"] = prompt
    elif prompt or operation.rules.needs_prompt:
        body["prompt"] = prompt

    async def act(api: Api) -> None:
        import asyncio

        if files is not None:
            files.check_writable()
        if not as_json and is_watched():
            await _show_estimate(api, {**body, "operation": operation})
        look = message(
            "a task may have been accepted; look with `{command}`", command=f"{api.program} tasks list"
        )
        with _noting(api, look, asyncio.CancelledError):
            task = await api.submit(operation.rules.path, names=names, json={**body, **images}, headers=_WAIT)
        command = f"{api.program} tasks show {task['task_id']}"
        look = message("`{command}` shows what becomes of the task", command=command)
        with _noting(api, look, asyncio.CancelledError, CommandFailed):
            task = await _finished_task(api, task["task_id"], None if as_json else prompt or str(operation))
            paths = []
            if task["status"] == "completed" and files is not None:
                paths = await _write(api, task["images"], files)
        _print(api, task, paths, as_json=as_json)

    with_api(context, act, run_background=True, create=True)


def _count(params: Mapping[str, Any]) -> int:
    """Return how many images are asked for, 1 if that cannot be read here."""
    from imagegen_core.models import COUNT_NAMES

    numbers = (params[name] for name in COUNT_NAMES if isinstance(params.get(name), int))
    return min(next(numbers, 1), MAX_NUM)


async def _show_estimate(api: Api, body: Mapping[str, Any]) -> None:
    """Print the estimated cost; errors are left to the submission."""
    with suppress(ApiRefusal):
        estimate = await api.post("/api/v1/tasks/estimate", json=body)
        if amounts := [*filter(None, map(cost_note, estimate.get("costs") or [estimate["cost"]]))]:
            note("estimated cost: {cost}", cost=" / ".join(amounts))
        elif usual := estimate.get("usual"):
            cost = f"{usual['amount']} {usual['currency']}"
            note("usual cost: {cost}, by the last {count} image(s)", cost=cost, count=usual["images"])


async def _finished_task(api: Api, task_id: str, title: str | None) -> dict[str, Any]:
    """Show the task's progress until it ends; complain once if no living node would run it."""
    has_complained, polls = False, 0
    with progress_bar(title, None) as update:
        async for task in api.follow(task_id):
            place, done = task["queue_position"], task["progress"]
            text = "" if place is None else in_words("place {place}", place=place)
            update(done, 1.0 if done else None, text)
            is_due = task["completed_at"] is None and polls % _POLLS_PER_NODE_CHECK == 0
            if is_due and not has_complained and await api.lacks_worker():
                complain("no node with the role worker is alive; the task waits until there is one")
                has_complained = True
            polls += 1
    return task


async def _write(api: Api, images: Sequence[Mapping[str, Any]], files: OutputFiles) -> list[Path]:
    """Write the images; of those without a file, print where they are kept."""
    written: list[Path] = []
    try:
        written = await files.write(api.download_image, images)
    finally:
        for image in images[len(written) :]:
            complain(_kept_line(api, image))
    return written


def _print(api: Api, task: Mapping[str, Any], paths: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        print_json(task)
    if task["status"] != "completed":
        raise CommandFailed(as_message(task["error"]["message"]))
    for warning in task["warnings"]:
        complain(as_message(warning))
    for path in () if as_json else paths:
        if path != STDOUT:
            click.echo(str(path))
    for image in () if as_json or paths else task["images"]:
        say(_kept_line(api, image))


def _kept_line(api: Api, image: Mapping[str, Any]) -> Message:
    return message(
        "image {id}: {size} {mime_type}, kept in {path}",
        id=image["id"],
        size=size_of(image),
        mime_type=image["mime_type"],
        path=api.place,
    )


@contextmanager
def _noting(api: Api, look: Message, *endings: type[BaseException]) -> Iterator[None]:
    """If the block ends with one of these and the task goes on, say how to look for it."""
    try:
        yield
    except endings:
        if api.tasks_go_on:
            complain(look)
        raise


# ---------------------------------------------------------------- the commands

_factors = click.Choice([*UPSCALE_FACTORS])
_prompt, _optional_prompt = click.argument("prompt"), click.argument("prompt", default="")
_image = click.option(
    "--image",
    required=True,
    metavar="FILE",
    help="The image: a file, image:ID for one that is kept, or - for standard input.",
)


def _target(text: str) -> dict[str, str]:
    provider, _, model_id = text.partition(":")
    return {"provider": provider, "model_id": model_id} if model_id else {"provider": provider}


_COMMON: tuple[Callable[..., Any], ...] = (
    options.provider,
    options.model,
    click.option(
        "--fallback",
        multiple=True,
        callback=lambda _context, _option, texts: [*map(_target, texts)],
        metavar="NAME[:ID]",
        help="Provider to ask next if nothing was charged, and its model; repeatable, up to 3, in order.",
    ),
    click.option(
        "-n", "--num", type=click.IntRange(1, MAX_NUM), metavar="N", help="How many images; left out: one."
    ),
    options.param(),
    options.output(metavar="FILE", help="The file (or directory) to write; - for standard output."),
    options.force,
    click.option("--json", "as_json", is_flag=True, help="Print the finished task as JSON."),
)


def _command(operation: Operation, help_: str, *own: Callable[..., Any]) -> click.Command:
    command: Any = click.pass_obj(partial(_make, operation))
    for option in reversed((*own, *_COMMON)):
        command = option(command)
    return click.command(str(operation), help=help_)(command)


generate = _command(
    Operation.GENERATE,
    "Make an image from PROMPT and keep it; with -o also write it to a file.\n\n"
    "Needs no server. Where one runs on the same data directory, it does the work.",
    _prompt,
)
reference = _command(
    Operation.REFERENCE,
    "Make an image from PROMPT and from images that show what it means.",
    _prompt,
    click.option(
        "--image",
        "references",
        multiple=True,
        required=True,
        metavar="FILE",
        help="A reference image: a file, image:ID for one that is kept, or -; repeatable, up to 14.",
    ),
    click.option("--image-size", metavar="SIZE", help="The size, such as 2K."),
    click.option("--aspect-ratio", metavar="RATIO", help="The shape, such as 16:9."),
)
edit = _command(
    Operation.EDIT,
    "Repaint an image as PROMPT says, all of it or where a mask is white or transparent.",
    _prompt,
    _image,
    click.option("--mask", metavar="FILE", help="What to repaint: an image of the same size, white where."),
    click.option("--edit-mode", metavar="MODE", help="How, where the model knows several ways."),
)
upscale = _command(
    Operation.UPSCALE,
    "Make an image two or four times as large.",
    _optional_prompt,
    _image,
    click.option("--factor", "upscale_factor", type=_factors, help="How much larger; left out: x2."),
)
recontext = _command(
    Operation.RECONTEXT, "Put what an image shows into the scene that PROMPT describes.", _prompt, _image
)
segment = _command(
    Operation.SEGMENT,
    "Mark what an image shows, or that of it which PROMPT names; the result is an image.",
    _optional_prompt,
    _image,
    click.option("--mode", metavar="MODE", help="What to mark, where the model knows several ways."),
)
