"""``imagegen images export`` and ``imagegen images zip``."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import click

from imagegen_core.values import ZipStream, file_name
from imagegen_http.cli.api import Api
from imagegen_http.cli.atomic_file import atomic_file
from imagegen_http.cli.context import CommandFailed, Context, WrongUsage
from imagegen_http.cli.failures import Failures
from imagegen_http.cli.image_collections import with_collection_id
from imagegen_http.cli.image_files import name_of
from imagegen_http.cli.image_filters import filter_options
from imagegen_http.cli.messages import CommandCode, UsageCode
from imagegen_http.cli.output_files import STDOUT, check_stdout
from imagegen_http.cli.privileges import check_writable
from imagegen_http.cli.results import ResultCode
from imagegen_http.problems.system_errors import system_reason

_PIECE_BYTES = 512 * 1024


@click.command(short_help="Copy images and their records to DIRECTORY.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--search", "words", help="Only images with these words in the prompt.")
@filter_options
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


@click.command("zip", short_help="Put images into one zip file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.argument("image_ids", type=click.IntRange(min=1), nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Replace FILE if it exists; write to a terminal.")
@click.pass_obj
def zip_images(context: Context, file: Path, image_ids: tuple[int, ...], *, force: bool) -> None:
    """Put images into the zip file FILE, or write it to standard output for `-`.

    Each has the name of its download. One that cannot be read stops no other.
    """
    if str(file).isdecimal():
        raise WrongUsage(UsageCode.FILE_BEFORE_IDS(file=str(file)))
    if file == STDOUT:
        check_stdout(force=force)
    elif not force and (context.cwd / file).exists():
        raise CommandFailed(CommandCode.NOT_REPLACED(path=str(file)))

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
            click.echo(ResultCode.IMAGES_ZIPPED(count=count, file=str(file)).text(api.language))
        failures.check()

    context.with_api(act)


COMMANDS = (export, zip_images)


async def _export(api: Api, image: dict[str, Any], target: Path) -> None:
    file = target / name_of(image)
    record = file.with_suffix(".json")
    if not (file.exists() and file.stat().st_size):
        await api.download(image["id"], file)
    if not _is_whole(record):
        text = json.dumps(image, ensure_ascii=False, indent=2)
        with atomic_file(record) as out:
            out.write(f"{text}\n".encode())


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
    image = await api.call("GET", f"/api/v1/images/{image_id}")
    extension = Path(name_of(image)).suffix.removeprefix(".")
    with TemporaryDirectory(prefix="imagegen-") as folder:
        copy = Path(folder) / "image"
        await api.download(image_id, copy)
        archive.begin(
            file_name(image["prompt"], image_id, extension), datetime.fromisoformat(image["created_at"])
        )
        with copy.open("rb") as content:
            while piece := content.read(_PIECE_BYTES):
                archive.write(piece)
                out.write(archive.take())


def _is_whole(record: Path) -> bool:
    """Return whether the record exists and is complete, not truncated by an interruption."""
    try:
        json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return True
