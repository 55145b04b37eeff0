"""File names of images: the extension matches the media type."""

from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from typing import Any

_EXTENSIONS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
}
"""The usual one is first."""

_OTHER_EXTENSIONS = (".avif", ".bmp", ".gif", ".heic", ".tif", ".tiff")


def name_of(image: Mapping[str, Any]) -> str:
    """Return the name of an image's file in a directory of images.

    Only a number gets into it, whatever a server elsewhere calls an id; a format that is unknown here has no
    extension.
    """
    extension = _EXTENSIONS.get(image["mime_type"], ("",))[0]
    return f"{image['id']:d}{extension}"


def matching_name(file: Path, mime_type: str) -> Path:
    """Return ``file``, or an unused name beside it if its extension is that of another image format.

    An image is never converted, and no file is replaced that the user did not name.
    """
    extensions = {extension for group in _EXTENSIONS.values() for extension in group}.union(_OTHER_EXTENSIONS)
    extension = file.suffix.lower()
    expected = _EXTENSIONS.get(mime_type, (extension,))
    if extension not in extensions or extension in expected:
        return file
    renamed = file.with_suffix(expected[0])
    numbered = (renamed.with_stem(f"{renamed.stem}-{number}") for number in count(2))
    return next(path for path in chain([renamed], numbered) if not path.exists())
