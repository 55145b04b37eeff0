"""``imagegen serve``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imagegen_core.limits import MAX_PORT
from imagegen_core.messages import Message
from imagegen_http.cli.context import (
    EXIT_UNRECOVERABLE,
    CommandFailed,
    Context,
    become_owner,
    complain,
    import_lean,
    naming_data_dir,
)
from imagegen_http.cli.words import message

if TYPE_CHECKING:
    from imagegen_http.settings.schema import Settings
    from imagegen_http.settings.shown import TokenPlace

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
_HERE = "localhost"
"""Nobody can open the address of all interfaces; this machine's own is among them."""

_CONTAINER_MARKS = (Path("/run/.containerenv"), Path("/.dockerenv"))


@click.command()
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="The settings file (YAML).")
@click.option(
    "--host",
    metavar="ADDRESS",
    help="The address to listen on; another than loopback needs server.auth_token.",
)
@click.option(
    "--port",
    type=click.IntRange(0, MAX_PORT),
    metavar="PORT",
    help="The port to listen on; 0 takes a free one.",
)
@click.pass_obj
def serve(context: Context, config: Path | None, host: str | None, port: int | None) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    import asyncio

    import attrs
    import uvloop

    import_lean("httpx")
    import_lean("structlog")
    from imagegen_http.server.server import AddressUnusable
    from imagegen_http.server.server import serve as run
    from imagegen_http.service import UNRECOVERABLE_ERRORS
    from imagegen_http.settings import loader
    from imagegen_http.settings.shown import Origin

    settings = context.settings(config)
    server = settings.server
    server = attrs.evolve(server, host=host or server.host, port=server.port if port is None else port)
    settings = attrs.evolve(settings, server=server)
    loader.check_bind(server.host, server.auth_token)
    options = {"server.host": host, "server.port": port}
    from_options = {key: Origin.ENVIRONMENT for key, value in options.items() if value is not None}
    sources = context.sources(config)
    origins = {**loader.setting_origins(**sources), **from_options}
    warnings = loader.variable_warnings(**sources)
    token_place = loader.token_place(**sources)

    def greet(port: int) -> None:
        """Tell a person what to open; a log has the address in a line of its own."""
        if sys.stderr.isatty():
            in_container = any(mark.exists() for mark in _CONTAINER_MARKS)
            for line in opening_messages(settings, port, token_place=token_place, in_container=in_container):
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
    settings: "Settings", port: int, *, token_place: "TokenPlace | None", in_container: bool
) -> Iterator[Message]:
    """Yield what to tell of a service that has begun to listen on the port; nothing if it has no console."""
    if not settings.serves_api:
        return
    is_wildcard = settings.server.host.strip("[]") in _WILDCARDS
    addresses = tuple(_addresses(settings, port, is_wildcard=is_wildcard))
    if in_container and is_wildcard and not settings.server.public_url:
        yield message(
            "open {addresses:or} on this container's host, with the port that is published for {port}",
            addresses=addresses,
            port=port,
        )
    else:
        yield message("open {addresses:or} in a browser", addresses=addresses)
    if token_place is not None and token_place.file is not None:
        yield message("it asks for the token in the file {path}", path=token_place.file)
    elif token_place is not None and token_place.variable is not None:
        yield message("it asks for the token in the environment variable {name}", name=token_place.variable)


def _addresses(settings: "Settings", port: int, *, is_wildcard: bool) -> Iterator[str]:
    """Yield the addresses under which the service may be called; it refuses other names."""
    server = settings.server
    if server.public_url:
        yield f"{server.public_url.rstrip('/')}/"
        return
    for name in (_HERE, *server.allowed_hosts) if is_wildcard else (server.host.strip("[]"),):
        yield f"http://{f'[{name}]' if ':' in name else name}:{port}/"
