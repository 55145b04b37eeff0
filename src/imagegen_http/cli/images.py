"""``imagegen images`` and ``imagegen collections``."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import click

from imagegen_core.limits import MAX_BATCH_IMAGES, MAX_PAGE_SIZE
from imagegen_core.messages import Message
from imagegen_core.operations import Operation
from imagegen_core.problems import RefusalCode
from imagegen_core.values import ZipStream, file_name
from imagegen_http.cli.access import api_command, with_api
from imagegen_http.cli.api import Api, Failures, listed_ids
from imagegen_http.cli.context import (
    CommandFailed,
    Context,
    WrongUsage,
    about,
    check_writable,
    confirm,
    say,
    system_reason,
)
from imagegen_http.cli.files import NOT_REPLACED, STDOUT, atomic_file, check_stdout, extension_of, name_of
from imagegen_http.cli.options import as_json, assume_yes, image_ids_argument, list_options
from imagegen_http.cli.output import Column, Kind, Listing, cost_note, show_record, show_table, size_of
from imagegen_http.cli.words import message

_COLLECTIONS = "/api/v1/collections"
_IMAGES = "/api/v1/images"
_SEARCH = f"{_IMAGES}/search"
_PIECE_BYTES = 512 * 1024

_LIST = (
    Column("id", "id"),
    Column("created", "created_at", Kind.TIME),
    Column("provider", "provider"),
    Column("size", size_of),
    Column("prompt", "prompt", Kind.TEXT),
)


def _file(image: Mapping[str, Any]) -> str:
    return f"{size_of(image)}, {image['mime_type']}, {image['size_bytes'] / 1024:,.0f} KB"


def _tags(image: Mapping[str, Any]) -> str:
    """Return the tags with commas between them, so that each is one among others."""
    return ", ".join(f'"{tag}"' if "," in tag else tag for tag in image["tags"])


_RECORD = (
    Column("id", "id"),
    Column("prompt", "prompt"),
    Column("operation", "operation", Kind.WORD),
    Column("provider", "provider"),
    Column("model", "model_id"),
    Column("size", _file),
    Column("created", "created_at", Kind.TIME),
    Column("cost", lambda image: cost_note(image["cost"])),
    Column("storage", "storage", Kind.WORD),
    Column("tags", _tags),
    Column("task", "task_id"),
)


# ---------------------------------------------------------------- which images

_words_option = click.option("--search", "words", help="Only images with these words in the prompt.")
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


def _filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that filter images to a command, which gets them as query parameters in ``filters``."""

    @wraps(command)
    def with_filters(*arguments: Any, **options: Any) -> None:
        query = {name: options.pop(name) for name in _FILTER_NAMES}
        if query["favourite"] is not None:
            query["favourite"] = str(query["favourite"]).lower()
        filters = {name: value for name, value in query.items() if value is not None}
        command(*arguments, filters=filters, **options)

    decorated: Callable[..., Any] = with_filters
    for option in reversed(_FILTERS):
        decorated = option(decorated)
    return decorated


async def find_collection(api: Api, text: str) -> int:
    """Return the id of the collection of this name or, if there is none, of this id."""
    from imagegen_core.marks import fold_name

    items: list[dict[str, Any]] = (await api.get(_COLLECTIONS))["items"]
    named = [item for item in items if fold_name(item["name"]) == fold_name(text.strip())]
    for item in (*named, *(item for item in items if str(item["id"]) == text)):
        number: int = item["id"]
        return number
    raise CommandFailed(RefusalCode.NO_COLLECTION(collection=text))


async def _query(api: Api, filters: Mapping[str, str], words: str | None = None) -> dict[str, str]:
    """Return filters of images as the API has them, with the id of the collection that they name."""
    query = {**filters}
    if (collection := filters.get("collection")) is not None:
        query["collection"] = str(await find_collection(api, collection))
    return query | ({"keyword": words} if words else {})


# ---------------------------------------------------------------- lists and records


@click.group()
def images() -> None:
    """Find, fetch and delete kept images."""


@images.command("list")
@_filter_options
@list_options
@api_command
async def list_images(api: Api, filters: dict[str, str], listing: Listing) -> None:
    """List images, newest first."""
    query = await _query(api, filters)
    await listing.show(api, _IMAGES, query, _LIST, empty=_no_images(api, are_filtered=bool(filters)))


@images.command()
@click.argument("words")
@_filter_options
@click.option("--mode", type=click.Choice(["contains", "relevant"]), default="contains", show_default=True)
@list_options
@api_command
async def search(api: Api, words: str, filters: dict[str, str], mode: str, listing: Listing) -> None:
    """Find images by any piece of their prompt."""
    query = {**await _query(api, filters), "keyword": words, "mode": mode}
    empty = message("no image in {path} has these words in its prompt", path=api.place)
    await listing.show(api, _SEARCH, query, _LIST, empty=empty)


@images.command()
@_words_option
@_filter_options
@as_json
@api_command
async def days(api: Api, words: str | None, filters: dict[str, str], *, as_json: bool) -> None:
    """Count images by the day on which they were made."""
    query = await _query(api, filters, words)
    counts = await api.get(f"{_IMAGES}/days", params=query)
    columns = (Column("day", "day"), Column("images", "count"))
    show_table(columns, counts, empty=_no_images(api, are_filtered=bool(query)), as_json=as_json)


def _no_images(api: Api, *, are_filtered: bool) -> Message:
    return message("no such images in {path}" if are_filtered else "no images yet in {path}", path=api.place)


@images.command(short_help="Print an image's record.")
@click.argument("image_id", type=click.IntRange(min=1))
@as_json
@api_command
async def show(api: Api, image_id: int, *, as_json: bool) -> None:
    """Print what a terminal has room for of an image's record; in a pipe all of it, as JSON."""
    show_record(await api.get(f"{_IMAGES}/{image_id}"), _RECORD, as_json=as_json)


@images.command()
@image_ids_argument
@assume_yes
@click.pass_obj
def delete(context: Context, image_ids: tuple[int, ...], *, yes: bool) -> None:
    """Delete images for good: records, files, thumbnails, OSS objects.

    One that is missing stops no other.
    """
    confirm("Delete {count} image(s) for good?", yes=yes, count=len(image_ids))

    async def act(api: Api) -> None:
        failures = Failures()
        for image_id in dict.fromkeys(image_ids):
            with failures.catching(image_id):
                await api.call("DELETE", f"{_IMAGES}/{image_id}")
                say("deleted {id}", id=image_id)
        failures.check()

    with_api(context, act)


# ---------------------------------------------------------------- favourites and tags


async def change_images(api: Api, image_ids: Sequence[int], action: str, **argument: Any) -> None:
    """Change images, a thousand in a request, and print how many were changed.

    If some are missing, the others are changed, and the command fails.
    """
    ids = list(dict.fromkeys(image_ids))
    changed, missing = 0, []
    for start in range(0, len(ids), MAX_BATCH_IMAGES):
        body = {"ids": ids[start : start + MAX_BATCH_IMAGES], "action": action, **argument}
        result = await api.post(f"{_IMAGES}/batch", json=body)
        changed += result["changed"]
        missing += result["missing"]
    click.echo(changed)
    if missing:
        raise CommandFailed("no images {image_ids}; the others are done", image_ids=listed_ids(missing))


@images.command()
@image_ids_argument
@api_command
async def star(api: Api, image_ids: tuple[int, ...]) -> None:
    """Make images favourites, and print how many were none before."""
    await change_images(api, image_ids, "favourite")


@images.command()
@image_ids_argument
@api_command
async def unstar(api: Api, image_ids: tuple[int, ...]) -> None:
    """Make images no favourites any more, and print how many were."""
    await change_images(api, image_ids, "unfavourite")


@images.command()
@click.argument("tag_name", metavar="TAG")
@image_ids_argument
@api_command
async def tag(api: Api, tag_name: str, image_ids: tuple[int, ...]) -> None:
    """Give images the tag TAG, and print how many did not have it."""
    await change_images(api, image_ids, "tag", tag=tag_name)


@images.command()
@click.argument("tag_name", metavar="TAG")
@image_ids_argument
@api_command
async def untag(api: Api, tag_name: str, image_ids: tuple[int, ...]) -> None:
    """Take the tag TAG from images, and print how many had it."""
    await change_images(api, image_ids, "untag", tag=tag_name)


@images.command()
@click.option("--prefix", default="", help="Only those that begin with this, in any case and width.")
@as_json
@api_command
async def tags(api: Api, prefix: str, *, as_json: bool) -> None:
    """List the most used tags, and how many images have each."""
    params = {"page_size": MAX_PAGE_SIZE, **({"prefix": prefix} if prefix else {})}
    items = (await api.get("/api/v1/tags", params=params))["items"]
    columns = (Column("tag", "tag"), Column("images", "count"))
    show_table(columns, items, empty=message("no such tags in {path}", path=api.place), as_json=as_json)


# ---------------------------------------------------------------- copies


@images.command(short_help="Copy images and their records to DIRECTORY.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@_words_option
@_filter_options
@click.pass_obj
def export(context: Context, directory: Path, words: str | None, filters: dict[str, str]) -> None:
    """Copy images to DIRECTORY, each with its record beside it; files that are there are kept.

    One that cannot be read stops no other. Another export to the same DIRECTORY writes what is missing there.
    """
    target = context.cwd / directory

    async def act(api: Api) -> None:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandFailed(about(str(directory), system_reason(error))) from error
        check_writable(target)
        query = await _query(api, filters, words)
        copied, failures = 0, Failures()
        async for image in api.every(_SEARCH if words else _IMAGES, **query):
            with failures.catching(image["id"]):
                await _export(api, image, target)
                copied += 1
        say(
            "{count} image(s) of {place} in {directory}",
            count=copied,
            place=api.place,
            directory=str(directory),
        )
        failures.check()

    with_api(context, act)


async def _export(api: Api, image: Mapping[str, Any], target: Path) -> None:
    file = target / name_of(image)
    record = file.with_suffix(".json")
    if not (file.exists() and file.stat().st_size):
        await api.download_image(image["id"], file)
    if not _is_whole(record):
        text = json.dumps(image, ensure_ascii=False, indent=2)
        with atomic_file(record) as out:
            out.write(f"{text}\n".encode())


def _is_whole(record: Path) -> bool:
    """Return whether the record exists and is complete, not truncated by an interruption."""
    try:
        json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return True


@images.command("zip", short_help="Put images into one zip file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@image_ids_argument
@click.option("--force", is_flag=True, help="Replace FILE if it exists; write to a terminal.")
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
    if file == STDOUT:
        check_stdout(force=force)
    elif not force and (context.cwd / file).exists():
        raise CommandFailed(NOT_REPLACED, path=str(file))

    async def act(api: Api) -> None:
        archive, failures, count = ZipStream(), Failures(), 0
        with _opened(context.cwd, file, replace=force) as out:
            for image_id in dict.fromkeys(image_ids):
                with failures.catching(image_id):
                    await _zip(api, image_id, archive, out)
                    count += 1
            if archive.is_empty:
                failures.check()
            archive.close()
            out.write(archive.take())
        if file != STDOUT:
            say("{count} image(s) in {file}", count=count, file=str(file))
        failures.check()

    with_api(context, act)


@contextmanager
def _opened(cwd: Path, file: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Yield standard output, or a file that appears when it is whole."""
    if file == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with atomic_file(cwd / file, replace=replace) as out:
            yield out


async def _zip(api: Api, image_id: int, archive: ZipStream, out: BinaryIO) -> None:
    """Add an image to the archive once all of it is here."""
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


# ---------------------------------------------------------------- collections

_COLLECTIONS_LIST = (
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
    show_table(_COLLECTIONS_LIST, (await api.get(_COLLECTIONS))["items"], empty=empty, as_json=as_json)


@collections.command()
@click.argument("name")
@api_command
async def create(api: Api, name: str) -> None:
    """Create an empty collection, and print its id."""
    click.echo((await api.post(_COLLECTIONS, json={"name": name}))["id"])


@collections.command()
@_collection_argument
@click.argument("name")
@api_command
async def rename(api: Api, collection: str, name: str) -> None:
    """Give COLLECTION, a name or an id, another name."""
    path = f"{_COLLECTIONS}/{await find_collection(api, collection)}"
    renamed = await api.call("PATCH", path, json={"name": name})
    click.echo(f"renamed {renamed['id']}")


@collections.command("delete")
@_collection_argument
@assume_yes
@click.pass_obj
def delete_collection(context: Context, collection: str, *, yes: bool) -> None:
    """Delete COLLECTION, a name or an id; its images stay."""
    confirm("Delete collection {collection}? Its images stay.", yes=yes, collection=collection)

    async def act(api: Api) -> None:
        number = await find_collection(api, collection)
        await api.call("DELETE", f"{_COLLECTIONS}/{number}")
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
