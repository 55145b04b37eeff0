"""Images that a command sends: files of this machine, or images that the service holds."""

import base64
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from imagegen_core.images import MAX_IMAGE_BYTES, SIGNATURE_BYTES, MediaType
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import Message
from imagegen_http.cli.context import CommandFailed, WrongUsage
from imagegen_http.cli.messages import CommandCode, InputFileCode, UsageCode
from imagegen_http.problems.system_errors import system_reason

STDIN = "-"
_REFERENCES = "reference_images"
_HELD = re.compile(r"image:[1-9][0-9]*")
_MIB = 1_048_576


@attrs.frozen
class InputFile:
    """One image: what names it, and how a body has it."""

    name: str
    text: str = attrs.field(repr=False)
    size: tuple[int, int] | None = None

    @classmethod
    def read(cls, name: str, cwd: Path) -> "InputFile":
        """Return the image that ``name`` means: a file, ``-`` for standard input, or ``image:7``.

        Raises:
            CommandFailed: it cannot be read, or is no image that the service takes.
        """
        if _HELD.fullmatch(name):
            return cls(name, name)
        data = _bytes_of(name, cwd)
        kind = MediaType.sniff(data[:SIGNATURE_BYTES])
        if kind is None:
            raise _refused(name, InputFileCode.FILE_NOT_AN_IMAGE() if data else InputFileCode.FILE_EMPTY())
        return cls(name, f"data:{kind};base64,{base64.b64encode(data).decode()}", _size_of(data))


@attrs.frozen
class InputFiles:
    """The images of one request, by the names of their fields in the API."""

    by_field: Mapping[str, InputFile]

    @classmethod
    def of_image(cls, name: str, cwd: Path, *, mask: str | None = None) -> "InputFiles":
        """Read an image and its mask, if it has one.

        Raises:
            CommandFailed: one cannot be read, or the mask has another size.
            WrongUsage: both are standard input.
        """
        _check_stdin([name, mask or ""])
        image = InputFile.read(name, cwd)
        if mask is None:
            return cls({"image": image})
        over = InputFile.read(mask, cwd)
        if image.size and over.size and image.size != over.size:
            size, image_size = _text(over.size), _text(image.size)
            reason = InputFileCode.MASK_OF_OTHER_SIZE(size=size, image=image.name, image_size=image_size)
            raise _refused(mask, reason)
        return cls({"image": image, "mask": over})

    @classmethod
    def of_references(cls, names: Sequence[str], cwd: Path) -> "InputFiles":
        """Read reference images.

        Raises:
            CommandFailed: there are too many, or one cannot be read.
            WrongUsage: several are standard input.
        """
        _check_stdin(names)
        if len(names) > MAX_REFERENCES:
            reason = InputFileCode.TOO_MANY_REFERENCES(count=len(names), maximum=MAX_REFERENCES)
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
        raise WrongUsage(UsageCode.STDIN_TWICE())


def _bytes_of(name: str, cwd: Path) -> bytes:
    """Return what a file holds, of which no more is read than the service takes."""
    try:
        with sys.stdin.buffer if name == STDIN else (cwd / name).open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except OSError as error:
        raise _refused(name, system_reason(error)) from error
    if len(data) > MAX_IMAGE_BYTES:
        raise _refused(name, InputFileCode.FILE_TOO_LARGE(maximum=MAX_IMAGE_BYTES // _MIB))
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
    return CommandFailed(CommandCode.CONCERNING(subject=name, reason=reason))
