"""The bytes of an image, from the API to a file."""

from typing import TYPE_CHECKING, BinaryIO

from imagegen_http.cli.api import ImageUnreadable
from imagegen_http.cli.messages import CommandCode

if TYPE_CHECKING:
    import httpx

_PIECE_BYTES = 512 * 1024
"""Small, since each response of an in-process service stays in memory until a garbage collection."""


async def write_streamed(client: "httpx.AsyncClient", path: str, file: BinaryIO) -> "httpx.Response":
    """Write an image as it comes; return the response.

    Raises:
        ImageUnreadable: its bytes are missing.
    """
    async with client.stream("GET", path) as response:
        _check_status(response.status_code, 200)
        async for chunk in response.aiter_bytes():
            file.write(chunk)
        return response


async def write_by_ranges(client: "httpx.AsyncClient", path: str, file: BinaryIO) -> "httpx.Response":
    """Write an image piece by piece, since responses of an in-process service are not streamed.

    Raises:
        ImageUnreadable: its bytes are missing.
    """
    at, size = 0, 1
    while at < size:
        headers = {"Range": f"bytes={at}-{at + _PIECE_BYTES - 1}"}
        part = await client.get(path, headers=headers)
        _check_status(part.status_code, 206)
        size = int(part.headers["Content-Range"].rpartition("/")[2])
        at += len(part.content)
        file.write(part.content)
    return part


def _check_status(status: int, expected: int) -> None:
    if status != expected:
        raise ImageUnreadable(CommandCode.IMAGE_NOT_READABLE(status=status))
