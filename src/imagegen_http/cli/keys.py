"""``imagegen keys``."""

import asyncio

import rich_click as click

from imagegen_http.cli.context import Context


@click.group()
def keys() -> None:
    """Look after the master key."""


@keys.command()
@click.pass_obj
def rotate(context: Context) -> None:
    """Give the data directory a new master key and seal every saved secret with it; no server may run.

    Where `IMAGEGEN_MASTER_KEY` takes the place of `master.key`, put the new key first: `NEW,OLD`.
    A rotation that was broken off is finished by the next one.
    """
    from imagegen_http.composition import offline

    count = asyncio.run(offline.rotate_keys(context.settings(), context.environ))
    click.echo(f"{count} saved secret(s) sealed with the new master key")
