"""``serve`` and the settings it starts with.

The service keeps in memory what is imported here, so other commands have modules of their own.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from imagegen_core.limits import MAX_PORT
from imagegen_core.messages import Message
from imagegen_http.cli import options
from imagegen_http.cli.context import (
    EXIT_UNRECOVERABLE,
    CommandFailed,
    Context,
    become_owner,
    complain,
    import_lean,
    naming_data_dir,
    say,
)
from imagegen_http.cli.words import message

if TYPE_CHECKING:
    from imagegen_http.settings.schema import Settings

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
_HERE = "localhost"  # a browser cannot open a wildcard address
_CONTAINER_MARKS = (Path("/run/.containerenv"), Path("/.dockerenv"))
_port = click.IntRange(0, MAX_PORT)

config = click.Group("config", help="Look at the settings.")


@click.command()
@click.option("--config", type=options.file, help="The settings file (YAML).")
@click.option(
    "--host",
    metavar="ADDRESS",
    help="The address to listen on; another than loopback needs server.auth_token.",
)
@click.option("--port", type=_port, metavar="PORT", help="The port to listen on; 0 takes a free one.")
@click.pass_obj
def serve(context: Context, config: Path | None, host: str | None, port: int | None) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    import asyncio

    import uvloop

    import_lean("httpx")
    import_lean("structlog")
    from imagegen_http.server.server import AddressUnusable
    from imagegen_http.server.server import serve as run
    from imagegen_http.service import UNRECOVERABLE_ERRORS
    from imagegen_http.settings.loader import check_bind, read_tree, setting_origins, variable_warnings
    from imagegen_http.settings.schema import Origin

    settings = context.settings(config)
    server, sources = settings.server, context.sources(config)
    server = attrs.evolve(server, host=host or server.host, port=server.port if port is None else port)
    settings = attrs.evolve(settings, server=server)
    check_bind(server.host, server.auth_token)
    options = {"server.host": host, "server.port": port}
    from_options = {key: Origin.ENVIRONMENT for key, value in options.items() if value is not None}
    origins = {**setting_origins(**sources), **from_options}
    warnings, token = variable_warnings(**sources), token_line(*read_tree(**sources))

    def greet(port: int) -> None:
        """Print what to open, on a terminal only: a log has the address anyway."""
        if sys.stderr.isatty():
            in_container = any(mark.exists() for mark in _CONTAINER_MARKS)
            for line in opening_messages(settings, port, token=token, in_container=in_container):
                complain(line)

    become_owner(settings.data_dir)
    try:
        with naming_data_dir(settings), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(
                run(settings, environ=context.environ, origins=origins, warnings=warnings, greet=greet)
            )
    except CommandFailed as error:
        if isinstance(error.__cause__, UNRECOVERABLE_ERRORS):
            raise CommandFailed(error.reason, code=EXIT_UNRECOVERABLE) from error
        raise
    except AddressUnusable as error:
        raise CommandFailed(error.reason) from error


def opening_messages(
    settings: "Settings", port: int, *, token: Message | None, in_container: bool
) -> Iterator[Message]:
    """Yield what to open, by names that the service accepts; nothing if it has no console."""
    if not settings.serves_api:
        return
    server = settings.server
    host = server.host.strip("[]")
    names = (_HERE, *server.allowed_hosts) if host in _WILDCARDS else (host,)
    addresses = tuple(f"http://{f'[{name}]' if ':' in name else name}:{port}/" for name in names)
    if server.public_url:
        addresses = (f"{server.public_url.rstrip('/')}/",)
    elif in_container and host in _WILDCARDS:
        yield message(
            "open {addresses:or} on this container's host, with the port that is published for {port}",
            addresses=addresses,
            port=port,
        )
        addresses = ()
    if addresses:
        yield message("open {addresses:or} in a browser", addresses=addresses)
    if token is not None:
        yield token


def token_line(file: Path, tree: Mapping[str, Any]) -> Message | None:
    """Return where the API token is, as the settings name it; None if there is none."""
    from imagegen_http.settings.schema import EnvText

    server = tree.get("server")
    token = server.get("auth_token") if isinstance(server, Mapping) else None
    if not token:
        return None
    kind, _, name = str(token).partition(":")
    if kind not in ("env", "file") and isinstance(token, EnvText):
        kind, name = "env", "IMAGEGEN_SERVER__AUTH_TOKEN"
    if kind == "env":
        return message("it asks for the token in the environment variable {name}", name=name)
    path = file.parent / name if kind == "file" else file
    return message("it asks for the token in the file {path}", path=str(path))


@config.command()
@options.config
@click.pass_obj
def check(context: Context, file: Path | None) -> None:
    """Say whether the settings can be used."""
    import asyncio

    from imagegen_http import offline
    from imagegen_http.settings.loader import check_bind, exposure_warning, variable_warnings

    settings, sources = context.settings(file), context.sources(file)
    check_bind(settings.server.host, settings.server.auth_token)
    warnings = [*variable_warnings(**sources), exposure_warning(settings, **sources)]
    for warning in filter(None, (*warnings, *asyncio.run(offline.check_settings(settings)))):
        complain(warning)
    say("the configuration is valid")


@config.command(short_help="Print the settings as YAML, secrets masked.")
@options.config
@click.pass_obj
def show(context: Context, file: Path | None) -> None:
    """Print the settings as YAML, defaults and environment included, secrets masked."""
    import yaml

    from imagegen_http.settings.schema import masked

    click.echo(yaml.safe_dump(masked(context.settings(file)), allow_unicode=True, sort_keys=False), nl=False)
