"""``imagegen``: the command line. It imports only the command that is called, so that it answers at once."""

import sys
from collections.abc import Collection, Sequence
from importlib import import_module

import click

from imagegen_http.cli.context import Context, run_guarded

_MODULES = {
    "serve": "serve",
    "generate": "generate",
    "tasks": "tasks",
    "images": "images",
    "providers": "providers",
    "config": "configuration",
    "doctor": "doctor",
    "backup": "backups",
    "restore": "backups",
    "migrate": "migrate",
    "storage": "storage",
    "reindex": "reindex",
    "keys": "keys",
}
"""The module of each command, in which it has its own name."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    commands={},
    invoke_without_command=False,
)
@click.version_option(package_name="imagegen", prog_name="imagegen")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Image generation through paid providers: never lose a task, never pay twice, find it in Chinese.

    Settings come from `IMAGEGEN_CONFIG`, else `./config.yaml`, else defaults.
    """
    ctx.obj = Context.from_process()


def load(arguments: Sequence[str] = ()) -> None:
    """Import the command that the arguments call, or all of them for the help, and register them."""
    for name in _called(arguments):
        cli.add_command(getattr(import_module(f"{__name__}.{_MODULES[name]}"), name))


def main() -> None:
    """Run the command line."""
    load(sys.argv[1:])
    run_guarded(cli)


def _called(arguments: Sequence[str]) -> Collection[str]:
    first = next(iter(arguments), "")
    if first in _MODULES:
        return [first]
    return [] if first == "--version" else _MODULES
