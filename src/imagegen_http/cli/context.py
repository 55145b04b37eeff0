"""What commands share: context, output, exit codes, secrets and privileges."""

import contextlib
import json
import os
import pwd
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import click

from imagegen_core.messages import Argument, Language, Message
from imagegen_http.cli.words import in_words, language_of, message, reader_language

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNRECOVERABLE = 3  # the service cannot start until an operator fixes the cause
EXIT_WARNINGS = 4

MIB = 1_048_576


class CommandFailed(Exception):
    """The command failed; ``reason`` is one line for stderr."""

    def __init__(self, reason: Message | str, /, *, code: int = EXIT_FAILED, **arguments: Argument) -> None:
        self.reason, self.code = message(reason, **arguments), code
        super().__init__(str(self.reason))


class WrongUsage(click.UsageError):
    """The arguments are wrong; ``reason`` is shown below the usage line."""

    def __init__(self, reason: str, /, **arguments: Argument) -> None:
        self.reason = message(reason, **arguments)
        super().__init__(str(self.reason))

    def format_message(self) -> str:
        return self.reason.text(reader_language())


# ---------------------------------------------------------------- output


def say(words: Message | str, /, **arguments: Argument) -> None:
    """Print a result on stdout."""
    click.echo(in_words(words, **arguments))


def note(words: Message | str, /, **arguments: Argument) -> None:
    """Print information on stderr."""
    click.echo(in_words(words, **arguments), err=True)


def complain(words: Message | str, /, **arguments: Argument) -> None:
    """Print a problem on stderr, in one line after the program's name."""
    text = in_words(words, **arguments)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    click.echo(f"imagegen: {line}", err=True)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def about(subject: Argument, reason: Argument) -> Message:
    return message("{subject}: {reason}", subject=subject, reason=reason)


def system_reason(error: OSError | ValueError) -> Message:
    """Return why the operating system refuses a file."""
    from imagegen_http.errors import read_problem

    return read_problem(error)


@attrs.define
class Context:
    """The command's process and, with ``--server``, the remote node."""

    environ: Mapping[str, str]
    cwd: Path
    server: str | None = None
    token: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def from_process(cls) -> "Context":
        try:
            cwd = Path.cwd()
        except OSError as error:  # deleted, or not accessible
            reason = system_reason(error)
            raise CommandFailed(
                "the current directory cannot be used: {reason}; change to another one", reason=reason
            ) from error
        return cls(environ=dict(os.environ), cwd=cwd)

    @property
    def language(self) -> Language:
        return language_of(self.environ)

    def settings(self, config: Path | None = None) -> Any:
        """Load this machine's settings; with ``--server`` that is wrong usage."""
        if self.server is not None:
            raise WrongUsage(
                "`{command}` works on this machine's data alone: leave out --server and IMAGEGEN_SERVER",
                command=click.get_current_context().command_path,
            )
        from imagegen_http.settings.loader import load_settings, with_master_key

        self.environ = with_master_key(self.environ)
        return load_settings(**self.sources(config))

    def sources(self, config: Path | None) -> dict[str, Any]:
        """Return keyword arguments for the functions that read settings."""
        return {"config": config, "environ": self.environ, "cwd": self.cwd}


@contextlib.contextmanager
def naming_data_dir(settings: Any) -> Iterator[None]:
    """Prefix errors in the block with the data directory, and with the database if it is elsewhere."""
    from imagegen_core.errors import ImagegenError

    try:
        yield
    except ImagegenError as error:
        raise CommandFailed(about(settings.place, error.reason)) from error


# ---------------------------------------------------------------- secrets by reference


def read_secret(reference: str, context: Context, option: Argument) -> str:
    """Read ``env:NAME``, ``file:PATH`` or ``-`` (stdin). A literal is refused: ``ps`` would show it."""
    if reference == "-":
        return sys.stdin.readline().strip()
    scheme, _, name = reference.partition(":")
    if scheme not in ("env", "file") or not name:
        raise WrongUsage(
            "{option} takes env:NAME, file:PATH or -, so that no secret is in the shell history",
            option=option,
        )
    if scheme == "env":
        if not context.environ.get(name):
            raise CommandFailed(
                "{option}: the environment variable {name} is not set", option=option, name=name
            )
        return context.environ[name]
    try:
        secret = (context.cwd / name).read_text().strip()
    except (OSError, ValueError) as error:
        raise CommandFailed(
            "{option}: the file {name} cannot be read: {reason}",
            option=option,
            name=name,
            reason=system_reason(error),
        ) from error
    if not secret:
        raise CommandFailed("{option}: the file {name} is empty", option=option, name=name)
    return secret


def read_token(text: str, context: Context) -> str:
    """Return the token: what a reference names, else the text itself."""
    is_reference = text == "-" or text.startswith(("env:", "file:"))
    token = read_secret(text, context, "--token") if is_reference else text.strip()
    if not token or not token.isprintable():
        raise CommandFailed("--token: it is empty, or has characters that cannot be sent")
    return token


# ---------------------------------------------------------------- privileges


def become_owner(data_dir: Path) -> None:
    """Switch permanently from root to the owner of the data directory or of its nearest existing parent.

    Otherwise the service could not use what the command writes. Call this before opening anything there;
    other users than root stay who they are.
    """
    if os.geteuid() != 0:
        return
    existing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    owner = existing.stat()
    if owner.st_uid == 0:
        return
    name = _user_name(owner.st_uid)
    try:
        try:
            account = pwd.getpwuid(owner.st_uid)
        except KeyError:
            os.setgroups([owner.st_gid])
            os.setgid(owner.st_gid)
        else:
            os.initgroups(account.pw_name, account.pw_gid)
            os.setgid(account.pw_gid)
        os.setuid(owner.st_uid)
    except OSError as error:
        raise CommandFailed(
            "{path} belongs to {user}, whom this process cannot become ({detail}): run the command as {user}",
            path=str(data_dir),
            user=name,
            detail=system_reason(error),
        ) from error
    for path in (Path(sys.executable), Path(__file__), existing):
        if not os.access(path, os.R_OK):
            raise CommandFailed(
                "{path} belongs to {user}, who cannot read {program}: install it for all, "
                "as deploy/install.sh does",
                path=str(data_dir),
                user=name,
                program=str(path),
            )


def check_writable(directory: Path) -> None:
    """Fail, before anything is paid for, if the current user cannot write files there."""
    if not os.access(directory, os.W_OK | os.X_OK):
        user = _user_name(os.geteuid())
        raise CommandFailed(
            "{path}: {user}, who does the work, cannot write there", path=str(directory), user=user
        )


def _user_name(uid: int) -> str:
    from imagegen_http.errors import user_name  # slow to load; most commands do without

    return user_name(uid)


_NEEDLESS = {
    "httpx": "httpx._main",  # its command line, which loads rich and pygments
    "structlog": "rich",  # for tracebacks; those in our log are plain text
}


def import_lean(library: str) -> None:
    """Import a library without a slow part that is not used here."""
    without = _NEEDLESS[library]
    loaded = sys.modules.get(without)
    sys.modules[without] = None  # type: ignore[assignment] # documented, but not in the type
    try:
        import_module(library)
    finally:
        del sys.modules[without]
        if loaded is not None:
            sys.modules[without] = loaded
