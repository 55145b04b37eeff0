"""``imagegen config``."""

from pathlib import Path

import click

from imagegen_http.cli.context import Context, complain
from imagegen_http.cli.messages import CommandCode


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="The settings file.")
@click.pass_obj
def check(context: Context, file: Path | None) -> None:
    """Say whether the settings can be used."""
    import asyncio

    from imagegen_http.composition import offline
    from imagegen_http.settings.loader import check_bind

    settings = context.settings(file)
    check_bind(settings.server.host, settings.server.auth_token)
    warnings = [*context.variable_warnings(file), context.exposure_warning(settings, file)]
    for warning in filter(None, (*warnings, *asyncio.run(offline.check_settings(settings)))):
        complain(warning, context.language)
    click.echo(CommandCode.CONFIGURATION_VALID().text(context.language))


@config.command(short_help="Print the settings as YAML, secrets masked.")
@click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="The settings file.")
@click.pass_obj
def show(context: Context, file: Path | None) -> None:
    """Print the settings as YAML, defaults and environment included, secrets masked."""
    import yaml

    from imagegen_http.settings.shown import masked

    click.echo(yaml.safe_dump(masked(context.settings(file)), allow_unicode=True, sort_keys=False), nl=False)
