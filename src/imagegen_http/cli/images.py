"""``imagegen images`` and ``imagegen collections``."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import click

from imagegen_core.limits import MAX_BATCH_IMAGES, MAX_PAGE_SIZE
from imagegen_core.messages import Message, RefusalCode
from imagegen_core.requests import Operation
from imagegen_core.values import ZipStream, file_name
from imagegen_http.cli import options
from imagegen_http.cli.api import Api, Failures, api_command, listed_ids, with_api
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage, check_writable, say, unusable
from imagegen_http.cli.files import NOT_REPLACED, STDOUT, atomic_file, check_stdout, extension_of, name_of
from imagegen_http.cli.output import Column, cost_note, show_list, show_record, show_table, size_of
from imagegen_http.cli.words import message

_COLLECTIONS = "/api/v1/collections"
_IMAGES = "/api/v1/images"
_SEARCH = f"{_IMAGES}/search"
_TRASH = "/api/v1/trash"
_PIECE_BYTES = 512 * 1024

images = click.Group("images", help="Find, fetch, delete and restore kept images.")
collections = click.Group("collections", help="Gather images in collections.")

_LIST = (
    Column("id"),
    Column("created", "created_at", "time"),
    Column("provider"),
    Column("size", size_of),
    Column("prompt", kind="text"),
)
_RECORD = (
    Column("id"),
    Column("prompt"),
    Column("operation", kind="word"),
    Column("provider"),
    Column("model", "model_id"),
    Column("size", lambda it: f"{size_of(it)}, {it['mime_type']}, {it['size_bytes'] / 1024:,.0f} KB"),
    Column("created", "created_at", "time"),
    Column("cost", lambda image: cost_note(image["cost"])),
    Column("storage", kind="word"),
    Column("tags", lambda image: ", ".join(f'"{tag}"' if "," in tag else tag for tag in image["tags"])),
    Column("task", "task_id"),
)
_TRASH_LIST = (
    Column("id"),
    Column("deleted", "trashed_at", "time"),
    Column("for good", "expires_at", "time"),
    Column("size", size_of),
    Column("prompt", kind="text"),
)
_COLLECTIONS_LIST = (
    Column("id"),
    Column("name"),
    Column("images", "count"),
    Column("created", "created_at", "time"),
)


# ---------------------------------------------------------------- filters

_words_option = click.option("--search", "words", help="Only images with these words in the prompt.")
_operations = click.Choice([operation.value for operation in Operation])
_order_option = click.option(
    "--order", type=click.Choice(["newest", "oldest"]), help="What comes first; newest if left out."
)
_FILTERS = (
    click.option("--provider", metavar="NAME", help="Only this provider's."),
    click.option("--model", "model_id", metavar="ID", help="Only this model's."),
    click.option("--operation", type=_operations, help="Only of this operation."),
    click.option("--from", metavar="DATE", help="Made at or after this date or time (ISO 8601)."),
    click.option("--to", metavar="DATE", help="Made before this time, or up to the end of this date."),
    click.option(
        "--tz", metavar="ZONE", help="Whose days and dates: Asia/Shanghai, +08:00; UTC if left out."
    ),
    click.option("--favourite/--no-favourite", default=None, help="Only favourites, or only others."),
    click.option("--tag", help="Only with this tag, in any case and width."),
    click.option("--collection", metavar="NAME", help="Only in this collection: its name or its id."),
    _order_option,
)


def _filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of which `_query` makes a query."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


async def _query(api: Api, filters: Mapping[str, Any], words: str | None = None) -> dict[str, str]:
    """Return filters as the API's query, with the id of the collection that they name."""
    query = {name: value for name, value in filters.items() if value is not None}
    if "favourite" in query:
        query["favourite"] = str(query["favourite"]).lower()
    if "collection" in query:
        query["collection"] = await find_collection(api, query["collection"])
    return query | ({"keyword": words} if words else {})


async def find_collection(api: Api, text: str) -> int:
    """Return the id of the collection with this name, else with this id."""
    from imagegen_core.images import fold_name

    items = (await api.get(_COLLECTIONS))["items"]
    named = [item["id"] for item in items if fold_name(item["name"]) == fold_name(text.strip())]
    numbers: list[int] = named + [item["id"] for item in items if str(item["id"]) == text]
    if not numbers:
        raise CommandFailed(RefusalCode.NO_COLLECTION(id=text))
    return numbers[0]


@images.command("list")
@_filter_options
@options.listing
@api_command
async def list_images(api: Api, listing: Mapping[str, Any], **filters: Any) -> None:
    """List images."""
    query = await _query(api, filters)
    await show_list(api, _IMAGES, query, _LIST, empty=_no_images(api, query), **listing)


@images.command()
@click.argument("words")
@_filter_options
@click.option("--mode", type=click.Choice(["contains", "relevant"]), default="contains", show_default=True)
@options.listing
@api_command
async def search(api: Api, words: str, mode: str, listing: Mapping[str, Any], **filters: Any) -> None:
    """Find images by any piece of their prompt."""
    query = {**await _query(api, filters), "keyword": words, "mode": mode}
    empty = message("no image in {path} has these words in its prompt", path=api.place)
    await show_list(api, _SEARCH, query, _LIST, empty=empty, **listing)


@images.command()
@_words_option
@_filter_options
@options.as_json
@api_command
async def days(api: Api, words: str | None, *, as_json: bool, **filters: Any) -> None:
    """Count images by the day on which they were made."""
    query = await _query(api, filters, words)
    counts = await api.get(f"{_IMAGES}/days", params=query)
    columns = (Column("day"), Column("images", "count"))
    show_table(columns, counts, empty=_no_images(api, query), as_json=as_json)


def _no_images(api: Api, query: Mapping[str, str]) -> Message:
    return message(
        "no such images in {path}" if query.keys() - {"order"} else "no images yet in {path}", path=api.place
    )


@images.command(short_help="Print an image's record.")
@click.argument("image_id", type=options.positive)
@options.as_json
@api_command
async def show(api: Api, image_id: int, *, as_json: bool) -> None:
    """Print what a terminal has room for of an image's record; in a pipe all of it, as JSON."""
    show_record(await api.get(f"{_IMAGES}/{image_id}"), _RECORD, as_json=as_json)


@images.command()
@click.option("--prefix", default="", help="Only those that begin with this, in any case and width.")
@options.as_json
@api_command
async def tags(api: Api, prefix: str, *, as_json: bool) -> None:
    """List the most used tags, and how many images have each."""
    params = {"page_size": MAX_PAGE_SIZE, **({"prefix": prefix} if prefix else {})}
    items = (await api.get("/api/v1/tags", params=params))["items"]
    columns = (Column("tag"), Column("images", "count"))
    show_table(columns, items, empty=message("no such tags in {path}", path=api.place), as_json=as_json)


@images.command(short_help="Copy images and their records to DIRECTORY.")
@click.argument("directory", type=options.directory)
@_words_option
@_filter_options
@api_command
async def export(api: Api, directory: Path, words: str | None, **filters: Any) -> None:
    """Copy images to DIRECTORY, each with its record beside it; files that are there are kept.

    One that cannot be read stops no other. Another export to the same DIRECTORY writes what is missing there.
    """
    target = Path.cwd() / directory
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(directory, error) from error
    check_writable(target)
    query = await _query(api, filters, words)
    copied, failures, place = 0, Failures(), api.place
    async for image in api.every(_SEARCH if words else _IMAGES, **query):
        with failures.catching(image["id"]):
            file = target / name_of(image)
            if not (file.exists() and file.stat().st_size):
                await api.download_image(image["id"], file)
            _write_record(file.with_suffix(".json"), image)
            copied += 1
    say("{count} image(s) of {place} in {directory}", count=copied, place=place, directory=str(directory))
    failures.check()


def _write_record(record: Path, image: Mapping[str, Any]) -> None:
    try:
        json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):  # none, or truncated by an interruption
        with atomic_file(record) as out:
            out.write(f"{json.dumps(image, ensure_ascii=False, indent=2)}\n".encode())


@images.command("zip", short_help="Put images into one zip file.")
@click.argument("file", type=options.file_or_stdout)
@options.image_ids
@options.force
@click.pass_obj
def zip_images(context: Context, file: Path, image_ids: tuple[int, ...], *, force: bool) -> None:
    """Put images into the zip file FILE, or write it to standard output for `-`.

    Each has the name of its download. One that cannot be read stops no other.
    """
    if str(file).isdecimal():
        raise WrongUsage(
            "FILE stands before the ids, and {file} looks like an id: give a name such as {file}.zip",
            file=str(file),
        )
    path = context.cwd / file
    if file == STDOUT:
        check_stdout(force=force)
    elif not force and path.exists():
        raise CommandFailed(NOT_REPLACED, path=str(file))

    async def act(api: Api) -> None:
        archive, failures, count = ZipStream(), Failures(), 0
        with nullcontext(sys.stdout.buffer) if file == STDOUT else atomic_file(path, replace=force) as out:
            for image_id in dict.fromkeys(image_ids):
                with failures.catching(image_id):
                    await _zip(api, image_id, archive, out)
                    count += 1
            if archive.is_empty:
                failures.check()
            archive.close()
            out.write(archive.take())
            out.flush()
        if file != STDOUT:
            say("{count} image(s) in {file}", count=count, file=str(file))
        failures.check()

    with_api(context, act)


async def _zip(api: Api, image_id: int, archive: ZipStream, out: BinaryIO) -> None:
    """Add an image to the archive once it is downloaded completely."""
    image = await api.get(f"{_IMAGES}/{image_id}")
    name = file_name(image["prompt"], image_id, extension_of(image).removeprefix("."))
    with TemporaryDirectory(prefix="imagegen-") as folder:
        copy = Path(folder) / "image"
        await api.download_image(image_id, copy)
        archive.begin(name, datetime.fromisoformat(image["created_at"]))
        with copy.open("rb") as content:
            while piece := content.read(_PIECE_BYTES):
                archive.write(piece)
                out.write(archive.take())


_collection = click.argument("collection")


@collections.command("list")
@options.as_json
@api_command
async def list_collections(api: Api, *, as_json: bool) -> None:
    """List collections, newest first."""
    empty = message("no collections in {path}", path=api.place)
    show_table(_COLLECTIONS_LIST, (await api.get(_COLLECTIONS))["items"], empty=empty, as_json=as_json)


@collections.command()
@click.argument("name")
@api_command
async def create(api: Api, name: str) -> None:
    """Create an empty collection, and print its id."""
    click.echo((await api.post(_COLLECTIONS, json={"name": name}))["id"])


@collections.command()
@_collection
@click.argument("name")
@api_command
async def rename(api: Api, collection: str, name: str) -> None:
    """Give COLLECTION, a name or an id, another name."""
    path = f"{_COLLECTIONS}/{await find_collection(api, collection)}"
    renamed = await api.call("PATCH", path, json={"name": name})
    click.echo(f"renamed {renamed['id']}")


@collections.command("delete")
@_collection
@options.confirmed(
    lambda collection: message("Delete collection {collection}? Its images stay.", collection=collection)
)
@api_command
async def delete_collection(api: Api, collection: str) -> None:
    """Delete COLLECTION, a name or an id; its images stay."""
    number = await find_collection(api, collection)
    await api.call("DELETE", f"{_COLLECTIONS}/{number}")
    click.echo(f"deleted {number}")


# ---------------------------------------------------------------- changes


@images.command(short_help="Delete images; they can be restored.")
@options.image_ids
@click.option("--permanent", is_flag=True, help="For good at once, also from the trash.")
@options.confirmed(
    lambda image_ids, permanent: (
        message("Delete {count} image(s) for good?", count=len(image_ids))
        if permanent
        else message("Delete {count} image(s)?", count=len(image_ids))
    )
)
@api_command
async def delete(api: Api, image_ids: tuple[int, ...], *, permanent: bool) -> None:
    """Delete images; they can be restored for `storage.trash_days`, by default 30.

    One that is missing stops no other.
    """
    if not permanent:
        await _change_all(api, image_ids, {"action": "trash"}, each="deleted {id}")
        return
    failures = Failures()
    for image_id in dict.fromkeys(image_ids):
        with failures.catching(image_id):
            await api.call("DELETE", f"{_IMAGES}/{image_id}")
            say("deleted {id}", id=image_id)
    failures.check()


@images.command("trash", short_help="List deleted images that can be restored.")
@_order_option
@options.listing
@api_command
async def list_trash(api: Api, listing: Mapping[str, Any], order: str | None) -> None:
    """List deleted images that can be restored, in the order of their deletion."""
    query = {"order": order} if order else {}
    await show_list(api, _TRASH, query, _TRASH_LIST, empty=message("the trash is empty"), **listing)


@images.command("empty-trash", short_help="Delete everything in the trash for good.")
@options.confirmed(lambda: message("Delete everything in the trash for good?"))
@api_command
async def empty_trash(api: Api) -> None:
    """Delete everything in the trash for good: records, files, thumbnails, OSS objects."""
    await api.call("DELETE", _TRASH)
    click.echo("emptied")


async def _change_all(
    api: Api, image_ids: Sequence[int], body: Mapping[str, Any], *, each: str | None = None
) -> None:
    """Change images in batches, and print how many were, or a line for ``each``; missing ones fail then."""
    ids = list(dict.fromkeys(image_ids))
    changed, missing = 0, []
    for start in range(0, len(ids), MAX_BATCH_IMAGES):
        result = await api.post(
            f"{_IMAGES}/batch", json={"ids": ids[start : start + MAX_BATCH_IMAGES], **body}
        )
        changed += result["changed"]
        missing += result["missing"]
    if each is None:
        click.echo(changed)
    else:
        for image_id in ids:
            if image_id not in missing:
                say(each, id=image_id)
    if missing:
        raise CommandFailed("no images {image_ids}; the others are done", image_ids=listed_ids(missing))


def _add_change(
    group: click.Group,
    name: str,
    action: str,
    help_: str,
    *argument: Callable[..., Any],
    short_help: str | None = None,
) -> None:
    """Add a command that changes images in batches."""

    @options.image_ids
    @api_command
    async def change(api: Api, image_ids: tuple[int, ...], **more: Any) -> None:
        if "collection" in more:
            more["collection"] = await find_collection(api, more["collection"])
        await _change_all(api, image_ids, {"action": action, **more})

    for decorate in argument:
        change = decorate(change)
    group.command(name, help=help_, short_help=short_help)(change)


_add_change(
    images,
    "restore",
    "restore",
    "Bring deleted images back from the trash, with their tags and collections, and print how many.",
    short_help="Bring deleted images back from the trash.",
)
_tag = click.argument("tag")
_add_change(images, "star", "favourite", "Make images favourites, and print how many were none before.")
_add_change(images, "unstar", "unfavourite", "Make images no favourites any more, and print how many were.")
_add_change(images, "tag", "tag", "Give images the tag TAG, and print how many did not have it.", _tag)
_add_change(images, "untag", "untag", "Take the tag TAG from images, and print how many had it.", _tag)
_add_change(
    collections,
    "add",
    "add_to",
    "Put images into COLLECTION, a name or an id, and print how many were not there before.",
    _collection,
    short_help="Put images into a collection.",
)
_add_change(
    collections,
    "remove",
    "remove_from",
    "Take images out of COLLECTION, a name or an id, and print how many were there; they stay themselves.",
    _collection,
    short_help="Take images out of a collection.",
)
