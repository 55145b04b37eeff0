"""The options by which images are filtered."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from imagegen_core.operations import Operation


def filter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that filter images to a command, which gets them as query parameters in ``filters``."""

    @click.option("--provider", metavar="NAME", help="Only this provider's.")
    @click.option("--model", "model_id", metavar="ID", help="Only this model's.")
    @click.option(
        "--operation",
        type=click.Choice([operation.value for operation in Operation]),
        help="Only of this operation.",
    )
    @click.option("--from", "from_", metavar="DATE", help="Made at or after this date or time (ISO 8601).")
    @click.option("--to", metavar="DATE", help="Made before this time, or up to the end of this date.")
    @click.option(
        "--tz", metavar="ZONE", help="Whose days and dates: Asia/Shanghai, +08:00; UTC if left out."
    )
    @click.option(
        "--favourite/--no-favourite",
        default=None,
        help="Only favourites, or only others.",
        show_default=False,
    )
    @click.option("--tag", help="Only with this tag, in any case and width.")
    @click.option("--collection", metavar="NAME", help="Only in this collection: its name or its id.")
    @wraps(command)
    def with_filters(
        *arguments: Any,
        provider: str | None,
        model_id: str | None,
        operation: str | None,
        from_: str | None,
        to: str | None,
        tz: str | None,
        favourite: bool | None,
        tag: str | None,
        collection: str | None,
        **more: Any,
    ) -> None:
        query = {"provider": provider, "model_id": model_id, "operation": operation, "from": from_, "to": to}
        query |= {"tz": tz, "tag": tag, "collection": collection}
        query["favourite"] = None if favourite is None else str(favourite).lower()
        filters = {name: value for name, value in query.items() if value is not None}
        command(*arguments, filters=filters, **more)

    return with_filters
