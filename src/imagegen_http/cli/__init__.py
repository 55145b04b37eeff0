"""The ``imagegen`` command line. Only the called command is imported, so that help is fast."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

import click

from imagegen_core.messages import Language
from imagegen_http.cli import words
from imagegen_http.cli.context import Context, WrongUsage, read_token, run_guarded, server_url

COMMANDS = {
    "backup": ("admin", "Write everything but the master key to FILE."),
    "batch": ("batches", "Make an image of each line of FILE."),
    "batches": ("batches", "See batches, pause, resume and cancel them."),
    "collections": ("images", "Gather images in collections."),
    "config": ("serve", "Look at the settings."),
    "doctor": ("admin", "Look for what is wrong, and change nothing."),
    "edit": ("generate", "Repaint an image as PROMPT says."),
    "generate": ("generate", "Make an image from PROMPT and keep it."),
    "images": ("images", "Find, fetch, delete and restore kept images."),
    "keys": ("admin", "Look after the master key."),
    "mcp": ("mcp", "Give agents tools over MCP, on stdin and stdout."),
    "migrate": ("admin", "Move the data to PostgreSQL and a bucket."),
    "providers": ("providers", "Configure the providers that images come from."),
    "recontext": ("generate", "Put what an image shows into another scene."),
    "reference": ("generate", "Make an image from PROMPT and reference images."),
    "reindex": ("admin", "Rebuild the search index."),
    "restore": ("admin", "Fill an empty data directory from FILE."),
    "segment": ("generate", "Mark what an image shows."),
    "serve": ("serve", "Run the service until SIGTERM or Ctrl-C."),
    "storage": ("admin", "Synchronize local disk and OSS."),
    "styles": ("batches", "Keep patterns of prompts, and carry them elsewhere."),
    "tasks": ("tasks", "See tasks, cancel them, make them again."),
    "upscale": ("generate", "Make an image larger."),
    "usage": ("tasks", "Add up tasks, images and costs."),
    "webhooks": ("webhooks", "Have receivers hear of tasks that end."),
}
"""For each command: its module, where it has the same name, and its line in the program's help."""


class _Program(click.Group):
    """Imports a command when it is called; the program's help imports none."""

    language = Language.EN
    on_loaded: Callable[[], object] = staticmethod(lambda: None)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command = words.for_reader(_import(cmd_name), self.language, cmd_name)
        self.on_loaded()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        in_language = words.chinese if self.language is Language.ZH else str
        with formatter.section("Commands"):
            formatter.write_dl([(name, in_language(text)) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
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
    ctx.color = words.colour_of(context.environ)
    if server:
        context.server = server_url(server)
        context.token = None if token is None else read_token(token, context)
    elif ctx.get_parameter_source("token") is click.core.ParameterSource.COMMANDLINE:
        raise WrongUsage("--token is for --server")


def load() -> None:
    """Import all commands."""
    for name in COMMANDS:
        cli.add_command(_import(name))


def main(on_loaded: Callable[[], object] = lambda: None) -> None:
    """Run the command line; ``on_loaded`` is called when the command is imported and nothing has begun."""
    words.apply_reader_options(sys.argv[1:], os.environ)
    language = words.language_of(os.environ)
    words.teach_click(language)
    own = program(language)
    own.on_loaded = on_loaded
    run_guarded(own)


def program(language: Language) -> _Program:
    own = words.for_reader(cli, language)
    own.language = language
    own.commands = {**dict.fromkeys(COMMANDS, own), **own.commands}  # for click's "did you mean"
    return own


def _import(name: str) -> click.Command:
    module, text = COMMANDS[name]
    command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
    command.short_help = text
    return command
