"""How an image's file is named: its ending says what it is."""

from itertools import chain, count
from pathlib import Path

_EXTENSIONS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
}
"""The usual one comes first."""

_OTHER_EXTENSIONS = (".avif", ".bmp", ".gif", ".heic", ".tif", ".tiff")


def extension_of(mime_type: str) -> str:
    """Return the usual file name ending, with its dot."""
    return _EXTENSIONS[mime_type][0]


def matching_name(file: Path, mime_type: str) -> Path:
    """Return ``file``, or a free name beside it where its ending names another kind of image.

    An image is never converted, and no file is replaced that the user did not name.
    """
    known = {ending for endings in _EXTENSIONS.values() for ending in endings}.union(_OTHER_EXTENSIONS)
    ending = file.suffix.lower()
    if ending not in known or ending in _EXTENSIONS[mime_type]:
        return file
    right = file.with_suffix(extension_of(mime_type))
    numbered = (right.with_stem(f"{right.stem}-{number}") for number in count(2))
    return next(path for path in chain([right], numbered) if not path.exists())
