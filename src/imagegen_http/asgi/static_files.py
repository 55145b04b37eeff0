"""The static files of our own pages, which are part of the package."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request, Response
from litestar.exceptions import NotFoundException

_TYPES = {
    "css": "text/css",
    "js": "text/javascript",
    "png": "image/png",
    "svg": "image/svg+xml",
}


def static_file(folder: str, name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return a file of a folder below ``static``; browsers revalidate it, and get 304 while it is unchanged.

    Raises:
        NotFoundException: the folder has no such file that a page may load.
    """
    media_type = _TYPES.get(name.rpartition(".")[2])
    if media_type is None or "/" in name or "\\" in name:
        raise NotFoundException
    content, etag = _read(folder, name)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers, media_type=media_type)
    return Response(content, headers=headers, media_type=media_type)


@cache
def page(folder: str, name: str) -> str:
    """Return the HTML of a page; its file is read once."""
    return (files("imagegen_http") / "static" / folder / name).read_text("utf-8")


@cache
def _read(folder: str, name: str) -> tuple[bytes, str]:
    try:
        content = (files("imagegen_http") / "static" / folder / name).read_bytes()
    except (OSError, ValueError) as error:  # the latter for NUL
        raise NotFoundException from error
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
