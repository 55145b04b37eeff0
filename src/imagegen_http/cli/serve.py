"""``imagegen serve``."""

import sys
from pathlib import Path

import click

from imagegen_core.limits import MAX_PORT
from imagegen_http.cli.context import EXIT_UNRECOVERABLE, CommandFailed, Context, complain, naming_data_dir


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

    from imagegen_http.cli.lean_imports import load_httpx, load_structlog

    load_httpx()
    load_structlog()
    from imagegen_http.cli.opening import is_in_container, opening_messages
    from imagegen_http.cli.privileges import become_owner
    from imagegen_http.composition import UNRECOVERABLE_ERRORS
    from imagegen_http.server.server import AddressUnusable
    from imagegen_http.server.server import serve as run
    from imagegen_http.settings.loader import check_bind
    from imagegen_http.settings.shown import Origin

    settings = context.settings(config)
    server = settings.server
    server = attrs.evolve(server, host=host or server.host, port=server.port if port is None else port)
    settings = attrs.evolve(settings, server=server)
    check_bind(server.host, server.auth_token)
    options = {"server.host": host, "server.port": port}
    from_options = {key: Origin.ENVIRONMENT for key, value in options.items() if value is not None}
    origins = {**context.setting_origins(config), **from_options}
    warnings = context.variable_warnings(config)
    token_place = context.token_place(config)

    def greet(port: int) -> None:
        """Tell a person what to open; a log has the address in a line of its own."""
        if sys.stderr.isatty():
            in_container = is_in_container()
            for message in opening_messages(
                settings, port, token_place=token_place, in_container=in_container
            ):
                complain(message, context.language)

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
