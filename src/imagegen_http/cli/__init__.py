"""``imagegen``: the command line. It imports only the command that is called, so that it answers at once."""

from collections.abc import Collection, Sequence
from importlib import import_module

import click

from imagegen_http.cli.context import GLOBAL_OPTIONS, Context, WrongUsage, run_guarded
from imagegen_http.cli.messages import UsageCode

_COMMANDS = {
    "backup": ("backups", "Write everything but the master key to FILE."),
    "config": ("configuration", "Look at the settings."),
    "doctor": ("doctor", "Look for what is wrong, and change nothing."),
    "generate": ("generate", "Make an image from PROMPT and keep it."),
    "images": ("images", "Find, fetch and delete kept images."),
    "keys": ("keys", "Look after the master key."),
    "migrate": ("migrate", "Move the data to PostgreSQL and a bucket."),
    "providers": ("providers", "Configure the providers that images come from."),
    "reindex": ("reindex", "Rebuild the search index."),
    "restore": ("backups", "Fill an empty data directory from FILE."),
    "serve": ("serve", "Run the service until SIGTERM or Ctrl-C."),
    "storage": ("storage", "Synchronize local disk and OSS."),
    "tasks": ("tasks", "See tasks, cancel them, make them again."),
    "usage": ("usage", "Add up tasks, images and costs."),
}
"""The module of each command, in which it has its own name, and what the help says of it."""


class _Program(click.Group):
    """The commands, each imported when it is called; the help imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _COMMANDS:
            _import(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(
    cls=_Program,
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


def load(arguments: Sequence[str] | None = None) -> None:
    """Import the command that the arguments call, which may be none; without arguments all of them."""
    for name in _COMMANDS if arguments is None else _called(arguments):
        _import(name)


def main() -> None:
    """Run the command line."""
    run_guarded(cli)


def _import(name: str) -> None:
    if name not in cli.commands:
        cli.add_command(getattr(import_module(f"{__name__}.{_COMMANDS[name][0]}"), name))


def _called(arguments: Sequence[str]) -> Collection[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument in GLOBAL_OPTIONS:
            next(rest, None)
        elif not argument.startswith(tuple(f"{option}=" for option in GLOBAL_OPTIONS)):
            return [argument] if argument in _COMMANDS else []
    return []
