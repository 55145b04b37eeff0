"""The commands that make images: one for each operation of the core's table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import attrs
import click

from imagegen_core.limits import MAX_NUM
from imagegen_core.messages import Message, as_message
from imagegen_core.operations import UPSCALE_FACTORS, Operation
from imagegen_http.cli.access import with_api
from imagegen_http.cli.api import Api, ApiRefusal
from imagegen_http.cli.context import (
    CommandFailed,
    Context,
    WrongUsage,
    check_writable,
    complain,
    note,
    print_json,
    say,
)
from imagegen_http.cli.files import STDOUT, InputFiles, OutputFiles
from imagegen_http.cli.options import param_option, parse_params
from imagegen_http.cli.output import cost_note, is_watched, size_of, task_progress
from imagegen_http.cli.words import message

_WAIT = {"Prefer": "wait=1"}
"""The end of a quick task is answered at once; a longer one is polled, and shows its progress."""

_POLLS_A_LOOK = 25
"""A node counts as dead only after a while, so there is more than one look for those that are alive."""


@attrs.frozen(kw_only=True)
class Submission:
    """What was asked for, whatever the operation, and what becomes of the images."""

    context: Context
    provider: str | None
    model: str | None
    params: Mapping[str, Any]
    output: str | None
    force: bool
    as_json: bool

    def run(
        self,
        operation: Operation,
        prompt: str,
        *,
        image: str | None = None,
        mask: str | None = None,
        references: Sequence[str] = (),
        **parameters: str | None,
    ) -> None:
        """Have the task made, follow it to its end, and write and print its images.

        ``parameters`` are those that belong to the operation.
        """
        cwd, inputs, output = self.context.cwd, InputFiles(), None
        if image is not None:
            inputs = InputFiles.of_image(image, cwd, mask=mask)
        elif references:
            inputs = InputFiles.of_references(references, cwd)
        body = self._body(operation, prompt, parameters)
        if self.output is not None:
            output = OutputFiles.at(cwd, self.output, count=self._count(), force=self.force)

        async def act(api: Api) -> None:
            import asyncio

            if output is not None:
                check_writable(output.directory)
            await self._show_estimate(api, operation, body)
            look = message(
                "a task may have been accepted; look with `{command}`", command=f"{api.program} tasks list"
            )
            with _noting(api, look, asyncio.CancelledError):
                request = {**body, **inputs.body}
                task = await api.submit(operation.rules.path, inputs.names, json=request, headers=_WAIT)
            command = f"{api.program} tasks show {task['task_id']}"
            look = message("`{command}` shows what becomes of the task", command=command)
            with _noting(api, look, asyncio.CancelledError, CommandFailed):
                title = None if self.as_json else prompt or str(operation)
                task = await _finished_task(api, task["task_id"], title=title)
                written = []
                if task["status"] == "completed" and output is not None:
                    written = await _write(api, task["images"], output)
            self._print(api, task, written)

        with_api(self.context, act, run_background=True, create=True)

    def _count(self) -> int:
        """Return how many images are asked for, as far as that can be read here."""
        from imagegen_core.models import COUNT_NAMES

        numbers = [self.params[name] for name in COUNT_NAMES if name in self.params]
        return min(next((number for number in numbers if isinstance(number, int)), 1), MAX_NUM)

    def _body(
        self, operation: Operation, prompt: str, parameters: Mapping[str, str | None]
    ) -> dict[str, Any]:
        """Return the body without its images."""
        texts = {"provider": self.provider, "model_id": self.model, **parameters}
        body: dict[str, Any] = {"params": {**self.params}, **{k: v for k, v in texts.items() if v}}
        if operation.rules.prompt_field == "params.prompt":
            body["params"]["prompt"] = prompt
        elif prompt or operation.rules.needs_prompt:
            body["prompt"] = prompt
        return body

    async def _show_estimate(self, api: Api, operation: Operation, body: Mapping[str, Any]) -> None:
        """Tell a person what this will cost; what is wrong with it, the answer to it tells."""
        if self.as_json or not is_watched():
            return
        try:
            cost = (await api.post("/api/v1/tasks/estimate", json={**body, "operation": operation}))["cost"]
        except ApiRefusal:
            return
        if (amount := cost_note(cost)) is not None:
            note("estimated cost: {cost}", cost=amount)

    def _print(self, api: Api, task: Mapping[str, Any], written: Sequence[Path]) -> None:
        if self.as_json:
            print_json(task)
        if task["status"] != "completed":
            raise CommandFailed(as_message(task["error"]["message"]))
        for warning in task["warnings"]:
            complain(as_message(warning))
        if self.as_json:
            return
        for path in written:
            if path != STDOUT:
                click.echo(str(path))
        for image in [] if written else task["images"]:
            say(_kept_line(api, image))


async def _write(api: Api, images: Sequence[Mapping[str, Any]], output: OutputFiles) -> list[Path]:
    """Write the images; say where those are kept that got no file."""
    written: list[Path] = []
    try:
        written = await output.write(api.download_image, images)
    finally:
        for image in images[len(written) :]:
            complain(_kept_line(api, image))
    return written


def _kept_line(api: Api, image: Mapping[str, Any]) -> Message:
    return message(
        "image {id}: {size} {mime_type}, kept in {path}",
        id=image["id"],
        size=size_of(image),
        mime_type=image["mime_type"],
        path=api.place,
    )


async def _finished_task(api: Api, task_id: str, *, title: str | None) -> dict[str, Any]:
    """Return the task once it has ended; show its progress under a title, and say if nobody would run it."""
    says_lack, polls = False, 0
    with task_progress(title) as show:
        async for task in api.follow(task_id):
            show(task)
            running = task["completed_at"] is None
            if running and not says_lack and polls % _POLLS_A_LOOK == 0 and await api.lacks_worker():
                complain("no node with the role worker is alive; the task waits until there is one")
                says_lack = True
            polls += 1
    return task


@contextmanager
def _noting(api: Api, look: Message, *endings: type[BaseException]) -> Iterator[None]:
    """Say what a person should know of a task that goes on when the context ends in one of these ways."""
    try:
        yield
    except endings:
        if api.tasks_go_on:
            complain(look)
        raise


# ---------------------------------------------------------------- the commands

_image_option = click.option(
    "--image",
    required=True,
    metavar="FILE",
    help="The image: a file, image:ID for one that is kept, or - for standard input.",
)


def _submission_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of all operations to a command, which gets them as ``submission``."""

    @click.option(
        "-p", "--provider", metavar="NAME", help="Name of the provider; left out: default_provider."
    )
    @click.option("-m", "--model", metavar="ID", help="Id of the model; left out: the provider's default.")
    @click.option(
        "-n", "--num", type=click.IntRange(1, MAX_NUM), metavar="N", help="How many images; left out: one."
    )
    @param_option
    @click.option(
        "-o",
        "--output",
        type=click.Path(),
        metavar="FILE",
        help="The file (or directory) to write; - for standard output.",
    )
    @click.option("--force", is_flag=True, help="Replace FILE if it exists; write to a terminal.")
    @click.option("--json", "as_json", is_flag=True, help="Print the finished task as JSON.")
    @click.pass_obj
    @wraps(command)
    def with_submission(context: Context, /, **options: Any) -> None:
        own = {name: options.pop(name) for name in ("provider", "model", "output", "force", "as_json")}
        params, num = parse_params(options.pop("params")), options.pop("num")
        if num is not None:
            params["num"] = num
        if own["force"] and own["output"] is None:
            raise WrongUsage("{option} is for {other}", option="--force", other="-o")
        if own["as_json"] and own["output"] == str(STDOUT):
            raise WrongUsage("{first} and {second} exclude each other", first="-o -", second="--json")
        command(Submission(context=context, params=params, **own), **options)

    return with_submission


@click.command(short_help="Make an image from PROMPT and keep it.")
@click.argument("prompt")
@_submission_options
def generate(submission: Submission, prompt: str) -> None:
    """Make an image from PROMPT and keep it; with -o also write it to a file.

    Needs no server. Where one runs on the same data directory, it does the work.
    """
    submission.run(Operation.GENERATE, prompt)


@click.command(short_help="Make an image from PROMPT and reference images.")
@click.argument("prompt")
@click.option(
    "--image",
    "references",
    multiple=True,
    required=True,
    metavar="FILE",
    help="A reference image: a file, image:ID for one that is kept, or -; repeatable, up to 14.",
)
@click.option("--image-size", metavar="SIZE", help="The size, such as 2K.")
@click.option("--aspect-ratio", metavar="RATIO", help="The shape, such as 16:9.")
@_submission_options
def reference(submission: Submission, prompt: str, **more: Any) -> None:
    """Make an image from PROMPT and from images that show what it means."""
    submission.run(Operation.REFERENCE, prompt, **more)


@click.command(short_help="Repaint an image as PROMPT says.")
@click.argument("prompt")
@_image_option
@click.option("--mask", metavar="FILE", help="What to repaint: an image of the same size, white where.")
@click.option("--edit-mode", metavar="MODE", help="How, where the model knows several ways.")
@_submission_options
def edit(submission: Submission, prompt: str, **more: Any) -> None:
    """Repaint an image as PROMPT says, all of it or where a mask is white or transparent."""
    submission.run(Operation.EDIT, prompt, **more)


@click.command(short_help="Make an image larger.")
@click.argument("prompt", default="")
@_image_option
@click.option(
    "--factor", "upscale_factor", type=click.Choice([*UPSCALE_FACTORS]), help="How much larger; left out: x2."
)
@_submission_options
def upscale(submission: Submission, prompt: str, **more: Any) -> None:
    """Make an image two or four times as large."""
    submission.run(Operation.UPSCALE, prompt, **more)


@click.command(short_help="Put what an image shows into another scene.")
@click.argument("prompt")
@_image_option
@_submission_options
def recontext(submission: Submission, prompt: str, **more: Any) -> None:
    """Put what an image shows into the scene that PROMPT describes."""
    submission.run(Operation.RECONTEXT, prompt, **more)


@click.command(short_help="Mark what an image shows.")
@click.argument("prompt", default="")
@_image_option
@click.option("--mode", metavar="MODE", help="What to mark, where the model knows several ways.")
@_submission_options
def segment(submission: Submission, prompt: str, **more: Any) -> None:
    """Mark what an image shows, or that of it which PROMPT names; the result is an image."""
    submission.run(Operation.SEGMENT, prompt, **more)
