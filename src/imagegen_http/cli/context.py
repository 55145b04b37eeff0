"""What commands share: their context, messages, failures and exit codes, secrets and privileges."""

import contextlib
import os
import pwd
import sys
import threading
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import attrs
import click

from imagegen_core.messages import Argument, Message
from imagegen_http.cli.words import in_words, message, reader_language

if TYPE_CHECKING:
    import httpx

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
    line = " ".join("".join(c if c.isprintable() else " " for c in in_words(words, **arguments)).split())
    click.echo(f"imagegen: {line}", err=True)


def about(subject: Argument, reason: Argument) -> Message:
    return message("{subject}: {reason}", subject=subject, reason=reason)


def system_reason(error: OSError | ValueError) -> Message:
    """Return why the operating system refuses a file."""
    from imagegen_http.errors import read_problem

    return read_problem(error)


def unusable(path: object, error: OSError) -> CommandFailed:
    return CommandFailed(about(str(path), system_reason(error)))


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


# ---------------------------------------------------------------- failures of the program

_MAX_EXIT_SECONDS = 2.0  # for threads that still run after Ctrl-C
_PLACE_OPTIONS = ("--server", "--token")


def run_guarded(command: click.Command) -> NoReturn:
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


# ---------------------------------------------------------------- no response

_NO_CONNECTION = "no connection: the address is not reachable"
_UNTRUSTED = (
    "its certificate is not trusted ({detail}); SSL_CERT_FILE names the certificate of a CA of your own"
)


def connection_problem(error: "httpx.HTTPError") -> Message:
    """Return why there is no response: the first known cause, else that the connection broke."""
    import socket
    import ssl

    import httpx

    sentences: tuple[tuple[type[BaseException], str], ...] = (
        (socket.gaierror, "the name does not resolve"),
        (ConnectionRefusedError, "connection refused: nothing listens there"),
        (ssl.SSLCertVerificationError, _UNTRUSTED),
        (ssl.SSLError, "no TLS connection ({detail}): an http:// address, perhaps"),
        (httpx.ProxyError, "the proxy that the environment names refuses: {detail}"),
        (httpx.ConnectTimeout, _NO_CONNECTION),
        (httpx.TimeoutException, "no response in time"),
        (httpx.ConnectError, _NO_CONNECTION),
    )
    causes = [*_causes(error)]
    for kind, sentence in sentences:  # the first that any cause matches
        for cause in causes:
            if isinstance(cause, kind):
                detail = str(cause)
                if isinstance(cause, ssl.SSLCertVerificationError):
                    detail = cause.verify_message
                elif isinstance(cause, ssl.SSLError):
                    detail = (cause.reason or "handshake failed").lower().replace("_", " ")
                return message(sentence, detail=detail)
    return message("the connection broke off")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and its causes; a group has one for each address of a name."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__


# ---------------------------------------------------------------- secrets by reference, and a node's address


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
    try:
        is_variable = scheme == "env"
        secret = context.environ.get(name) if is_variable else (context.cwd / name).read_text().strip()
    except (OSError, ValueError) as error:
        raise CommandFailed(
            "{option}: the file {name} cannot be read: {reason}",
            option=option,
            name=name,
            reason=system_reason(error),
        ) from error
    if not secret and is_variable:
        raise CommandFailed("{option}: the environment variable {name} is not set", option=option, name=name)
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


def server_url(text: str) -> str:
    """Return a node's base URL without trailing slash; one with a password or a query is refused."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    is_strange = not text.isprintable() or "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not host or is_strange:
        raise WrongUsage(
            "--server takes http://HOST:PORT or https://HOST/PATH, without user, password and query"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


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
        account = pwd.getpwuid(owner.st_uid)
        group, groups = account.pw_gid, os.getgrouplist(account.pw_name, account.pw_gid)
    except KeyError:
        group, groups = owner.st_gid, [owner.st_gid]
    try:
        os.setgroups(groups)
        os.setgid(group)
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
    """Import a library without a slow part that is not used here, if nothing has loaded that yet."""
    without = _NEEDLESS[library]
    if without not in sys.modules:
        sys.modules[without] = None  # type: ignore[assignment] # documented, but not in the type
        try:
            import_module(library)
        finally:
            del sys.modules[without]
