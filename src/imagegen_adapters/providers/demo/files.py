"""Pictures to and from files; each file says that it is a demo."""

import io

from PIL import Image, ImageOps, PngImagePlugin

LABEL = "imagegen demo"
FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}

_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131  # EXIF tags


def encode(picture: Image.Image, format: str) -> bytes:
    """Return the picture as a file of ``format`` (a key of `FORMATS`), labelled inside."""
    buffer = io.BytesIO()
    if format == "png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", LABEL)
        text.add_text("Comment", LABEL)
        picture.save(buffer, "PNG", pnginfo=text, compress_level=3)
    else:
        exif = Image.Exif()
        exif[_DESCRIPTION] = exif[_SOFTWARE] = LABEL
        picture.convert("RGB").save(buffer, FORMATS[format], quality=90, method=2, exif=exif.tobytes())
    return buffer.getvalue()


def decode(data: bytes, *, side: int | None = None) -> Image.Image:
    """Return a caller's picture as RGBA, upright, shrunk until no side is longer than ``side``.

    Raises:
        OSError: it cannot be decoded.
    """
    with Image.open(io.BytesIO(data), formats=list(FORMATS.values())) as picture:
        if side is not None:
            picture.thumbnail((side, side))
        return ImageOps.exif_transpose(picture).convert("RGBA")
