"""``imagegen reindex``."""

import asyncio
import contextlib

import rich_click as click

from imagegen_http.cli.api import Api
from imagegen_http.cli.context import Context
from imagegen_http.cli.progress import Advance, progress_bar

_LOOK_SECONDS = 0.5


@click.command()
@click.pass_obj
def reindex(context: Context) -> None:
    """Make the search index anew, after an update asked for it or when it is missing.

    Searches go on meanwhile. What is broken off goes on with the next call.
    """

    async def act(api: Api) -> None:
        with progress_bar("reindex") as advance:
            watching = asyncio.create_task(_watch(api, advance))
            try:
                told = await api.call("POST", "/api/v1/search/reindex", timeout=None)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
        click.echo(f"the search index is {told['state']}")

    context.with_api(act)


async def _watch(api: Api, advance: Advance) -> None:
    """Move the bar, whoever does the work."""
    with contextlib.suppress(Exception):  # a bar is no reason to fail
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            told = await api.call("GET", "/api/v1/search/index")
            if told["reached"] is not None:
                advance(told["reached"] / max(told["until"], 1))
