"""``imagegen``: the command line. It imports only the command that is called, so that it answers at once."""

import os
import sys
from collections.abc import Collection, Sequence
from importlib import import_module

import click

from imagegen_core.messages import Language
from imagegen_http.cli.click_words import teach_click
from imagegen_http.cli.context import PLACE_OPTIONS, Context, WrongUsage, run_guarded
from imagegen_http.cli.help_pages import for_reader
from imagegen_http.cli.language import language_of
from imagegen_http.cli.messages import UsageCode
from imagegen_http.cli.reader_options import READER_OPTIONS, apply_reader_options, colour_of

COMMANDS = {
    "backup": ("backups", "Write everything but the master key to FILE."),
    "collections": ("image_collections", "Gather images in collections."),
    "config": ("configuration", "Look at the settings."),
    "doctor": ("doctor", "Look for what is wrong, and change nothing."),
    "edit": ("operations", "Repaint an image as PROMPT says."),
    "generate": ("operations", "Make an image from PROMPT and keep it."),
    "images": ("images", "Find, fetch and delete kept images."),
    "keys": ("keys", "Look after the master key."),
    "migrate": ("migrate", "Move the data to PostgreSQL and a bucket."),
    "providers": ("providers", "Configure the providers that images come from."),
    "recontext": ("operations", "Put what an image shows into another scene."),
    "reference": ("operations", "Make an image from PROMPT and reference images."),
    "reindex": ("reindex", "Rebuild the search index."),
    "restore": ("backups", "Fill an empty data directory from FILE."),
    "segment": ("operations", "Mark what an image shows."),
    "serve": ("serve", "Run the service until SIGTERM or Ctrl-C."),
    "storage": ("storage", "Synchronize local disk and OSS."),
    "tasks": ("tasks", "See tasks, cancel them, make them again."),
    "upscale": ("operations", "Make an image larger."),
    "usage": ("usage", "Add up tasks, images and costs."),
}
"""The module of each command, in which it has its own name, and what the help says of it."""

_OPTIONS_WITH_VALUE = (*PLACE_OPTIONS, *READER_OPTIONS)


class _Program(click.Group):
    """The commands, each imported when it is called; the help imports none of them."""

    language = Language.EN

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        return for_reader(_import(cmd_name), self.language, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        texts = {name: text for name, (_, text) in COMMANDS.items()}
        if self.language is Language.ZH:
            from imagegen_http.cli.translations import in_chinese

            texts = {name: in_chinese(text) for name, text in texts.items()}
        with formatter.section("Commands"):
            formatter.write_dl([*texts.items()])


@click.group(
    cls=_Program,
    context_settings={"help_option_names": ["-h", "--help"]},
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
@click.version_option(package_name="imagegen-service", prog_name="imagegen")
@click.pass_context
def cli(ctx: click.Context, server: str | None, token: str | None) -> None:
    """Image generation through paid providers: never lose a task, never pay twice, find it in Chinese.

    Settings come from `IMAGEGEN_CONFIG`, else `./config.yaml`, else defaults; with --server, from none of
    them.
    """
    ctx.obj = context = Context.from_process()
    ctx.color = colour_of(context.environ)
    if server:
        from imagegen_http.cli.secret_reference import read_token
        from imagegen_http.cli.server_address import ServerAddress

        context.server = ServerAddress.parse(server)
        context.token = None if token is None else read_token(token, context)
    elif ctx.get_parameter_source("token") is click.core.ParameterSource.COMMANDLINE:
        raise WrongUsage(UsageCode.TOKEN_WITHOUT_SERVER())


def load(arguments: Sequence[str] | None = None) -> None:
    """Import the command that the arguments call, which may be none; without arguments all of them."""
    for name in COMMANDS if arguments is None else _called(arguments):
        cli.add_command(_import(name))


def main() -> None:
    """Run the command line."""
    apply_reader_options(sys.argv[1:], os.environ)
    language = language_of(os.environ)
    teach_click(language)
    run_guarded(program(language))


def program(language: Language) -> click.Group:
    """Return the program as it is in a language."""
    own = for_reader(cli, language)
    own.language = language
    own.commands = {**dict.fromkeys(COMMANDS, own), **own.commands}  # the names, for click's "did you mean"
    return own


def _import(name: str) -> click.Command:
    command: click.Command = getattr(import_module(f"{__name__}.{COMMANDS[name][0]}"), name)
    return command


def _called(arguments: Sequence[str]) -> Collection[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument in _OPTIONS_WITH_VALUE:
            next(rest, None)
        elif not argument.startswith(tuple(f"{option}=" for option in _OPTIONS_WITH_VALUE)):
            return [argument] if argument in COMMANDS else []
    return []
