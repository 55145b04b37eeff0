"""Favourites and tags: ``imagegen images star``, ``unstar``, ``tag``, ``untag`` and ``tags``."""

from collections.abc import Sequence
from typing import Any

import click

from imagegen_core.limits import MAX_BATCH_IMAGES, MAX_PAGE_SIZE
from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, print_json
from imagegen_http.cli.failures import listed_ids
from imagegen_http.cli.messages import CommandCode, NoteCode
from imagegen_http.cli.tables import Column
from imagegen_http.cli.titles import TitleCode

image_ids_argument = click.argument("image_ids", type=click.IntRange(min=1), nargs=-1, required=True)


async def change_images(api: Api, image_ids: Sequence[int], action: str, **argument: Any) -> None:
    """Change images, a thousand in a request, and print how many were changed.

    Raises:
        CommandFailed: the API refused it, or some of the images are missing; the others are changed.
    """
    ids = list(dict.fromkeys(image_ids))
    changed, missing = 0, []
    for start in range(0, len(ids), MAX_BATCH_IMAGES):
        body = {"ids": ids[start : start + MAX_BATCH_IMAGES], "action": action, **argument}
        result = await api.call("POST", "/api/v1/images/batch", json=body)
        changed += result["changed"]
        missing += result["missing"]
    click.echo(changed)
    if missing:
        raise CommandFailed(CommandCode.NO_IMAGES(image_ids=listed_ids(missing)))


@click.command()
@image_ids_argument
@click.pass_obj
def star(context: Context, image_ids: tuple[int, ...]) -> None:
    """Make images favourites, and print how many were none before."""
    context.with_api(lambda api: change_images(api, image_ids, "favourite"))


@click.command()
@image_ids_argument
@click.pass_obj
def unstar(context: Context, image_ids: tuple[int, ...]) -> None:
    """Make images no favourites any more, and print how many were."""
    context.with_api(lambda api: change_images(api, image_ids, "unfavourite"))


@click.command()
@click.argument("tag_name", metavar="TAG")
@image_ids_argument
@click.pass_obj
def tag(context: Context, tag_name: str, image_ids: tuple[int, ...]) -> None:
    """Give images the tag TAG, and print how many did not have it."""
    context.with_api(lambda api: change_images(api, image_ids, "tag", tag=tag_name))


@click.command()
@click.argument("tag_name", metavar="TAG")
@image_ids_argument
@click.pass_obj
def untag(context: Context, tag_name: str, image_ids: tuple[int, ...]) -> None:
    """Take the tag TAG from images, and print how many had it."""
    context.with_api(lambda api: change_images(api, image_ids, "untag", tag=tag_name))


@click.command()
@click.option("--prefix", default="", help="Only those that begin with this, in any case and width.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def tags(context: Context, prefix: str, *, as_json: bool) -> None:
    """List the most used tags, and how many images have each."""

    async def act(api: Api) -> None:
        params = {"page_size": MAX_PAGE_SIZE, **({"prefix": prefix} if prefix else {})}
        items = (await api.call("GET", "/api/v1/tags", params=params))["items"]
        if as_json:
            print_json(items)
            return
        columns = (Column(TitleCode.TITLE_TAG), Column(TitleCode.TITLE_IMAGES))
        rows = [(item["tag"], item["count"]) for item in items]
        tables.show(columns, rows, language=api.language, empty=NoteCode.NO_TAGS(path=api.place))

    context.with_api(act)


COMMANDS = (star, unstar, tag, untag, tags)
