"""``imagegen images``."""

from pathlib import Path
from typing import Any

import rich_click as click

from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, print_json

_COLUMNS = ("id", "created", "provider", "size", "prompt")


@click.group()
def images() -> None:
    """Find, fetch and delete kept pictures."""


@images.command("list")
@click.option("--provider", help="Only this provider's.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_images(context: Context, provider: str | None, limit: int, *, as_json: bool) -> None:
    """List pictures, newest first."""

    async def act(api: Api) -> None:
        wanted = {"provider": provider} if provider else {}
        page = await api.call("GET", "/api/v1/images", params={**wanted, "page_size": limit})
        _show(page["items"], as_json=as_json, empty="no pictures yet")

    context.with_api(act)


@images.command()
@click.argument("words")
@click.option("--mode", type=click.Choice(["contains", "relevant"]), default="contains", show_default=True)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def search(context: Context, words: str, mode: str, limit: int, *, as_json: bool) -> None:
    """Find pictures by any piece of their prompt."""

    async def act(api: Api) -> None:
        params = {"keyword": words, "mode": mode, "page_size": limit}
        page = await api.call("GET", "/api/v1/images/search", params=params)
        _show(page["items"], as_json=as_json, empty="no picture has these words in its prompt")

    context.with_api(act)


@images.command()
@click.argument("image_id", type=click.IntRange(min=1))
@click.pass_obj
def show(context: Context, image_id: int) -> None:
    """Print a picture's record as JSON."""

    async def act(api: Api) -> None:
        print_json(await api.call("GET", f"/api/v1/images/{image_id}"))

    context.with_api(act)


@images.command()
@click.argument("image_ids", type=click.IntRange(min=1), nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(context: Context, image_ids: tuple[int, ...], *, yes: bool) -> None:
    """Delete pictures for good: records, files, thumbnails, OSS objects."""
    if not yes:
        click.confirm(f"Delete {len(image_ids)} picture(s) for good?", abort=True)

    async def act(api: Api) -> None:
        for image_id in image_ids:
            await api.call("DELETE", f"/api/v1/images/{image_id}")
            click.echo(f"deleted {image_id}")

    context.with_api(act)


@images.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--search", "words", help="Only pictures with these words in the prompt.")
@click.pass_obj
def export(context: Context, directory: Path, words: str | None) -> None:
    """Copy pictures to DIRECTORY, each with its record beside it; files that are there are kept."""
    target = context.cwd / directory
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"{directory}: {error.strerror}") from error

    async def act(api: Api) -> None:
        path = "/api/v1/images/search" if words else "/api/v1/images"
        params = {"keyword": words} if words else {}
        copied = 0
        async for image in api.every(path, **params):
            await _export(api, image, target)
            copied += 1
        click.echo(f"{copied} picture(s) in {directory}")

    context.with_api(act)


async def _export(api: Api, image: dict[str, Any], target: Path) -> None:
    import json

    extension = image["mime_type"].rpartition("/")[2].replace("jpeg", "jpg")
    file = target / f"{image['id']}.{extension}"
    if not file.exists():
        await api.download(image["image_url"], file)
        record = json.dumps(image, ensure_ascii=False, indent=2)
        (target / f"{image['id']}.json").write_text(record + "\n")


def _show(items: list[dict[str, Any]], *, as_json: bool, empty: str) -> None:
    if as_json:
        print_json(items)
        return
    rows = [
        (i["id"], i["created_at"][:19], i["provider"], f"{i['width']}x{i['height']}", i["prompt"][:60])
        for i in items
    ]
    tables.show(_COLUMNS, rows, empty=empty)
