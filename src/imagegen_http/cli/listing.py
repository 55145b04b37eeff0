"""Prints lists of the API: the first items or all, page by page as they arrive."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from functools import wraps
from typing import Any

import attrs
import click

from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.messages import Argument, Message
from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.messages import NoteCode
from imagegen_http.cli.tables import Column

Row = Callable[[dict[str, Any]], Sequence[object]]
"""Returns an item's cells."""


def list_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a list to a command, which gets them as ``listing``."""

    @click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        default=DEFAULT_PAGE_SIZE,
        show_default=True,
        help="How many.",
    )
    @click.option("--all", "all_", is_flag=True, help="All of them, whatever --limit says.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @wraps(command)
    def with_listing(*arguments: Any, limit: int, all_: bool, as_json: bool, **more: Any) -> None:
        command(*arguments, listing=Listing(limit=None if all_ else limit, as_json=as_json), **more)

    return with_listing


@attrs.define
class Listing:
    """How a list is printed. ``limit`` None: all. Only a terminal's table is collected in memory."""

    limit: int | None
    as_json: bool
    _printed: int = attrs.field(default=0, init=False)
    _last: dict[str, Any] = attrs.field(factory=dict, init=False)

    async def show(
        self,
        api: Api,
        path: str,
        params: dict[str, Any],
        *,
        columns: Sequence[Column],
        row: Row,
        empty: Message,
    ) -> None:
        """Print the list at ``path``, and a note on stderr if there is more."""
        items = self._items(api, path, params)
        if self.as_json:
            await _print_array(items)
        else:
            await tables.show_arriving(
                columns, (row(item) async for item in items), language=api.language, empty=empty
            )
        if self._last["has_more"]:
            total: Argument = f"{self._last['total']:,}"
            if not self._last.get("total_is_exact", True):
                total = NoteCode.AT_LEAST(total=total)
            note = NoteCode.MORE_IN_LIST(shown=self._printed, total=total)
            click.echo(note.text(api.language), err=True)

    async def _items(self, api: Api, path: str, params: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        async for page in api.pages(path, limit=self.limit, **params):
            self._last = page
            for item in page["items"]:
                self._printed += 1
                yield item


async def _print_array(items: AsyncIterator[dict[str, Any]]) -> None:
    """Print the items one by one, in the format of `json.dumps` for the whole list."""
    opening = "[\n"
    async for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=2).replace("\n", "\n  ")
        click.echo(f"{opening}  {text}", nl=False)
        opening = ",\n"
    click.echo("[]" if opening == "[\n" else "\n]")
