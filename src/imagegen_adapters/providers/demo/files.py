"""Reads and writes image files; each file written says that it is a demo."""

import io

from PIL import Image, ImageOps, PngImagePlugin

from imagegen_adapters.providers.demo.work import FORMATS

LABEL = "imagegen demo"

_DESCRIPTION, _SOFTWARE = 0x010E, 0x0131  # EXIF tags


def encode(image: Image.Image, format: str) -> bytes:
    """Return the image as a file of ``format`` (a key of `FORMATS`), with the label in its metadata."""
    buffer = io.BytesIO()
    if format == "png":
        text = PngImagePlugin.PngInfo()
        text.add_text("Software", LABEL)
        text.add_text("Comment", LABEL)
        image.save(buffer, "PNG", pnginfo=text, compress_level=3)
    else:
        exif = Image.Exif()
        exif[_DESCRIPTION] = exif[_SOFTWARE] = LABEL
        image.convert("RGB").save(buffer, FORMATS[format], quality=90, method=2, exif=exif.tobytes())
    return buffer.getvalue()


def decode(data: bytes, *, side: int | None = None) -> Image.Image:
    """Return a caller's image as RGBA, upright, scaled down so that no side exceeds ``side``.

    Raises:
        OSError: it cannot be decoded.
    """
    with Image.open(io.BytesIO(data), formats=list(FORMATS.values())) as image:
        if side is not None:
            image.thumbnail((side, side))
        return ImageOps.exif_transpose(image).convert("RGBA")
