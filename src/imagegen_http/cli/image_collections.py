"""``imagegen collections``."""

from typing import Any

import click

from imagegen_core.marks import fold_name
from imagegen_core.problems import RefusalCode
from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, print_json
from imagegen_http.cli.image_marks import change_images, image_ids_argument
from imagegen_http.cli.messages import NoteCode
from imagegen_http.cli.tables import Column, Kind
from imagegen_http.cli.titles import TitleCode

_PATH = "/api/v1/collections"
_COLUMNS = (
    Column(TitleCode.TITLE_ID),
    Column(TitleCode.TITLE_NAME),
    Column(TitleCode.TITLE_IMAGES),
    Column(TitleCode.TITLE_CREATED, Kind.TIME),
)

_collection_argument = click.argument("collection")


async def find_collection(api: Api, text: str) -> dict[str, Any]:
    """Return the collection of this name or, if there is none, of this id.

    Raises:
        CommandFailed: there is neither.
    """
    items: list[dict[str, Any]] = (await api.call("GET", _PATH))["items"]
    named = [item for item in items if fold_name(item["name"]) == fold_name(text.strip())]
    for item in (*named, *(item for item in items if str(item["id"]) == text)):
        return item
    raise CommandFailed(RefusalCode.NO_COLLECTION(collection=text))


async def with_collection_id(api: Api, filters: dict[str, str]) -> dict[str, str]:
    """Return filters of images with the id of the collection that they name, if they do."""
    if (collection := filters.get("collection")) is None:
        return filters
    return {**filters, "collection": str((await find_collection(api, collection))["id"])}


@click.group()
def collections() -> None:
    """Gather images in collections."""


@collections.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_collections(context: Context, *, as_json: bool) -> None:
    """List collections, newest first."""

    async def act(api: Api) -> None:
        items = (await api.call("GET", _PATH))["items"]
        if as_json:
            print_json(items)
            return
        rows = [(item["id"], item["name"], item["count"], item["created_at"]) for item in items]
        tables.show(_COLUMNS, rows, language=api.language, empty=NoteCode.NO_COLLECTIONS(path=api.place))

    context.with_api(act)


@collections.command()
@click.argument("name")
@click.pass_obj
def create(context: Context, name: str) -> None:
    """Create an empty collection, and print its id."""

    async def act(api: Api) -> None:
        click.echo((await api.call("POST", _PATH, json={"name": name}))["id"])

    context.with_api(act)


@collections.command()
@_collection_argument
@click.argument("name")
@click.pass_obj
def rename(context: Context, collection: str, name: str) -> None:
    """Give COLLECTION, a name or an id, another name."""

    async def act(api: Api) -> None:
        number = (await find_collection(api, collection))["id"]
        renamed = await api.call("PATCH", f"{_PATH}/{number}", json={"name": name})
        click.echo(f"renamed {renamed['id']}")

    context.with_api(act)


@collections.command()
@_collection_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(context: Context, collection: str, *, yes: bool) -> None:
    """Delete COLLECTION, a name or an id; its images stay."""
    if not yes:
        question = NoteCode.CONFIRM_COLLECTION_DELETION(collection=collection)
        click.confirm(question.text(context.language), abort=True)

    async def act(api: Api) -> None:
        number = (await find_collection(api, collection))["id"]
        await api.call("DELETE", f"{_PATH}/{number}")
        click.echo(f"deleted {number}")

    context.with_api(act)


@collections.command(short_help="Put images into a collection.")
@_collection_argument
@image_ids_argument
@click.pass_obj
def add(context: Context, collection: str, image_ids: tuple[int, ...]) -> None:
    """Put images into COLLECTION, a name or an id, and print how many were not there before."""
    _change(context, collection, image_ids, "add_to")


@collections.command(short_help="Take images out of a collection.")
@_collection_argument
@image_ids_argument
@click.pass_obj
def remove(context: Context, collection: str, image_ids: tuple[int, ...]) -> None:
    """Take images out of COLLECTION, a name or an id, and print how many were there; they stay themselves."""
    _change(context, collection, image_ids, "remove_from")


def _change(context: Context, collection: str, image_ids: tuple[int, ...], action: str) -> None:
    async def act(api: Api) -> None:
        number = (await find_collection(api, collection))["id"]
        await change_images(api, image_ids, action, collection=number)

    context.with_api(act)
