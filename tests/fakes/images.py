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


def svg(number: int = 1) -> bytes:
    """Return a distinct SVG of 24 by 16 pixels, with a script that a page must never run."""
    script = b"document.title = 'ran'; parent.ran = top.ran = true; fetch('/ran')"
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made to be drawn -->\n'
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 16" onload="%s"><script>%s</script>'
        b'<image href="/ran"/><rect width="%d" height="16"/></svg>' % (script, script, number + 1)
    )


def in_base64(kind: str, number: int = 1) -> str:
    """Return a distinct image as ``gif``, ``svg`` or else PNG."""
    out = io.BytesIO()
    if kind == "gif":
        frames = [Image.new("P", (16, 16), number * 10 + each) for each in range(3)]
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    else:
        out.write(svg(number) if kind == "svg" else png(number))
    return base64.b64encode(out.getvalue()).decode()
