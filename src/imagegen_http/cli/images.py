"""``imagegen images``."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import click

from imagegen_core.operations import Operation
from imagegen_core.values.file_names import file_name
from imagegen_core.values.zip_stream import ZipStream
from imagegen_http.cli import image_marks, tables
from imagegen_http.cli.api import PIECE_BYTES, Api
from imagegen_http.cli.atomic_file import atomic_file
from imagegen_http.cli.context import CommandFailed, Context, print_json
from imagegen_http.cli.failures import Failures
from imagegen_http.cli.image_collections import with_collection_id
from imagegen_http.cli.image_files import name_of
from imagegen_http.cli.listing import Listing, list_options
from imagegen_http.cli.messages import CommandCode, NoteCode
from imagegen_http.cli.privileges import check_writable
from imagegen_http.cli.results import ResultCode
from imagegen_http.cli.system_errors import system_reason
from imagegen_http.cli.tables import Column, Kind
from imagegen_http.cli.titles import TitleCode

_COLUMNS = (
    Column(TitleCode.TITLE_ID),
    Column(TitleCode.TITLE_CREATED, Kind.TIME),
    Column(TitleCode.TITLE_PROVIDER),
    Column(TitleCode.TITLE_SIZE),
    Column(TitleCode.TITLE_PROMPT, Kind.TEXT),
)


@click.group()
def images() -> None:
    """Find, fetch and delete kept images."""


for _command in image_marks.COMMANDS:
    images.add_command(_command)


def _filter_options(command: Callable[..., None]) -> Callable[..., None]:
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
        favourite: bool | None,
        tag: str | None,
        collection: str | None,
        **more: Any,
    ) -> None:
        query = {"provider": provider, "model_id": model_id, "operation": operation, "from": from_, "to": to}
        query |= {"tag": tag, "collection": collection}
        query["favourite"] = None if favourite is None else str(favourite).lower()
        filters = {name: value for name, value in query.items() if value is not None}
        command(*arguments, filters=filters, **more)

    return with_filters


@images.command("list")
@_filter_options
@list_options
@click.pass_obj
def list_images(context: Context, filters: dict[str, str], listing: Listing) -> None:
    """List images, newest first."""

    async def act(api: Api) -> None:
        params = await with_collection_id(api, filters)
        empty = (NoteCode.NO_SUCH_IMAGES if filters else NoteCode.NO_IMAGES_YET)(path=api.place)
        await listing.show(api, "/api/v1/images", params, columns=_COLUMNS, row=_row, empty=empty)

    context.with_api(act)


@images.command()
@click.argument("words")
@_filter_options
@click.option("--mode", type=click.Choice(["contains", "relevant"]), default="contains", show_default=True)
@list_options
@click.pass_obj
def search(context: Context, words: str, filters: dict[str, str], mode: str, listing: Listing) -> None:
    """Find images by any piece of their prompt."""

    async def act(api: Api) -> None:
        params = {**await with_collection_id(api, filters), "keyword": words, "mode": mode}
        empty = NoteCode.NO_MATCHES(path=api.place)
        await listing.show(api, "/api/v1/images/search", params, columns=_COLUMNS, row=_row, empty=empty)

    context.with_api(act)


@images.command()
@click.option("--search", "words", help="Only images with these words in the prompt.")
@_filter_options
@click.option("--tz", metavar="ZONE", help="Whose days and dates: Asia/Shanghai, +08:00; UTC if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def days(
    context: Context, words: str | None, filters: dict[str, str], tz: str | None, *, as_json: bool
) -> None:
    """Count images by the day on which they were made."""
    more = {name: value for name, value in (("keyword", words), ("tz", tz)) if value}

    async def act(api: Api) -> None:
        params = {**await with_collection_id(api, filters), **more}
        counts = await api.call("GET", "/api/v1/images/days", params=params)
        if as_json:
            print_json(counts)
            return
        empty = (NoteCode.NO_SUCH_IMAGES if params else NoteCode.NO_IMAGES_YET)(path=api.place)
        columns = (Column(TitleCode.TITLE_DAY), Column(TitleCode.TITLE_IMAGES))
        rows = [(one["day"], one["count"]) for one in counts]
        tables.show(columns, rows, language=api.language, empty=empty)

    context.with_api(act)


@images.command()
@click.argument("image_id", type=click.IntRange(min=1))
@click.pass_obj
def show(context: Context, image_id: int) -> None:
    """Print an image's record as JSON."""

    async def act(api: Api) -> None:
        print_json(await api.call("GET", f"/api/v1/images/{image_id}"))

    context.with_api(act)


@images.command()
@click.argument("image_ids", type=click.IntRange(min=1), nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(context: Context, image_ids: tuple[int, ...], *, yes: bool) -> None:
    """Delete images for good: records, files, thumbnails, OSS objects.

    One that is missing stops no other.
    """
    if not yes:
        question = NoteCode.CONFIRM_DELETION(count=len(image_ids))
        click.confirm(question.text(context.language), abort=True)

    async def act(api: Api) -> None:
        failures = Failures()
        for image_id in dict.fromkeys(image_ids):
            with failures.catching(image_id):
                await api.call("DELETE", f"/api/v1/images/{image_id}")
                click.echo(ResultCode.IMAGE_DELETED(id=image_id).text(api.language))
        failures.check()

    context.with_api(act)


@images.command(short_help="Copy images and their records to DIRECTORY.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--search", "words", help="Only images with these words in the prompt.")
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
            reason = CommandCode.CONCERNING(subject=str(directory), reason=system_reason(error))
            raise CommandFailed(reason) from error
        check_writable(target)
        path = "/api/v1/images/search" if words else "/api/v1/images"
        params = await with_collection_id(api, filters)
        params |= {"keyword": words} if words else {}
        copied, failures = 0, Failures()
        async for image in api.every(path, **params):
            with failures.catching(image["id"]):
                await _export(api, image, target)
                copied += 1
        result = ResultCode.IMAGES_EXPORTED(count=copied, place=api.place, directory=str(directory))
        click.echo(result.text(api.language))
        failures.check()

    context.with_api(act)


async def _export(api: Api, image: dict[str, Any], target: Path) -> None:
    file = target / name_of(image)
    record = file.with_suffix(".json")
    if not (file.exists() and file.stat().st_size):
        await api.download(image["id"], file)
    if not _is_whole(record):
        text = json.dumps(image, ensure_ascii=False, indent=2)
        with atomic_file(record) as out:
            out.write(f"{text}\n".encode())


@images.command("zip", short_help="Put images into one zip file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("image_ids", type=click.IntRange(min=1), nargs=-1, required=True)
@click.pass_obj
def zip_images(context: Context, file: Path, image_ids: tuple[int, ...]) -> None:
    """Put images into the zip file FILE, each under the name of its download.

    One that cannot be read stops no other.
    """
    target = context.cwd / file

    async def act(api: Api) -> None:
        archive, failures = ZipStream(), Failures()
        with atomic_file(target) as out:
            for image_id in dict.fromkeys(image_ids):
                with failures.catching(image_id):
                    await _zip(api, image_id, archive, out)
            if archive.is_empty:
                failures.check()
            archive.close()
            out.write(archive.take())
        failures.check()

    context.with_api(act)


async def _zip(api: Api, image_id: int, archive: ZipStream, out: BinaryIO) -> None:
    """Add an image to the archive once all of it is here."""
    image = await api.call("GET", f"/api/v1/images/{image_id}")
    extension = Path(name_of(image)).suffix.removeprefix(".")
    with TemporaryDirectory(prefix="imagegen-") as folder:
        copy = Path(folder) / "image"
        await api.download(image_id, copy)
        archive.begin(
            file_name(image["prompt"], image_id, extension), datetime.fromisoformat(image["created_at"])
        )
        with copy.open("rb") as content:
            while piece := content.read(PIECE_BYTES):
                archive.write(piece)
                out.write(archive.take())


def _is_whole(record: Path) -> bool:
    """Return whether the record exists and is complete, not truncated by an interruption."""
    try:
        json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return True


def _row(image: dict[str, Any]) -> tuple[object, ...]:
    size = f"{image['width']}x{image['height']}"
    return image["id"], image["created_at"], image["provider"], size, image["prompt"]
