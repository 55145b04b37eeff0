"""``imagegen reindex``."""

import rich_click as click

from imagegen_http.cli.api import Api
from imagegen_http.cli.context import Context
from imagegen_http.cli.progress import polled_progress


@click.command()
@click.pass_obj
def reindex(context: Context) -> None:
    """Make the search index anew, after an update asked for it or when it is missing.

    Searches go on meanwhile. What is broken off goes on with the next call.
    """

    async def act(api: Api) -> None:
        async def poll() -> tuple[int, int] | None:
            told = await api.call("GET", "/api/v1/search/index")
            return None if told["reached"] is None else (told["reached"], told["until"])

        async with polled_progress("reindex", poll):
            told = await api.call("POST", "/api/v1/search/reindex", timeout=None)
        click.echo(f"the search index is {told['state']}")

    context.with_api(act)
