"""``imagegen config``."""

from pathlib import Path
from typing import Any

import click

from imagegen_http.cli.context import Context, complain
from imagegen_http.cli.messages import CommandCode

_SECRET_NAMES = frozenset(
    {"auth_token", "access_key_id", "access_key_secret", "security_token", "session_token", "api_key"}
)


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
    for warning in (*context.variable_warnings(file), *asyncio.run(offline.check_settings(settings))):
        complain(warning, context.language)
    click.echo(CommandCode.CONFIGURATION_VALID().text(context.language))


@config.command(short_help="Print the settings as YAML, secrets masked.")
@click.option("--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="The settings file.")
@click.pass_obj
def show(context: Context, file: Path | None) -> None:
    """Print the settings as YAML, defaults and environment included, secrets masked."""
    import yaml

    from imagegen_http.settings.database_url import masked_database_url

    settings = context.settings(file)
    tree = _plain(settings)
    if settings.database is not None:
        tree["database"] = masked_database_url(settings.database)
    click.echo(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), nl=False)


def _plain(value: Any, name: str = "") -> Any:
    import attrs

    from imagegen_core.providers.config import PROVIDER_FIELDS, ProviderConfig, masked_extra

    if name in _SECRET_NAMES:
        return None if value is None else "****"
    if isinstance(value, ProviderConfig):
        fields = {key: getattr(value, key) for key in PROVIDER_FIELDS}
        fields["extra_config"] = masked_extra(value.extra_config)
        return {k: _plain(v, k) for k, v in fields.items() if v is not None}
    if attrs.has(type(value)):
        return {f.name: _plain(getattr(value, f.name), f.name) for f in attrs.fields(type(value))}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if hasattr(value, "items"):
        return {str(k): _plain(v, str(k)) for k, v in value.items()}
    return value if isinstance(value, (int, float, bool)) or value is None else str(value)
