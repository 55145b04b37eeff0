"""``imagegen keys``."""

import click

from imagegen_http.cli.context import Context, naming_data_dir
from imagegen_http.cli.results import ResultCode


@click.group()
def keys() -> None:
    """Look after the master key."""


@keys.command(short_help="Change the master key; no server may run.")
@click.pass_obj
def rotate(context: Context) -> None:
    """Give the data directory a new master key and seal every saved secret with it; no server may run.

    Where `IMAGEGEN_MASTER_KEY` takes the place of `master.key`, put the new key first: `NEW,OLD`.
    An interrupted rotation is finished by the next one.
    """
    import asyncio

    from imagegen_http.cli.privileges import become_owner
    from imagegen_http.composition import offline

    settings = context.settings()
    become_owner(settings.data_dir)
    with naming_data_dir(settings):
        count = asyncio.run(offline.rotate_keys(settings, context.environ))
    result = ResultCode.KEY_ROTATED(path=str(settings.data_dir), count=count)
    click.echo(result.text(context.language))
