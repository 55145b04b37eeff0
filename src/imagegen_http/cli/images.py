"""``imagegen images``."""

from typing import Any

import click

from imagegen_http.cli import image_copies, image_marks, tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import Context, print_json
from imagegen_http.cli.costs import cost_note
from imagegen_http.cli.failures import Failures
from imagegen_http.cli.image_collections import with_collection_id
from imagegen_http.cli.image_filters import filter_options
from imagegen_http.cli.listing import Listing, list_options
from imagegen_http.cli.messages import NoteCode
from imagegen_http.cli.records import show_record
from imagegen_http.cli.results import ResultCode
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


for _command in (*image_marks.COMMANDS, *image_copies.COMMANDS):
    images.add_command(_command)


@images.command("list")
@filter_options
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
@filter_options
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
@filter_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def days(context: Context, words: str | None, filters: dict[str, str], *, as_json: bool) -> None:
    """Count images by the day on which they were made."""

    async def act(api: Api) -> None:
        params = await with_collection_id(api, filters)
        params |= {"keyword": words} if words else {}
        counts = await api.call("GET", "/api/v1/images/days", params=params)
        if as_json:
            print_json(counts)
            return
        empty = (NoteCode.NO_SUCH_IMAGES if params else NoteCode.NO_IMAGES_YET)(path=api.place)
        columns = (Column(TitleCode.TITLE_DAY), Column(TitleCode.TITLE_IMAGES))
        rows = [(one["day"], one["count"]) for one in counts]
        tables.show(columns, rows, language=api.language, empty=empty)

    context.with_api(act)


@images.command(short_help="Print an image's record.")
@click.argument("image_id", type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(context: Context, image_id: int, *, as_json: bool) -> None:
    """Print what a terminal has room for of an image's record; in a pipe all of it, as JSON."""

    async def act(api: Api) -> None:
        image = await api.call("GET", f"/api/v1/images/{image_id}")
        show_record(image, _fields(image), as_json=as_json, language=api.language)

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


def _fields(image: dict[str, Any]) -> tuple[tuple[Column, object], ...]:
    kilobytes = f"{image['size_bytes'] / 1024:,.0f} KB"
    return (
        (Column(TitleCode.TITLE_ID), image["id"]),
        (Column(TitleCode.TITLE_PROMPT), image["prompt"]),
        (Column(TitleCode.TITLE_OPERATION, Kind.WORD), image["operation"]),
        (Column(TitleCode.TITLE_PROVIDER), image["provider"]),
        (Column(TitleCode.TITLE_MODEL), image["model_id"]),
        (Column(TitleCode.TITLE_SIZE), f"{_size(image)}, {image['mime_type']}, {kilobytes}"),
        (Column(TitleCode.TITLE_CREATED, Kind.TIME), image["created_at"]),
        (Column(TitleCode.TITLE_COST), cost_note(image["cost"])),
        (Column(TitleCode.TITLE_STORAGE, Kind.WORD), image["storage"]),
        (Column(TitleCode.TITLE_TAGS), ", ".join(map(_quoted, image["tags"]))),
        (Column(TitleCode.TITLE_TASK), image["task_id"]),
    )


def _size(image: dict[str, Any]) -> str:
    return f"{image['width']}x{image['height']}"


def _quoted(tag: str) -> str:
    """Return a tag so that it is one among others with commas between them."""
    return f'"{tag}"' if "," in tag else tag


def _row(image: dict[str, Any]) -> tuple[object, ...]:
    return image["id"], image["created_at"], image["provider"], _size(image), image["prompt"]
