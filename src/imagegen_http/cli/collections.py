"""``imagegen collections``."""

import click

from imagegen_http.cli.access import api_command, with_api
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import Context, confirm
from imagegen_http.cli.images import COLLECTIONS, change_images, find_collection
from imagegen_http.cli.options import as_json, assume_yes, image_ids_argument
from imagegen_http.cli.output import Column, Kind, show_table
from imagegen_http.cli.words import message

_LIST = (
    Column("id", "id"),
    Column("name", "name"),
    Column("images", "count"),
    Column("created", "created_at", Kind.TIME),
)
_collection_argument = click.argument("collection")


@click.group()
def collections() -> None:
    """Gather images in collections."""


@collections.command("list")
@as_json
@api_command
async def list_collections(api: Api, *, as_json: bool) -> None:
    """List collections, newest first."""
    empty = message("no collections in {path}", path=api.place)
    show_table(_LIST, (await api.get(COLLECTIONS))["items"], empty=empty, as_json=as_json)


@collections.command()
@click.argument("name")
@api_command
async def create(api: Api, name: str) -> None:
    """Create an empty collection, and print its id."""
    click.echo((await api.post(COLLECTIONS, json={"name": name}))["id"])


@collections.command()
@_collection_argument
@click.argument("name")
@api_command
async def rename(api: Api, collection: str, name: str) -> None:
    """Give COLLECTION, a name or an id, another name."""
    path = f"{COLLECTIONS}/{await find_collection(api, collection)}"
    renamed = await api.call("PATCH", path, json={"name": name})
    click.echo(f"renamed {renamed['id']}")


@collections.command()
@_collection_argument
@assume_yes
@click.pass_obj
def delete(context: Context, collection: str, *, yes: bool) -> None:
    """Delete COLLECTION, a name or an id; its images stay."""
    confirm("Delete collection {collection}? Its images stay.", yes=yes, collection=collection)

    async def act(api: Api) -> None:
        number = await find_collection(api, collection)
        await api.call("DELETE", f"{COLLECTIONS}/{number}")
        click.echo(f"deleted {number}")

    with_api(context, act)


@collections.command(short_help="Put images into a collection.")
@_collection_argument
@image_ids_argument
@api_command
async def add(api: Api, collection: str, image_ids: tuple[int, ...]) -> None:
    """Put images into COLLECTION, a name or an id, and print how many were not there before."""
    await change_images(api, image_ids, "add_to", collection=await find_collection(api, collection))


@collections.command(short_help="Take images out of a collection.")
@_collection_argument
@image_ids_argument
@api_command
async def remove(api: Api, collection: str, image_ids: tuple[int, ...]) -> None:
    """Take images out of COLLECTION, a name or an id, and print how many were there; they stay themselves."""
    await change_images(api, image_ids, "remove_from", collection=await find_collection(api, collection))
