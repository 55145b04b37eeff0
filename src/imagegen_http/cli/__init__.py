"""``imagegen``: the command line. It imports only the command that is called, so that it answers at once."""

import sys
from collections.abc import Collection, Sequence
from importlib import import_module

import click

from imagegen_http.cli.context import GLOBAL_OPTIONS, Context, WrongUsage, run_guarded
from imagegen_http.cli.messages import UsageCode

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
@click.option(
    "--server",
    metavar="URL",
    envvar="IMAGEGEN_SERVER",
    show_envvar=True,
    help="A node elsewhere that does the work; left out: this machine.",
)
@click.option(
    "--token",
    metavar="env:NAME|file:PATH|-|TOKEN",
    envvar="IMAGEGEN_TOKEN",
    show_envvar=True,
    help="What that node demands; TOKEN itself is seen by all users of this machine.",
)
@click.version_option(package_name="imagegen", prog_name="imagegen")
@click.pass_context
def cli(ctx: click.Context, server: str | None, token: str | None) -> None:
    """Image generation through paid providers: never lose a task, never pay twice, find it in Chinese.

    Settings come from `IMAGEGEN_CONFIG`, else `./config.yaml`, else defaults; with --server, from none of
    them.
    """
    ctx.obj = context = Context.from_process()
    if server:
        from imagegen_http.cli.secret_reference import read_token
        from imagegen_http.cli.server_address import ServerAddress

        context.server = ServerAddress.parse(server)
        context.token = None if token is None else read_token(token, context)
    elif ctx.get_parameter_source("token") is click.core.ParameterSource.COMMANDLINE:
        raise WrongUsage(UsageCode.TOKEN_WITHOUT_SERVER())


def load(arguments: Sequence[str] = ()) -> None:
    """Import the command that the arguments call, or all of them for the help, and register them."""
    for name in _called(arguments):
        cli.add_command(getattr(import_module(f"{__name__}.{_MODULES[name]}"), name))


def main() -> None:
    """Run the command line."""
    load(sys.argv[1:])
    run_guarded(cli)


def _called(arguments: Sequence[str]) -> Collection[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument in GLOBAL_OPTIONS:
            next(rest, None)
        elif not argument.startswith(tuple(f"{option}=" for option in GLOBAL_OPTIONS)):
            break
    else:
        argument = ""
    if argument in _MODULES:
        return [argument]
    return [] if argument == "--version" else _MODULES
