"""``imagegen usage``."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from imagegen_http.cli.access import api_command
from imagegen_http.cli.api import Api
from imagegen_http.cli.options import as_json
from imagegen_http.cli.output import Column, show_table
from imagegen_http.cli.words import message


def _amounts(name: str, group: Mapping[str, Any]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in group[name].items()) or "-"


_SUMS = (
    Column("tasks", "tasks"),
    Column("images", "images"),
    *(Column(name, partial(_amounts, name)) for name in ("known", "estimated", "possible")),
    Column("unknown", "unknown_attempts"),
)


@click.command(short_help="Add up tasks, images and costs.")
@click.option("--from", metavar="DATE", help="Ended at or after this date or time (ISO 8601).")
@click.option("--to", metavar="DATE", help="Ended before this time, or up to the end of this date.")
@click.option(
    "--group-by",
    type=click.Choice(["day", "provider", "model"]),
    default="day",
    show_default=True,
    help="What a line is.",
)
@click.option("--tz", metavar="ZONE", help="Whose days and dates: Asia/Shanghai, +08:00; UTC if left out.")
@as_json
@api_command
async def usage(api: Api, *, as_json: bool, **query: str | None) -> None:
    """Add up tasks, images and costs of the tasks that ended in a time.

    Each currency has its own sum. Known: what the provider said; estimated: by the price lists; possible:
    what calls with an unknown outcome may have cost; unknown: calls whose amount nobody knows.
    """
    answer = await api.get("/api/v1/usage", params={k: v for k, v in query.items() if v})
    columns = (Column(str(query["group_by"]), "key"), *_SUMS)
    empty = message("no task ended in that time in {path}", path=api.place)
    show_table(columns, answer["groups"], empty=empty, as_json=as_json)
