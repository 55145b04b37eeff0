"""Options and arguments that several commands have."""

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.messages import Message
from imagegen_http.cli.context import WrongUsage
from imagegen_http.cli.words import in_words

_Command = Callable[..., Any]

file = click.Path(path_type=Path, dir_okay=False)
file_or_stdout = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
directory = click.Path(path_type=Path, file_okay=False)
positive = click.IntRange(min=1)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
dry_run = click.option("--dry-run", is_flag=True, help="Change nothing, say what would be done.")
force = click.option("--force", is_flag=True, help="Replace FILE if it exists; write to a terminal.")
config = click.option("--config", "file", type=file, help="The settings file.")
provider = click.option(
    "-p", "--provider", metavar="NAME", help="Name of the provider; left out: default_provider."
)
model = click.option(
    "-m", "--model", "model_id", metavar="ID", help="Id of the model; left out: the provider's default."
)
output = partial(click.option, "-o", "--output")
image_ids = click.argument("image_ids", type=positive, nargs=-1, required=True)


def param(*, empty: str | None = "") -> Callable[[_Command], _Command]:
    """Return the ``--param`` option: a mapping of numbers, booleans and texts; no text becomes ``empty``."""
    return click.option(
        "--param",
        "params",
        multiple=True,
        metavar="K=V",
        callback=lambda _ctx, _param, pairs: _parse_params(pairs, empty),
        help="A parameter of the model; repeatable.",
    )


def _parse_params(pairs: tuple[str, ...], empty: str | None) -> dict[str, Any]:
    if not pairs:
        return {}
    import yaml

    params = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise WrongUsage("{option} must be {form}", option=f"--param {pair}:", form="K=V")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        as_written = isinstance(value, (dict, list)) or value is None
        params[name] = (text or empty) if as_written else value
    return params


def listing(command: _Command) -> _Command:
    """Add the options of a list; the command gets them as ``listing`` for `show_list`."""

    @click.option(
        "--limit", type=positive, metavar="N", default=DEFAULT_PAGE_SIZE, show_default=True, help="How many."
    )
    @click.option("--all", "all_", is_flag=True, help="All of them, whatever --limit says.")
    @as_json
    @wraps(command)
    def with_listing(*arguments: Any, limit: int, all_: bool, as_json: bool, **more: Any) -> None:
        command(*arguments, listing={"limit": None if all_ else limit, "as_json": as_json}, **more)

    return with_listing


def confirmed(question: Callable[..., Message]) -> Callable[[_Command], _Command]:
    """Ask a question made of the arguments first; without yes or ``--yes`` the command does not run."""

    def decorate(command: _Command) -> _Command:
        @click.option("--yes", is_flag=True, help="Do not ask.")
        @wraps(command)
        def ask_first(*, yes: bool, **arguments: Any) -> None:
            if not yes:
                click.confirm(in_words(question(**arguments)), abort=True)
            command(**arguments)

        return ask_first

    return decorate
