"""The static files of our own pages, which are part of the package."""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from litestar.exceptions import NotFoundException

from imagegen_http.asgi.static_content import StaticContent

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
_LINE_COMMENT = re.compile(rb"^[ \t]*//.*$", re.MULTILINE)
_BLOCK_COMMENT = re.compile(rb"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*$", re.MULTILINE | re.DOTALL)
_COMMENT_AFTER_CODE = re.compile(rb"(?<=[;,{})\]])[ \t]+// .*$", re.MULTILINE)
_INDENTATION = re.compile(rb"^[ \t]+", re.MULTILINE)


class StaticFolder:
    """The files that a page may load, by their path below a folder of ``static``.

    Only what is listed there can be asked for, so a path cannot lead elsewhere. A file is read and
    compressed when it is asked for first; after that the folder's files must not change.
    ``comments=False`` sends scripts and styles `without_comments`.
    """

    def __init__(self, name: str, *, comments: bool = True) -> None:
        self._comments = comments
        self._root: Traversable = files("imagegen_http") / "static" / name
        self._contents: dict[str, StaticContent] = {}
        self._digest: str | None = None

    async def content(self, path: str) -> StaticContent:
        """Return a file.

        Raises:
            NotFoundException: the folder has no such file that a page may load.
        """
        if path not in self._contents:
            self._contents[path] = await asyncio.to_thread(self._read, path)
        return self._contents[path]

    async def digest(self) -> str:
        """Return what tells these files from those of any other version; 16 characters."""
        if self._digest is None:
            self._digest = await asyncio.to_thread(self._read_digest)
        return self._digest

    def text(self, path: str) -> str:
        """Return a text file of the package, also one that no page may load, such as the page itself."""
        return (self._root / path).read_text("utf-8")

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """The paths of all files that a page may load."""
        return tuple(sorted(self._files))

    @cached_property
    def _files(self) -> Mapping[str, Traversable]:
        return dict(_files(self._root, ""))

    def _read(self, path: str) -> StaticContent:
        if path not in self._files:
            raise NotFoundException
        suffix = path.rpartition(".")[2]
        body = self._files[path].read_bytes()
        if not self._comments and suffix in {"css", "js"}:
            body = without_comments(body)
        return StaticContent.compress(body, _TYPES[suffix])

    def _read_digest(self) -> str:
        digest = hashlib.sha256()
        for path in self.paths:
            content = self._files[path].read_bytes()
            digest.update(f"{path} {len(content)} ".encode() + content)
        return digest.hexdigest()[:16]


def without_comments(source: bytes) -> bytes:
    """Return a script or style without indentation and comments.

    Their lines stay, so that a line in the browser is that of the source. A comment is a line of its own, or
    ends one after ``;``, ``,`` or a bracket; no text may look like that.
    """
    blank = _BLOCK_COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), source)
    for comment in (_LINE_COMMENT, _COMMENT_AFTER_CODE, _INDENTATION):
        blank = comment.sub(b"", blank)
    return blank


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _files(entry, f"{path}/")
        elif entry.name.rpartition(".")[2] in _TYPES:
            yield path, entry
