"""The ``imagegen`` command line. Only the called command is imported, so that help is fast."""

import os
import sys
import threading
from collections.abc import Collection, Sequence
from importlib import import_module
from typing import NoReturn

import click

from imagegen_core.messages import Language, Message
from imagegen_http.cli.context import (
    EXIT_FAILED,
    EXIT_USAGE,
    CommandFailed,
    Context,
    WrongUsage,
    about,
    complain,
    read_token,
    system_reason,
)
from imagegen_http.cli.help import READER_OPTIONS, apply_reader_options, colour_of, for_reader
from imagegen_http.cli.words import chinese, language_of, message, teach_click

COMMANDS = {
    "backup": ("admin", "Write everything but the master key to FILE."),
    "collections": ("images", "Gather images in collections."),
    "config": ("admin", "Look at the settings."),
    "doctor": ("admin", "Look for what is wrong, and change nothing."),
    "edit": ("generate", "Repaint an image as PROMPT says."),
    "generate": ("generate", "Make an image from PROMPT and keep it."),
    "images": ("images", "Find, fetch and delete kept images."),
    "keys": ("admin", "Look after the master key."),
    "migrate": ("admin", "Move the data to PostgreSQL and a bucket."),
    "providers": ("providers", "Configure the providers that images come from."),
    "recontext": ("generate", "Put what an image shows into another scene."),
    "reference": ("generate", "Make an image from PROMPT and reference images."),
    "reindex": ("storage", "Rebuild the search index."),
    "restore": ("admin", "Fill an empty data directory from FILE."),
    "segment": ("generate", "Mark what an image shows."),
    "serve": ("serve", "Run the service until SIGTERM or Ctrl-C."),
    "storage": ("storage", "Synchronize local disk and OSS."),
    "tasks": ("tasks", "See tasks, cancel them, make them again."),
    "upscale": ("generate", "Make an image larger."),
    "usage": ("tasks", "Add up tasks, images and costs."),
}
"""For each command: its module, where it has the same name, and its line in the program's help."""

_MAX_EXIT_SECONDS = 2.0  # for threads that still run after Ctrl-C
_PLACE_OPTIONS = ("--server", "--token")
_OPTIONS_WITH_VALUE = (*_PLACE_OPTIONS, *READER_OPTIONS)


class _Program(click.Group):
    """Imports a command when it is called; the program's help imports none."""

    language = Language.EN

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        return for_reader(_import(cmd_name), self.language, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        in_language = chinese if self.language is Language.ZH else str
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
    ctx.color = colour_of(context.environ)
    if server:
        from imagegen_http.cli.access import server_url

        context.server = server_url(server)
        context.token = None if token is None else read_token(token, context)
    elif ctx.get_parameter_source("token") is click.core.ParameterSource.COMMANDLINE:
        raise WrongUsage("--token is for --server")


def load(arguments: Sequence[str] | None = None) -> None:
    """Import the called command, if there is one; without arguments all of them."""
    for name in COMMANDS if arguments is None else _called(arguments):
        cli.add_command(_import(name))


def main() -> None:
    apply_reader_options(sys.argv[1:], os.environ)
    language = language_of(os.environ)
    teach_click(language)
    _run_guarded(program(language))


def program(language: Language) -> click.Group:
    own = for_reader(cli, language)
    own.language = language
    own.commands = {**dict.fromkeys(COMMANDS, own), **own.commands}  # for click's "did you mean"
    return own


def _import(name: str) -> click.Command:
    module, text = COMMANDS[name]
    command: click.Command = getattr(import_module(f"{__name__}.{module}"), name)
    command.short_help = text
    return command


def _called(arguments: Sequence[str]) -> Collection[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument in _OPTIONS_WITH_VALUE:
            next(rest, None)
        elif not argument.startswith(tuple(f"{option}=" for option in _OPTIONS_WITH_VALUE)):
            return [argument] if argument in COMMANDS else []
    return []


def _run_guarded(command: click.Command) -> NoReturn:
    """Run the command; a failure is one line on stderr and an exit code."""
    try:
        code = command.main(prog_name="imagegen", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.NoSuchOption) and error.option_name in _PLACE_OPTIONS:
            complain(
                "{option} stands before the command: imagegen {option} VALUE COMMAND …",
                option=error.option_name,
            )
        sys.exit(EXIT_USAGE)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except (click.exceptions.Abort, KeyboardInterrupt):
        ending = threading.Timer(_MAX_EXIT_SECONDS, os._exit, [EXIT_FAILED])
        ending.daemon = True  # a thread that hangs on a dead disk must not keep the process alive
        ending.start()
        complain("stopped")
        sys.exit(EXIT_FAILED)
    except Exception as error:  # noqa: BLE001 - defects are raised again
        reason, exit_code = _failure(error)
        complain(reason)
        sys.exit(exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _failure(error: Exception) -> tuple[Message, int]:
    """Return the reason and the exit code of a failure; raise defects again."""
    if isinstance(error, CommandFailed):
        return error.reason, error.code
    if isinstance(error, OSError):
        reason = system_reason(error)
        return about(str(error.filename), reason) if error.filename else reason, EXIT_FAILED
    from imagegen_core.errors import ImagegenError  # only now: it would delay `--help`
    from imagegen_http.settings.schema import SettingsError

    if isinstance(error, SettingsError):
        return message("configuration: {problem}", problem=error.reason), EXIT_USAGE
    if isinstance(error, ImagegenError):
        return error.reason, EXIT_FAILED
    raise error
