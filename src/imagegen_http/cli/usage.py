"""``imagegen usage``."""

from collections.abc import Mapping
from typing import Any

import click

from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import Context, print_json
from imagegen_http.cli.messages import NoteCode
from imagegen_http.cli.tables import Column
from imagegen_http.cli.titles import TitleCode

_GROUPS = {
    "day": TitleCode.TITLE_DAY,
    "provider": TitleCode.TITLE_PROVIDER,
    "model": TitleCode.TITLE_MODEL,
}
_SUMS = (
    TitleCode.TITLE_TASKS,
    TitleCode.TITLE_IMAGES,
    TitleCode.TITLE_KNOWN,
    TitleCode.TITLE_ESTIMATED,
    TitleCode.TITLE_POSSIBLE,
    TitleCode.TITLE_UNKNOWN,
)


@click.command(short_help="Add up tasks, images and costs.")
@click.option("--from", "from_", metavar="DATE", help="Ended at or after this date or time (ISO 8601).")
@click.option("--to", metavar="DATE", help="Ended before this time, or up to the end of this date.")
@click.option(
    "--group-by",
    type=click.Choice([*_GROUPS]),
    default="day",
    show_default=True,
    help="What a line is.",
)
@click.option("--tz", metavar="ZONE", help="Whose days and dates: Asia/Shanghai, +08:00; UTC if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def usage(
    context: Context, from_: str | None, to: str | None, group_by: str, tz: str | None, *, as_json: bool
) -> None:
    """Add up tasks, images and costs of the tasks that ended in a time.

    Each currency has its own sum. Known: what the provider said; estimated: by the price lists; possible:
    what calls with an unknown outcome may have cost; unknown: calls whose amount nobody knows.
    """
    query = {"from": from_, "to": to, "group_by": group_by, "tz": tz}

    async def act(api: Api) -> None:
        answer = await api.call("GET", "/api/v1/usage", params={k: v for k, v in query.items() if v})
        if as_json:
            print_json(answer["groups"])
            return
        columns = [Column(title) for title in (_GROUPS[group_by], *_SUMS)]
        rows = [_row(group) for group in answer["groups"]]
        tables.show(columns, rows, language=api.language, empty=NoteCode.NO_USAGE(path=api.place))

    context.with_api(act)


def _row(group: Mapping[str, Any]) -> tuple[object, ...]:
    sums = (_amounts(group[name]) for name in ("known", "estimated", "possible"))
    return (group["key"], group["tasks"], group["images"], *sums, group["unknown_attempts"])


def _amounts(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in amounts.items()) or "-"
