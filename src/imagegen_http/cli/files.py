"""Image files: those that a command sends, and those that ``-o`` names."""

import base64
import os
import re
import secrets
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import attrs

from imagegen_core.limits import MAX_REFERENCES
from imagegen_http.cli.context import (
    MIB,
    CommandFailed,
    WrongUsage,
    about,
    check_writable,
    complain,
    unusable,
)
from imagegen_http.cli.words import message

STDOUT = Path("-")
NOT_REPLACED = "{path} exists; --force replaces it"

_EXTENSIONS = {  # the usual extension first
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
    "image/avif": (".avif",),
    "image/svg+xml": (".svg",),
}
_OTHER_EXTENSIONS = (".bmp", ".heic", ".jxl", ".tif", ".tiff")


class FileTaken(CommandFailed):
    """The file exists and is not to be replaced."""


@contextmanager
def atomic_file(target: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Yield a file that atomically becomes ``target`` once synced, or raise FileTaken."""
    if not replace and os.path.lexists(target):
        raise FileTaken(NOT_REPLACED, path=str(target))
    temporary = target.with_name(f".imagegen-{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not replace:  # reserve the name; unlike a link, this works on all file systems
            target.open("xb").close()
        temporary.replace(target)
    except FileExistsError as error:
        raise FileTaken(NOT_REPLACED, path=str(target)) from error
    except OSError as error:
        raise unusable(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def name_of(image: Mapping[str, Any]) -> str:
    """Return the name of an image's file; an id that is no number, as a server may send, is an error."""
    return f"{image['id']:d}{extension_of(image)}"


def extension_of(image: Mapping[str, Any]) -> str:
    """Return the format's usual extension, empty if the format is unknown here."""
    return _EXTENSIONS.get(image["mime_type"], ("",))[0]


def numbered(file: Path, number: int) -> Path:
    """Return ``file`` itself as number 1, else ``name-2.png`` and so on."""
    return file if number == 1 else file.with_stem(f"{file.stem}-{number}")


def check_stdout(*, force: bool) -> None:
    """Refuse to write bytes to a terminal, which could take them for commands."""
    if sys.stdout.isatty() and not force:
        raise WrongUsage("the bytes would go to the terminal: name a file or a pipe, or add --force")


async def to_stdout(download: Callable[[Path], Awaitable[None]]) -> None:
    """Download everything before writing any of it."""
    with TemporaryDirectory(prefix="imagegen-") as folder:
        copy = Path(folder) / "image"
        await download(copy)
        with copy.open("rb") as content:
            shutil.copyfileobj(content, sys.stdout.buffer)
        sys.stdout.buffer.flush()


# ---------------------------------------------------------------- output

Download = Callable[..., Awaitable[None]]  # await download(image_id, path, replace=False)


@attrs.frozen
class OutputFiles:
    """Where images go: into a directory, to standard output, or to ``target`` and numbered files."""

    target: Path
    into_directory: bool
    force: bool

    @classmethod
    def at(cls, cwd: Path, output: str, *, count: int, force: bool) -> "OutputFiles":
        """Check ``-o`` for ``count`` images, before anything is paid for."""
        if output == str(STDOUT):
            if count > 1:
                raise WrongUsage(
                    "standard output takes one image: for {count} name a file or a directory", count=count
                )
            check_stdout(force=force)
            return cls(STDOUT, into_directory=False, force=force)
        target = cwd / output
        if target.is_dir():
            return cls(target, into_directory=True, force=force)
        if not target.parent.is_dir() or output.endswith(os.sep):
            raise CommandFailed("{path}: no such directory", path=str(target))
        for file in (numbered(target, number) for number in range(1, count + 1)):
            if file.exists() and not file.is_file():
                raise WrongUsage("{path} is no regular file; -o - writes to standard output", path=str(file))
            if os.path.lexists(file) and not force:
                raise WrongUsage(NOT_REPLACED, path=str(file))
        return cls(target, into_directory=False, force=force)

    def check_writable(self) -> None:
        if self.target != STDOUT:
            check_writable(self.target if self.into_directory else self.target.parent)

    async def write(self, download: Download, images: Sequence[Mapping[str, Any]]) -> list[Path]:
        """Write the images and return their files.

        A name that was taken meanwhile gets a number. Images are not converted: a name with the extension of
        another format gets the right one.
        """
        if self.target == STDOUT:
            await to_stdout(lambda copy: download(images[0]["id"], copy))
            return [STDOUT]
        written = []
        for number, image in enumerate(images, 1):
            path = self.target / name_of(image) if self.into_directory else numbered(self.target, number)
            expected, mime_type = _matching_name(path, image["mime_type"]), image["mime_type"]
            file = await _save(download, image["id"], expected, replace=self.force and expected == path)
            if expected != path:
                complain(
                    "{path}: the image is {mime_type}, written as {name}",
                    path=str(path),
                    mime_type=mime_type,
                    name=file.name,
                )
            elif file != path:
                complain("{path} exists; the image is in {name}", path=str(path), name=file.name)
            written.append(file)
        return written


def _matching_name(file: Path, mime_type: str) -> Path:
    extension = file.suffix.lower()
    expected = _EXTENSIONS.get(mime_type, (extension,))
    is_of_images = any(extension in group for group in (*_EXTENSIONS.values(), _OTHER_EXTENSIONS))
    return file.with_suffix(expected[0]) if is_of_images and extension not in expected else file


async def _save(download: Download, image_id: int, file: Path, *, replace: bool) -> Path:
    """Write an image to the file or, if that exists, to the first free numbered name."""
    for number in count(1):
        with suppress(FileTaken):
            await download(image_id, numbered(file, number), replace=replace)
            return numbered(file, number)
    raise AssertionError  # there is always another number


# ---------------------------------------------------------------- input

_STDIN = "-"
_KEPT = re.compile(r"image:[1-9][0-9]*")

Inputs = tuple[dict[str, Any], dict[str, str]]  # fields of the body, and each one's file by its API name


def read_inputs(image: str | None, mask: str | None, references: Sequence[str], cwd: Path) -> Inputs:
    """Read an image and a mask of the same size, if there is one; or reference images."""
    if [image, mask, *references].count(_STDIN) > 1:
        raise WrongUsage("only one image can be standard input")
    if len(references) > MAX_REFERENCES:
        reason = message(
            "{count} reference images; there may be at most {maximum}",
            count=len(references),
            maximum=MAX_REFERENCES,
        )
        raise CommandFailed(about(references[MAX_REFERENCES], reason))
    if references:
        body = {"reference_images": [_read(name, cwd)[0] for name in references]}
        return body, {f"reference_images.{index}": name for index, name in enumerate(references)}
    names = {field: name for field, name in (("image", image), ("mask", mask)) if name is not None}
    files = {field: _read(name, cwd) for field, name in names.items()}
    sizes = [size for _, size in files.values() if size]
    if len({*sizes}) > 1:
        size, mask_size = ("{}x{}".format(*size) for size in sizes)
        reason = message(
            "the mask is {size}, and {image} is {image_size}; they must be of one size",
            size=mask_size,
            image=names["image"],
            image_size=size,
        )
        raise CommandFailed(about(names["mask"], reason))
    return {field: text for field, (text, _) in files.items()}, names


def _read(name: str, cwd: Path) -> tuple[str, tuple[int, int] | None]:
    """Return the body's text for a file, stdin or ``image:7``, and the size if known; reading is bounded."""
    from imagegen_core.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, MediaType

    if _KEPT.fullmatch(name):
        return name, None
    try:
        with sys.stdin.buffer if name == _STDIN else (cwd / name).open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise unusable(name, error) from error
    if len(data) > MAX_IMAGE_BYTES:
        reason = message("it is larger than {maximum} MB", maximum=MAX_IMAGE_BYTES // MIB)
        raise CommandFailed(about(name, reason))
    kind = MediaType.sniff(data[:SIGNATURE_BYTES])
    if kind in (None, MediaType.SVG):
        reason = message("it is not PNG, JPEG, WebP, GIF or AVIF" if data else "the file is empty")
        raise CommandFailed(about(name, reason))
    return f"data:{kind};base64,{base64.b64encode(data).decode()}", _size_of(data)


def _size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height from the header; None if it cannot be read."""
    import io
    import warnings

    from PIL import Image

    with suppress(OSError, SyntaxError, ValueError, Image.DecompressionBombError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    return None
