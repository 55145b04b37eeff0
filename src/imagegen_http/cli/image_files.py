"""File names of images: the extension matches the media type."""

import string
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

_EXTENSIONS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
}
"""The usual one is first."""

_NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-")

_OTHER_EXTENSIONS = (".avif", ".bmp", ".gif", ".heic", ".tif", ".tiff")


def name_of(image: Mapping[str, Any]) -> str:
    """Return the name of an image's file in a directory of images.

    Only a number gets into it, whatever a server elsewhere calls an id; a format that is unknown here has no
    extension.
    """
    extension = _EXTENSIONS.get(image["mime_type"], ("",))[0]
    return f"{image['id']:d}{extension}"


def input_name_of(one: Mapping[str, Any], task_id: str) -> str:
    """Return the name of the file of a task's input image, which no other task's has.

    Of what a server elsewhere calls the task only letters, digits and hyphens get into it.
    """
    extension = _EXTENSIONS.get(one["mime_type"], ("",))[0]
    task = "".join(filter(_NAME_CHARACTERS.__contains__, task_id))
    return f"{task}-{one['index']:d}{extension}"


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
