"""The bucket as obstore reaches it: one method for each request, which raises the port's errors."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from imagegen_adapters.blob_archives.s3.connection import open_store
from imagegen_adapters.blob_archives.s3.errors import is_unexplained, status_of, translate
from imagegen_adapters.blob_archives.s3.etag import PART_BYTES
from imagegen_adapters.blob_archives.s3.gateway import CheckAddress, Gateway
from imagegen_adapters.blob_archives.s3.messages import S3Code
from imagegen_adapters.blob_archives.s3.settings import S3Settings
from imagegen_core.errors import BlobMissing, ImagegenError, StorageError

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Store

T = TypeVar("T")

_CHUNK_BYTES = 256 * 1024
_MAX_CHUNK_BYTES = 1024 * 1024
_PAGE = 1000
_UNSATISFIABLE = 416
_NOT_IMPLEMENTED = 501


@attrs.frozen(kw_only=True)
class ObjectHead:
    """Size and ETag of an object, the ETag without its quotes."""

    size_bytes: int
    etag: str | None


class Bucket:
    """Requests to one bucket; names are without the prefix of the settings, which this class prepends.

    Every method may raise `StorageUnreachable` or another `StorageError`, and `BlobMissing` where it needs
    the object.
    """

    def __init__(self, settings: S3Settings, check_address: CheckAddress | None) -> None:
        self._settings = settings
        self._gateway = Gateway(
            *settings.address,
            check_address=check_address,
            connect_timeout=settings.connect_timeout,
            idle_timeout=settings.idle_timeout,
        )
        self._opening = asyncio.Lock()
        self._store: S3Store | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._exists = False

    async def put(self, name: str, data: bytes, content_type: str) -> str | None:
        """Send an object in one request and return its ETag."""
        import obstore

        result = await self._request(
            name,
            lambda store, path: obstore.put_async(
                store, path, data, attributes={"Content-Type": content_type}, use_multipart=False
            ),
        )
        return _unquoted(result["e_tag"])

    async def put_parts(self, name: str, data: AsyncIterator[bytes], content_type: str) -> str | None:
        """Send an object in parts and return its ETag; if ``data`` raises, the parts are removed."""
        import obstore

        result = await self._request(
            name,
            lambda store, path: obstore.put_async(
                store,
                path,
                data,
                attributes={"Content-Type": content_type},
                use_multipart=True,
                chunk_size=PART_BYTES,
                max_concurrency=1,
            ),
        )
        return _unquoted(result["e_tag"])

    async def create(self, name: str, data: bytes) -> None:
        """Send an object unless there is one; where a server cannot tell, it replaces what there is."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        async def send(store: "S3Store", path: str) -> None:
            try:
                await obstore.put_async(store, path, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return
            except Exception as error:  # only its status counts; all others are raised again
                if status_of(error) != _NOT_IMPLEMENTED:
                    raise
                await obstore.put_async(store, path, data, use_multipart=False)

        await self._request(name, send)

    async def get(self, name: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the range in chunks of at most 1 MiB; nothing if it begins at the end of the object."""
        import obstore

        options: GetOptions = {}
        if end is not None:
            options = {"range": (start, end)}
        elif start:
            options = {"range": {"offset": start}}

        async def begin(store: "S3Store", path: str) -> Any:
            try:
                result = await obstore.get_async(store, path, options=options)
            except Exception as error:  # only its status counts; all others are raised again
                if status_of(error) == _UNSATISFIABLE:
                    return None
                raise
            return result.stream(min_chunk_size=_CHUNK_BYTES)

        body = await self._request(name, begin)
        while body is not None and (chunk := await self._request(name, lambda _, __: anext(body, None))):
            data = bytes(chunk)
            for at in range(0, len(data), _MAX_CHUNK_BYTES):
                yield data[at : at + _MAX_CHUNK_BYTES]

    async def head(self, name: str) -> ObjectHead:
        """Return size and ETag. A refusal of HEAD says no reason, so that is asked by GET."""
        import obstore

        for attempt in range(2):
            try:
                meta = await self._request(name, obstore.head_async)
            except ImagegenError as error:
                is_missing = isinstance(error, BlobMissing) and self._exists
                if attempt or is_missing or not is_unexplained(error.__cause__):
                    raise
                await self._ask_reason(name)
            else:
                self._exists = True
                return ObjectHead(size_bytes=meta["size"], etag=_unquoted(meta["e_tag"]))
        raise BlobMissing(name)

    async def delete(self, name: str) -> None:
        """Remove the object; a missing one is no error."""
        import obstore

        try:
            await self._request(name, obstore.delete_async)
        except BlobMissing:
            return

    async def names(self, folder: str) -> AsyncIterator[str]:
        """Yield the names of all objects below the folder."""
        import obstore

        prefix = self._settings.prefix

        async def begin(store: "S3Store", path: str) -> Any:
            return obstore.list(store, path, chunk_size=_PAGE)

        pages = await self._request(folder, begin)
        while page := await self._request(folder, lambda _, __: anext(pages, None)):
            for entry in page:
                yield entry["path"].removeprefix(prefix)

    def close(self) -> None:
        """Cut every connection, without waiting for an unresponsive server."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._gateway.close)

    async def _request(self, name: str, call: Callable[["S3Store", str], Awaitable[T]]) -> T:
        store = await self._opened()
        try:
            return await call(store, f"{self._settings.prefix}{name}")
        except Exception as error:  # obstore's errors have no common type: its table knows them all
            raise self._translated(error, name) from error

    async def _ask_reason(self, name: str) -> None:
        """Raise why HEAD was refused; return if it no longer is."""
        try:
            async for _ in self.get(name, start=0, end=1):
                return
        except BlobMissing:
            self._exists = True
            raise

    async def _opened(self) -> "S3Store":
        async with self._opening:
            if self._store is None:
                self._loop = asyncio.get_running_loop()
                self._store = open_store(self._settings, await self._gateway.start())
            return self._store

    def _translated(self, error: Exception, name: str) -> Exception:
        refusal = self._gateway.refusal
        if refusal is not None:
            return StorageError(S3Code.S3_NOT_ALLOWED(reason=refusal.advice))
        return translate(error, name)


def _unquoted(etag: str | None) -> str | None:
    return None if etag is None else etag.removeprefix("W/").strip('"')
