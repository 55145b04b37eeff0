"""File names of images: the extension matches the media type."""

from itertools import chain, count
from pathlib import Path

_EXTENSIONS = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
}
"""The usual one is first."""

_OTHER_EXTENSIONS = (".avif", ".bmp", ".gif", ".heic", ".tif", ".tiff")


def extension_of(mime_type: str) -> str:
    """Return the usual extension, with its dot."""
    return _EXTENSIONS[mime_type][0]


def matching_name(file: Path, mime_type: str) -> Path:
    """Return ``file``, or an unused name beside it if its extension is that of another image format.

    An image is never converted, and no file is replaced that the user did not name.
    """
    extensions = {extension for group in _EXTENSIONS.values() for extension in group}.union(_OTHER_EXTENSIONS)
    extension = file.suffix.lower()
    if extension not in extensions or extension in _EXTENSIONS[mime_type]:
        return file
    renamed = file.with_suffix(extension_of(mime_type))
    numbered = (renamed.with_stem(f"{renamed.stem}-{number}") for number in count(2))
    return next(path for path in chain([renamed], numbered) if not path.exists())
