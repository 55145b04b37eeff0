"""Small, distinct images to send and receive."""

import base64
import io

from PIL import Image


def png(number: int = 1, size: tuple[int, int] = (16, 16)) -> bytes:
    """Return a PNG of a distinct colour."""
    out = io.BytesIO()
    Image.new("RGB", size, (number * 40 % 256, number * 90 % 256, 128)).save(out, "PNG")
    return out.getvalue()


def png_base64(number: int = 1) -> str:
    return base64.b64encode(png(number)).decode()
