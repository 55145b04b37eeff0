"""``imagegen images``."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import rich_click as click

from imagegen_http.cli import tables
from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, Context, print_json
from imagegen_http.cli.privileges import check_writable

OPERATIONS = ("generate", "reference", "edit", "upscale", "recontext", "segment")
"""As in the core, which `--help` has no time to load."""

_COLUMNS = ("id", "created", "provider", "size", "prompt")


@click.group()
def images() -> None:
    """Find, fetch and delete kept pictures."""


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that pictures are filtered by; it gets them as ``wanted``, for a query."""

    @click.option("--provider", metavar="NAME", help="Only this provider's.")
    @click.option("--model", "model_id", metavar="ID", help="Only this model's.")
    @click.option("--operation", type=click.Choice(OPERATIONS), help="Only of this operation.")
    @click.option("--from", "from_", metavar="DATE", help="Made at or after this date or time (ISO 8601).")
    @click.option("--to", metavar="DATE", help="Made before this time, or up to the end of this date.")
    @wraps(command)
    def with_filters(
        *arguments: Any,
        provider: str | None,
        model_id: str | None,
        operation: str | None,
        from_: str | None,
        to: str | None,
        **more: Any,
    ) -> None:
        asked = {"provider": provider, "model_id": model_id, "operation": operation, "from": from_, "to": to}
        wanted = {name: value for name, value in asked.items() if value is not None}
        command(*arguments, wanted=wanted, **more)

    return with_filters


@images.command("list")
@_filtered
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_images(context: Context, wanted: dict[str, str], limit: int, *, as_json: bool) -> None:
    """List pictures, newest first."""

    async def act(api: Api) -> None:
        page = await api.call("GET", "/api/v1/images", params={**wanted, "page_size": limit})
        empty = "no such pictures" if wanted else "no pictures yet"
        _show(page, as_json=as_json, empty=f"{empty} in {api.data_dir}")

    context.with_api(act)


@images.command()
@click.argument("words")
@_filtered
@click.option("--mode", type=click.Choice(["contains", "relevant"]), default="contains", show_default=True)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def search(
    context: Context, words: str, wanted: dict[str, str], mode: str, limit: int, *, as_json: bool
) -> None:
    """Find pictures by any piece of their prompt."""

    async def act(api: Api) -> None:
        params = {**wanted, "keyword": words, "mode": mode, "page_size": limit}
        page = await api.call("GET", "/api/v1/images/search", params=params)
        empty = f"no picture in {api.data_dir} has these words in its prompt"
        _show(page, as_json=as_json, empty=empty)

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
@_filtered
@click.pass_obj
def export(context: Context, directory: Path, words: str | None, wanted: dict[str, str]) -> None:
    """Copy pictures to DIRECTORY, each with its record beside it; files that are there are kept."""
    target = context.cwd / directory

    async def act(api: Api) -> None:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandFailed(f"{directory}: {error.strerror}") from error
        check_writable(target)
        path = "/api/v1/images/search" if words else "/api/v1/images"
        params = {**wanted, "keyword": words} if words else wanted
        copied = 0
        async for image in api.every(path, **params):
            await _export(api, image, target)
            copied += 1
        click.echo(f"{copied} picture(s) of {api.data_dir} in {directory}")

    context.with_api(act)


async def _export(api: Api, image: dict[str, Any], target: Path) -> None:
    import json

    extension = image["mime_type"].rpartition("/")[2].replace("jpeg", "jpg")
    file = target / f"{image['id']}.{extension}"
    if not file.exists():
        await api.download(image["image_url"], file)
        record = json.dumps(image, ensure_ascii=False, indent=2)
        (target / f"{image['id']}.json").write_text(record + "\n", encoding="utf-8")


def _show(page: dict[str, Any], *, as_json: bool, empty: str) -> None:
    items = page["items"]
    if as_json:
        print_json(items)
        return
    rows = [
        (i["id"], i["created_at"][:19], i["provider"], f"{i['width']}x{i['height']}", i["prompt"][:60])
        for i in items
    ]
    tables.show(_COLUMNS, rows, empty=empty)
    if page["has_more"]:
        more = "" if page.get("total_is_exact", True) else " or more"
        click.echo(f"the first {len(items)} of {page['total']:,}{more}", err=True)
