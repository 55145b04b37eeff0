"""What every command shares: the settings, the access to the API, and the exit codes."""

import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import attrs
import click

from imagegen_core.messages import Language, Message, as_message
from imagegen_http.cli.language import language_of
from imagegen_http.cli.messages import CommandCode, UsageCode

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from imagegen_http.cli.api import Api
    from imagegen_http.cli.server_address import ServerAddress

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNRECOVERABLE = 3
"""The service cannot start, and retrying will not help: an operator has to fix the cause."""

EXIT_WARNINGS = 4

PLACE_OPTIONS = ("--server", "--token")
"""The options of the program itself, which stand before the command and take a value."""


class CommandFailed(Exception):
    """The command failed; ``reason`` is one line for stderr, a bare text the words of others."""

    def __init__(self, reason: Message | str, *, code: int = EXIT_FAILED) -> None:
        self.reason = as_message(reason)
        super().__init__(str(self.reason))
        self.code = code


class WrongUsage(click.UsageError):
    """The arguments are wrong; ``reason`` is shown below the line that says how the command is used."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason

    def format_message(self) -> str:
        """Return the reason in the reader's language."""
        return self.reason.text(language_of(os.environ))


@attrs.define
class Context:
    """The process that the command runs in, and the node elsewhere that it is for, if any."""

    environ: Mapping[str, str]
    cwd: Path
    server: "ServerAddress | None" = None
    token: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def from_process(cls) -> "Context":
        """Return the context of this process.

        Raises:
            CommandFailed: its directory was deleted, or may not be looked into.
        """
        try:
            cwd = Path.cwd()
        except OSError as error:
            from imagegen_http.problems.system_errors import system_reason

            reason = CommandCode.NO_CURRENT_DIRECTORY(reason=system_reason(error))
            raise CommandFailed(reason) from error
        return cls(environ=dict(os.environ), cwd=cwd)

    @property
    def language(self) -> Language:
        """The language of what is said to a person."""
        return language_of(self.environ)

    def settings(self, config: Path | None = None) -> Any:
        """Load the settings, which are for the data on this machine.

        Raises:
            SettingsError: they are not valid.
            WrongUsage: the command is for a node elsewhere.
        """
        if self.server is not None:
            command = click.get_current_context().command_path
            raise WrongUsage(UsageCode.LOCAL_COMMAND(command=command))
        from imagegen_http.settings.loader import load_settings, with_master_key

        self.environ = with_master_key(self.environ)
        return load_settings(config=config, environ=self.environ, cwd=self.cwd)

    def variable_warnings(self, config: Path | None = None) -> tuple[Message, ...]:
        """Return a warning for each variable that looks like a setting and that nothing reads."""
        from imagegen_http.settings.loader import variable_warnings

        return variable_warnings(config=config, environ=self.environ, cwd=self.cwd)

    def setting_origins(self, config: Path | None = None) -> Any:
        """Return where each setting that is set was set."""
        from imagegen_http.settings.loader import setting_origins

        return setting_origins(config=config, environ=self.environ, cwd=self.cwd)

    def token_place(self, config: Path | None = None) -> Any:
        """Return where the token of callers is kept; None where there is none."""
        from imagegen_http.settings.loader import token_place

        return token_place(config=config, environ=self.environ, cwd=self.cwd)

    def exposure_warning(self, settings: Any, config: Path | None = None) -> Message | None:
        """Return a warning if every user can read the secrets in the file of the settings."""
        from imagegen_http.settings.loader import settings_file
        from imagegen_http.settings.shown import exposure_warning

        return exposure_warning(settings, settings_file(config=config, environ=self.environ, cwd=self.cwd))

    def with_api(
        self, act: Callable[["Api"], Awaitable[None]], *, run_background: bool = False, create: bool = False
    ) -> None:
        """Run ``act(api)`` against the node elsewhere, the running server, or a service of the command's own.

        Such a service claims pending tasks only with ``run_background``, so that commands which only read
        cost no money. It creates a data directory only with ``create``, so that reading in the wrong place
        leaves no trace.
        """
        if self.server is not None:
            from imagegen_http.cli.remote_api import open_remote

            _run(open_remote(self.server, self.token, self.language), act)
            return
        from imagegen_http.cli.local_api import open_local

        settings = self.settings()
        with naming_data_dir(settings):
            _run(open_local(settings, self.environ, run_background=run_background, create=create), act)


def _run(opened: "AbstractAsyncContextManager[Api]", act: Callable[["Api"], Awaitable[None]]) -> None:
    import asyncio

    async def run() -> None:
        async with opened as api:
            await act(api)

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None  # only a signal cancels a command


@contextlib.contextmanager
def naming_data_dir(settings: Any) -> Iterator[None]:
    """Prefix the errors of the context with the data directory, and the database if that is elsewhere."""
    from imagegen_core.errors import ImagegenError

    try:
        yield
    except ImagegenError as error:
        reason = CommandCode.CONCERNING(subject=settings.place, reason=error.reason)
        raise CommandFailed(reason) from error


def run_guarded(command: click.Command) -> NoReturn:
    """Run the command; every failure is one line on stderr and an exit code."""
    try:
        code = command.main(prog_name="imagegen", standalone_mode=False)
    except click.exceptions.Abort:
        _exit(CommandCode.STOPPED(), EXIT_FAILED)
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.NoSuchOption) and error.option_name in PLACE_OPTIONS:
            complain(UsageCode.BEFORE_THE_COMMAND(option=error.option_name), language_of(os.environ))
        sys.exit(EXIT_USAGE)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except CommandFailed as error:
        _exit(error.reason, error.code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        _exit(CommandCode.STOPPED(), EXIT_FAILED)
    except OSError as error:
        from imagegen_http.problems.system_errors import system_reason

        reason = system_reason(error)
        file = error.filename
        _exit(CommandCode.CONCERNING(subject=str(file), reason=reason) if file else reason, EXIT_FAILED)
    except Exception as error:  # noqa: BLE001 - unexpected errors are raised again
        _exit_with(error)
    sys.exit(code if isinstance(code, int) else 0)


def print_json(value: Any) -> None:
    """Print JSON for scripts."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _exit_with(error: Exception) -> NoReturn:
    """Exit because of an error of the service, or raise a defect again.

    Its classes are imported only now: `--help` has no time to load them.
    """
    from imagegen_core.errors import ImagegenError
    from imagegen_http.settings.schema import SettingsError

    if isinstance(error, SettingsError):
        _exit(CommandCode.CONFIGURATION(problem=error.reason), EXIT_USAGE)
    if isinstance(error, ImagegenError):
        _exit(error.reason, EXIT_FAILED)
    raise error


def complain(message: Message | str, language: Language) -> None:
    """Print a line for a person on stderr."""
    text = as_message(message).text(language)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    click.echo(f"imagegen: {line}", err=True)


def _exit(message: Message | str, code: int) -> NoReturn:
    complain(message, language_of(os.environ))
    sys.exit(code)
