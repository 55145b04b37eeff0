"""What all operations share on the command line: their options, and the way from a request to its images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from imagegen_core.limits import MAX_NUM
from imagegen_core.messages import Message
from imagegen_core.models import COUNT_NAMES
from imagegen_core.operations import Operation
from imagegen_http.cli.api import Api, ApiRefusal
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage, complain, print_json
from imagegen_http.cli.costs import cost_note
from imagegen_http.cli.messages import NoteCode, UsageCode
from imagegen_http.cli.output_files import STDOUT, OutputFiles
from imagegen_http.cli.parameters import param_option, parse_params
from imagegen_http.cli.progress import is_shown, task_progress
from imagegen_http.cli.results import ResultCode

if TYPE_CHECKING:
    from imagegen_http.cli.input_files import InputFiles

_WAIT = {"Prefer": "wait=1"}
"""The end of a quick task is answered at once; a longer one is polled, and shows its progress."""

_POLLS_A_LOOK = 25
"""A node counts as dead only after a while, so there is more than one look for those that are alive."""


def submission_options(command: Callable[..., None]) -> Callable[..., None]:
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
    @wraps(command)
    def with_submission(
        *arguments: Any,
        provider: str | None,
        model: str | None,
        num: int | None,
        params: tuple[str, ...],
        output: str | None,
        force: bool,
        as_json: bool,
        **more: Any,
    ) -> None:
        parsed = parse_params(params)
        if num is not None:
            parsed["num"] = num
        if force and output is None:
            raise WrongUsage(UsageCode.NEEDS_OPTION(option="--force", other="-o"))
        if as_json and output == str(STDOUT):
            raise WrongUsage(UsageCode.EXCLUDE_EACH_OTHER(first="-o -", second="--json"))
        submission = Submission(
            provider=provider, model=model, params=parsed, output=output, force=force, as_json=as_json
        )
        command(*arguments, submission=submission, **more)

    return with_submission


@attrs.frozen(kw_only=True)
class Submission:
    """What was asked for, whatever the operation, and what becomes of the images."""

    provider: str | None
    model: str | None
    params: Mapping[str, Any]
    output: str | None
    force: bool
    as_json: bool

    def run(
        self,
        context: Context,
        operation: Operation,
        *,
        prompt: str,
        inputs: "InputFiles | None" = None,
        parameters: Mapping[str, str | None] | None = None,
    ) -> None:
        """Have the task made, follow it to its end, and write and print its images.

        ``parameters`` are those that belong to the operation.
        """
        body = self._body(operation, prompt, parameters or {})
        output = None
        if self.output is not None:
            output = OutputFiles.at(context.cwd, self.output, count=self._count(), force=self.force)

        async def act(api: Api) -> None:
            import asyncio

            if output is not None:
                output.check_writable()
            await self._show_estimate(api, operation, body)
            look = NoteCode.TASK_PERHAPS(command=f"{api.program} tasks list")
            with _noting(api, look, asyncio.CancelledError):
                request = body if inputs is None else {**body, **inputs.body}
                names = {} if inputs is None else inputs.names
                submitted = await api.submit(operation.rules.path, names, json=request, headers=_WAIT)
            look = NoteCode.TASK_LEFT(command=f"{api.program} tasks show {submitted['task_id']}")
            with _noting(api, look, asyncio.CancelledError, CommandFailed):
                title = prompt or str(operation)
                task = await _finished_task(api, submitted["task_id"], title=None if self.as_json else title)
                written = []
                if task["status"] == "completed" and output is not None:
                    written = await self._write(api, task["images"], output)
            self._print(api, task, written)

        context.with_api(act, run_background=True, create=True)

    def _count(self) -> int:
        """Return how many images are asked for, as far as that can be read here."""
        numbers = [self.params[name] for name in COUNT_NAMES if name in self.params]
        return min(next((number for number in numbers if isinstance(number, int)), 1), MAX_NUM)

    async def _write(self, api: Api, images: Sequence[Mapping[str, Any]], output: OutputFiles) -> list[Path]:
        """Write the images; say where those are kept that got no file."""
        written: list[Path] = []
        try:
            written = await output.write(api, images)
        finally:
            for image in images[len(written) :]:
                complain(_kept_line(api, image), api.language)
        return written

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
        if self.as_json or not is_shown():
            return
        try:
            request = {**body, "operation": operation}
            cost = (await api.call("POST", "/api/v1/tasks/estimate", json=request))["cost"]
        except ApiRefusal:
            return
        if (note := cost_note(cost)) is not None:
            click.echo(NoteCode.ESTIMATE(cost=note).text(api.language), err=True)

    def _print(self, api: Api, task: Mapping[str, Any], written: list[Path]) -> None:
        if self.as_json:
            print_json(task)
        if task["status"] != "completed":
            raise CommandFailed(task["error"]["message"])
        for warning in task["warnings"]:
            complain(warning, api.language)
        if self.as_json:
            return
        for path in written:
            if path != STDOUT:
                click.echo(str(path))
        for image in [] if written else task["images"]:
            click.echo(_kept_line(api, image).text(api.language))


def _kept_line(api: Api, image: Mapping[str, Any]) -> Message:
    size = f"{image['width']}x{image['height']}"
    return ResultCode.IMAGE_KEPT(id=image["id"], size=size, mime_type=image["mime_type"], path=api.place)


async def _finished_task(api: Api, task_id: str, *, title: str | None) -> dict[str, Any]:
    """Return the task once it has ended; show its progress under a title, and say if nobody would run it."""
    says_lack, polls = False, 0
    with task_progress(title, api.language) as show:
        async for task in api.follow(task_id):
            show(task)
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
