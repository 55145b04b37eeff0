"""Options and arguments that several commands have."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.operations import Operation
from imagegen_http.cli.context import WrongUsage
from imagegen_http.cli.output import Listing

_Command = Callable[..., Any]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
assume_yes = click.option("--yes", is_flag=True, help="Do not ask.")
words_option = click.option("--search", "words", help="Only images with these words in the prompt.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Change nothing, say what would be done.")
config_option = click.option(
    "--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="The settings file."
)
image_ids_argument = click.argument("image_ids", type=click.IntRange(min=1), nargs=-1, required=True)
param_option = click.option(
    "--param", "params", multiple=True, metavar="K=V", help="A parameter of the model; repeatable."
)


def parse_params(pairs: tuple[str, ...], *, empty: str | None = "") -> dict[str, Any]:
    """Return the parameters, each a number, a boolean or a text; ``empty`` is what no text means."""
    if not pairs:
        return {}
    import yaml

    params = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise WrongUsage("{option} must be {form}", option=f"--param {pair}:", form="K=V")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        as_written = isinstance(value, (dict, list)) or value is None
        params[name] = (text or empty) if as_written else value
    return params


def list_options(command: _Command) -> _Command:
    """Add the options of a list to a command, which gets them as a ``listing`` that shows it."""

    @click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        default=DEFAULT_PAGE_SIZE,
        show_default=True,
        help="How many.",
    )
    @click.option("--all", "all_", is_flag=True, help="All of them, whatever --limit says.")
    @as_json
    @wraps(command)
    def with_listing(*arguments: Any, limit: int, all_: bool, as_json: bool, **more: Any) -> None:
        command(*arguments, listing=Listing(limit=None if all_ else limit, as_json=as_json), **more)

    return with_listing


_FILTERS = (
    click.option("--provider", metavar="NAME", help="Only this provider's."),
    click.option("--model", "model_id", metavar="ID", help="Only this model's."),
    click.option(
        "--operation",
        type=click.Choice([operation.value for operation in Operation]),
        help="Only of this operation.",
    ),
    click.option("--from", metavar="DATE", help="Made at or after this date or time (ISO 8601)."),
    click.option("--to", metavar="DATE", help="Made before this time, or up to the end of this date."),
    click.option(
        "--tz", metavar="ZONE", help="Whose days and dates: Asia/Shanghai, +08:00; UTC if left out."
    ),
    click.option(
        "--favourite/--no-favourite",
        default=None,
        help="Only favourites, or only others.",
        show_default=False,
    ),
    click.option("--tag", help="Only with this tag, in any case and width."),
    click.option("--collection", metavar="NAME", help="Only in this collection: its name or its id."),
)
_FILTER_NAMES = ("provider", "model_id", "operation", "from", "to", "tz", "favourite", "tag", "collection")


def filter_options(command: _Command) -> _Command:
    """Add the options that filter images to a command, which gets them as query parameters in ``filters``."""

    @wraps(command)
    def with_filters(*arguments: Any, **options: Any) -> None:
        query = {name: options.pop(name) for name in _FILTER_NAMES}
        if query["favourite"] is not None:
            query["favourite"] = str(query["favourite"]).lower()
        filters = {name: value for name, value in query.items() if value is not None}
        command(*arguments, filters=filters, **options)

    decorated: _Command = with_filters
    for option in reversed(_FILTERS):
        decorated = option(decorated)
    return decorated
