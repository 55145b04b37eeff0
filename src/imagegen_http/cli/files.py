"""Files of images: those that a command sends, and those that ``-o`` names."""

import base64
import os
import re
import secrets
import shutil
import string
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import attrs

from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import Message
from imagegen_http.cli.context import (
    MIB,
    CommandFailed,
    WrongUsage,
    about,
    check_writable,
    complain,
    system_reason,
)
from imagegen_http.cli.words import message

STDIN = "-"
STDOUT = Path("-")

_EXTENSIONS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
}
"""The usual one is first."""

_OTHER_EXTENSIONS = (".avif", ".bmp", ".gif", ".heic", ".tif", ".tiff")
_NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-")

NOT_REPLACED = "{path} exists; --force replaces it"


class FileTaken(CommandFailed):
    """There is a file of that name, which was not to be replaced."""


@contextmanager
def atomic_file(target: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Yield a temporary file that atomically becomes ``target`` once all of it is on the disk.

    Raises FileTaken if ``target`` exists and is not to be replaced.
    """
    if not replace and os.path.lexists(target):
        raise FileTaken(NOT_REPLACED, path=str(target))
    temporary = target.with_name(f".imagegen-{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not replace:
            _take(target)
        temporary.replace(target)
    except OSError as error:
        raise CommandFailed(about(str(target), system_reason(error))) from error
    finally:
        temporary.unlink(missing_ok=True)


def _take(target: Path) -> None:
    """Create the file, empty, so that no other program can do so; unlike a link, all file systems can."""
    try:
        target.open("xb").close()
    except FileExistsError as error:
        raise FileTaken(NOT_REPLACED, path=str(target)) from error


# ---------------------------------------------------------------- names


def safe_name(text: str) -> str:
    """Return the letters, digits and hyphens of a server's id, which are safe in the name of a file."""
    return "".join(filter(_NAME_CHARACTERS.__contains__, text))


def name_of(image: Mapping[str, Any]) -> str:
    """Return the name of an image's file in a directory of images.

    Only a number gets into it, whatever a server elsewhere calls an id; a format that is unknown here has no
    extension.
    """
    return f"{image['id']:d}{extension_of(image)}"


def extension_of(image: Mapping[str, Any]) -> str:
    """Return the usual extension of an image's format; of one that is unknown here, none."""
    return _EXTENSIONS.get(image["mime_type"], ("",))[0]


def matching_name(file: Path, mime_type: str) -> Path:
    """Return ``file``, or another name beside it if its extension is that of another image format.

    An image is never converted.
    """
    extensions = {extension for group in _EXTENSIONS.values() for extension in group}.union(_OTHER_EXTENSIONS)
    extension = file.suffix.lower()
    expected = _EXTENSIONS.get(mime_type, (extension,))
    if extension not in extensions or extension in expected:
        return file
    return file.with_suffix(expected[0])


def numbered(file: Path) -> Iterator[Path]:
    """Yield ``file``, then names beside it with numbers."""
    yield file
    for number in count(2):
        yield file.with_stem(f"{file.stem}-{number}")


# ---------------------------------------------------------------- what is written


def check_stdout(*, force: bool) -> None:
    """Refuse to write bytes to a terminal, which could take them for commands."""
    if sys.stdout.isatty() and not force:
        raise WrongUsage("the bytes would go to the terminal: name a file or a pipe, or add --force")


async def write_to_stdout(download: Callable[[Path], Awaitable[None]]) -> None:
    """Write what is downloaded once all of it is here."""
    with TemporaryDirectory(prefix="imagegen-") as folder:
        copy = Path(folder) / "image"
        await download(copy)
        with copy.open("rb") as content:
            shutil.copyfileobj(content, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def check_directory(directory: Path) -> None:
    """Refuse a directory that is none, or that cannot be written to."""
    if not directory.is_dir():
        raise CommandFailed("{path}: no such directory", path=str(directory))
    check_writable(directory)


Download = Callable[..., Awaitable[None]]
"""Writes the image of an id to a path: ``await download(7, path, replace=False)``."""


@attrs.frozen
class OutputFiles:
    """One image goes to ``target``, several beside it with numbers, any into it if it is a directory.

    ``STDOUT`` takes one image. With ``force`` files are replaced.
    """

    target: Path
    into_directory: bool
    force: bool

    @classmethod
    def at(cls, cwd: Path, output: str, *, count: int, force: bool) -> "OutputFiles":
        """Return the files for ``count`` images, or fail before anything is paid for."""
        if output == str(STDOUT):
            if count > 1:
                raise WrongUsage(
                    "standard output takes one image: for {count} name a file or a directory", count=count
                )
            check_stdout(force=force)
            return cls(STDOUT, into_directory=False, force=force)
        target = cwd / output
        files = cls(target, target.is_dir(), force)
        if not (files.into_directory or (target.parent.is_dir() and not output.endswith(os.sep))):
            raise CommandFailed("{path}: no such directory", path=str(target))
        for number in () if files.into_directory else range(1, count + 1):
            files._check_free(files._numbered(number))
        return files

    @property
    def directory(self) -> Path | None:
        """The directory to which the images are written."""
        if self.target == STDOUT:
            return None
        return self.target if self.into_directory else self.target.parent

    async def write(self, download: Download, images: Sequence[Mapping[str, Any]]) -> list[Path]:
        """Write the images and return their files.

        What has taken a name meanwhile is kept, and the image gets another name.
        """
        if self.target == STDOUT:
            await write_to_stdout(lambda copy: download(images[0]["id"], copy))
            return [STDOUT]
        written = []
        for number, image in enumerate(images, 1):
            path = self.target / name_of(image) if self.into_directory else self._numbered(number)
            mime_type = image["mime_type"]
            expected = matching_name(path, mime_type)
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

    def _numbered(self, number: int) -> Path:
        return self.target if number == 1 else self.target.with_stem(f"{self.target.stem}-{number}")

    def _check_free(self, file: Path) -> None:
        if not os.path.lexists(file):
            return
        if file.exists() and not file.is_file():
            raise WrongUsage("{path} is no regular file; -o - writes to standard output", path=str(file))
        if not self.force:
            raise WrongUsage(NOT_REPLACED, path=str(file))


async def _save(download: Download, image_id: int, file: Path, *, replace: bool) -> Path:
    """Write an image to the file or, where that exists, to a name that is free; return which."""
    for name in numbered(file):
        with suppress(FileTaken):
            await download(image_id, name, replace=replace)
            return name
    raise AssertionError  # there is always another number


# ---------------------------------------------------------------- what is sent

_REFERENCES = "reference_images"
_HELD = re.compile(r"image:[1-9][0-9]*")


@attrs.frozen
class InputFile:
    """One image: what names it, and how a body has it."""

    name: str
    text: str = attrs.field(repr=False)
    size: tuple[int, int] | None = None

    @classmethod
    def read(cls, name: str, cwd: Path) -> "InputFile":
        """Return the image that ``name`` means: a file, ``-`` for standard input, or ``image:7``."""
        from imagegen_core.images import SIGNATURE_BYTES, MediaType

        if _HELD.fullmatch(name):
            return cls(name, name)
        data = _bytes_of(name, cwd)
        kind = MediaType.sniff(data[:SIGNATURE_BYTES])
        if kind is None:
            raise _refused(name, message("it is not PNG, JPEG or WebP" if data else "the file is empty"))
        return cls(name, f"data:{kind};base64,{base64.b64encode(data).decode()}", _size_of(data))


@attrs.frozen
class InputFiles:
    """The images of one request, by the names of their fields in the API."""

    by_field: Mapping[str, InputFile] = attrs.field(factory=dict)

    @classmethod
    def of_image(cls, name: str, cwd: Path, *, mask: str | None = None) -> "InputFiles":
        """Read an image and its mask, if it has one, which must be of the same size."""
        _check_stdin([name, mask or ""])
        image = InputFile.read(name, cwd)
        if mask is None:
            return cls({"image": image})
        over = InputFile.read(mask, cwd)
        if image.size and over.size and image.size != over.size:
            reason = message(
                "the mask is {size}, and {image} is {image_size}; they must be of one size",
                size=_text(over.size),
                image=image.name,
                image_size=_text(image.size),
            )
            raise _refused(mask, reason)
        return cls({"image": image, "mask": over})

    @classmethod
    def of_references(cls, names: Sequence[str], cwd: Path) -> "InputFiles":
        """Read reference images."""
        _check_stdin(names)
        if len(names) > MAX_REFERENCES:
            reason = message(
                "{count} reference images; there may be at most {maximum}",
                count=len(names),
                maximum=MAX_REFERENCES,
            )
            raise _refused(names[MAX_REFERENCES], reason)
        return cls({f"{_REFERENCES}.{index}": InputFile.read(name, cwd) for index, name in enumerate(names)})

    @property
    def names(self) -> Mapping[str, str]:
        """Where the image of each field comes from."""
        return {field: file.name for field, file in self.by_field.items()}

    @property
    def body(self) -> Mapping[str, Any]:
        """The fields of a body."""
        texts = {field: file.text for field, file in self.by_field.items()}
        references = [text for field, text in texts.items() if field.startswith(_REFERENCES)]
        return {_REFERENCES: references} if references else texts


def _check_stdin(names: Sequence[str]) -> None:
    if names.count(STDIN) > 1:
        raise WrongUsage("only one image can be standard input")


def _bytes_of(name: str, cwd: Path) -> bytes:
    """Return what a file holds, of which no more is read than the service takes."""
    from imagegen_core.images import MAX_IMAGE_BYTES

    try:
        with sys.stdin.buffer if name == STDIN else (cwd / name).open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise _refused(name, system_reason(error)) from error
    if len(data) > MAX_IMAGE_BYTES:
        raise _refused(name, message("it is larger than {maximum} MB", maximum=MAX_IMAGE_BYTES // MIB))
    return data


def _size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height as the header has them; None where it cannot be read."""
    import io
    import warnings

    from PIL import Image

    with suppress(OSError, SyntaxError, ValueError, Image.DecompressionBombError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    return None


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _refused(name: str, reason: Message) -> CommandFailed:
    return CommandFailed(about(name, reason))
