"""Content that stays the same while the service runs: compressed once, and not sent to who has it."""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import cast

import attrs
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp

from imagegen_http.guard import asgi
from imagegen_http.guard.asgi import InboundRequest, Receive, Scope, Send, encoded, matches, respond

REVALIDATE = "no-cache"  # for what keeps its address when it changes
_NONE: Mapping[str, str] = MappingProxyType({})
_MIN_COMPRESSED_BYTES = 256  # what is shorter fits into the packet of its head


@attrs.frozen(kw_only=True)
class StaticContent:
    """A body with its gzip form, None where that saves nothing."""

    media_type: str
    body: bytes = attrs.field(repr=False)
    gzipped: bytes | None = attrs.field(repr=False)
    digest: str

    @classmethod
    def compress(cls, body: bytes, media_type: str) -> "StaticContent":
        """Compress a body with the most effort: a second for ten megabytes."""
        gzipped = gzip.compress(body, 9, mtime=0) if len(body) >= _MIN_COMPRESSED_BYTES else body
        return cls(
            media_type=media_type,
            body=body,
            gzipped=gzipped if len(gzipped) < len(body) else None,
            digest=hashlib.sha256(body).hexdigest()[:32],
        )

    def response(self, *, cache_control: str = REVALIDATE, headers: Mapping[str, str] = _NONE) -> ASGIApp:
        """Return the response to GET or HEAD: 304 if the client has the content, else the form it accepts."""
        more = {"cache-control": cache_control, **headers}
        return cast("ASGIApp", partial(self._respond, more))  # plain ASGI, for which Litestar has own types

    async def _respond(self, more: Mapping[str, str], scope: Scope, receive: Receive, send: Send) -> None:
        request, headers = InboundRequest.from_scope(scope), dict(more)
        body, etag = self.body, f'"{self.digest}"'
        if self.gzipped is not None:
            headers["vary"] = ", ".join(filter(None, (headers.get("vary"), "Accept-Encoding")))
            if asgi.accepts_gzip(request.header(b"accept-encoding")):
                body, etag = self.gzipped, f'"{self.digest}-gzip"'
        headers["etag"] = etag
        if matches(request.header(b"if-none-match"), etag):
            await respond(send, 304, encoded(headers))
            return
        if body is self.gzipped:
            headers["content-encoding"] = "gzip"
        headers |= {"content-type": self.media_type, "content-length": str(len(body))}
        await respond(send, 200, encoded(headers), body)


_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
_LINE_COMMENT = re.compile(rb"^[ \t]*//.*$", re.MULTILINE)
_BLOCK_COMMENT = re.compile(rb"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*$", re.MULTILINE | re.DOTALL)
_COMMENT_AFTER_CODE = re.compile(rb"(?<=[;,{})\]])[ \t]+// .*$", re.MULTILINE)
_INDENTATION = re.compile(rb"^[ \t]+", re.MULTILINE)


class StaticFolder:
    """The files that a page may load, by their path below a folder of ``static``; no path leads elsewhere.

    A file is compressed when it is asked for first; after that the folder's files must not change. Their
    digest changes with the code, too: what is sent comes of both, ``made_by`` included.
    """

    def __init__(self, name: str, *, comments: bool = True, made_by: Path | None = None) -> None:
        self._comments, self._makers = comments, (Path(__file__), made_by or Path(__file__))
        self._root = Path(str(files("imagegen_http"))) / "static" / name
        self._contents: dict[str, StaticContent] = {}
        self._digest: str | None = None

    async def content(self, path: str) -> StaticContent:
        if path not in self._contents:
            self._contents[path] = await asyncio.to_thread(self._read, path)
        return self._contents[path]

    async def digest(self) -> str:
        """Return 16 characters that change with the files."""
        if self._digest is None:
            self._digest = await asyncio.to_thread(self._read_digest)
        return self._digest

    def text(self, path: str) -> str:
        """Return a text file, also one that no page may load."""
        return (self._root / path).read_text("utf-8")

    @cached_property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self._files))

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        paths = (path for path in self._root.rglob("*") if path.suffix[1:] in _TYPES)
        return {path.relative_to(self._root).as_posix(): path for path in paths}

    def _read(self, path: str) -> StaticContent:
        if path not in self._files:
            raise NotFoundException
        suffix = path.rpartition(".")[2]
        body = self._files[path].read_bytes()
        if not self._comments and suffix in {"css", "js"}:
            body = without_comments(body)
        return StaticContent.compress(body, _TYPES[suffix])

    def _read_digest(self) -> str:
        digest = hashlib.sha256(b"".join(maker.read_bytes() for maker in self._makers))
        for path in self.paths:
            content = self._files[path].read_bytes()
            digest.update(f"{path} {len(content)} ".encode() + content)
        return digest.hexdigest()[:16]


def without_comments(source: bytes) -> bytes:
    """Return a script or style without indentation and comments; lines keep their numbers.

    A comment is a line of its own, or ends one after ``;``, ``,`` or a bracket; no text may look like that.
    """
    blank = _BLOCK_COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), source)
    for comment in (_LINE_COMMENT, _COMMENT_AFTER_CODE, _INDENTATION):
        blank = comment.sub(b"", blank)
    return blank
