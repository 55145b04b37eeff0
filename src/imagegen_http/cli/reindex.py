"""``imagegen reindex``."""

import click

from imagegen_http.cli.api import Api
from imagegen_http.cli.context import Context
from imagegen_http.cli.messages import ProgressCode
from imagegen_http.cli.progress import polled_progress
from imagegen_http.cli.results import ResultCode
from imagegen_http.cli.statuses import status_text


@click.command(short_help="Rebuild the search index.")
@click.pass_obj
def reindex(context: Context) -> None:
    """Rebuild the search index, when an update asked for it or when it is missing.

    Searches go on meanwhile. An interrupted rebuild is resumed by the next call.
    """

    async def act(api: Api) -> None:
        async def poll() -> tuple[int, int] | None:
            index = await api.call("GET", "/api/v1/search/index")
            return None if index["reached"] is None else (index["reached"], index["until"])

        async with polled_progress(ProgressCode.REBUILDING_INDEX(), api.language, poll):
            result = await api.call("POST", "/api/v1/search/reindex", timeout=None)
        state = status_text(result["state"], api.language)
        click.echo(ResultCode.INDEX_STATE(state=state).text(api.language))

    context.with_api(act)
