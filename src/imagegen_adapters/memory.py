"""All adapters in memory, for trying out the library and for tests."""

import hashlib
import io
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any, BinaryIO

import attrs

from imagegen_adapters.images.inspector import ThreadInspector
from imagegen_adapters.secrets import MemorySecretBox
from imagegen_adapters.stores.batches import AddTask, SqlBatches
from imagegen_adapters.stores.configs import CachedProviderConfigs, SqlProviderConfigs
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.search import Index
from imagegen_adapters.stores.sql import Sql, SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import SqliteIndex, sqlite_gallery
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks, task_addition
from imagegen_adapters.stores.trash import SqlTrash
from imagegen_adapters.stores.webhooks import SqlWebhooks
from imagegen_adapters.system import OneNode, SystemClock, new_id, simplify
from imagegen_core import ImageGen, Limits, Parts
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import BlobMissing
from imagegen_core.ports.blobs import StoredBlob, bounded, check_key
from imagegen_core.ports.provider import Provider
from imagegen_core.ports.secrets import SecretBox
from imagegen_core.ports.tools import Clock
from imagegen_core.secrets import Redactor


def in_memory(
    *,
    providers: Mapping[str, Provider] | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
) -> ImageGen:
    """Return an `ImageGen` without persistence. ``providers`` adds to the demo provider, by kind and name."""
    return ImageGen(
        memory_adapters(providers=providers, clock=clock),
        limits=limits,
        file_configs={
            kind: ProviderConfig(provider_name=kind, kind=kind, source=ConfigSource.FILE)
            for kind in ("demo", *(providers or ()))
        },
    )


def memory_adapters(*, providers: Mapping[str, Provider] | None = None, clock: Clock | None = None) -> Parts:
    """Return the memory adapter of every port; use `attrs.evolve` to replace some of them."""
    from imagegen_adapters.providers.demo.provider import DemoProvider  # which draws

    clock = clock or SystemClock()
    database = Database.in_memory()
    box, redactor, inspector = MemorySecretBox(), Redactor(), ThreadInspector()
    return Parts(
        **over_sqlite(database, box, redactor),
        blobs=MemoryBlobStore(),
        large_thumbnails=MemoryBlobStore(),
        spool=MemorySpool(clock),
        inspect=inspector.inspect,
        draw=inspector.draw,
        check_address=_trust,
        check_webhook=_trust,
        box=box,
        has_room=lambda: True,
        clock=clock,
        providers={"demo": DemoProvider(clock), **(providers or {})},
        redactor=redactor,
        new_id=new_id,
        simplify=simplify,
    )


def over_sqlite(database: Database, box: SecretBox, redactor: Redactor) -> dict[str, Any]:
    """Return the adapters of one process over a database, in memory or in a file, by the names of `Parts`."""
    sql = SqliteSql(database)
    return {
        **over_sql(sql, SqliteIndex(), task_addition, box, redactor),
        "tasks": SqliteTasks(database, simplify=simplify),
        "queue": SqliteQueue(database),
        "cluster": OneNode(),
        "images": sqlite_gallery(database),
        "configs": CachedProviderConfigs(sql, box),
    }


def over_sql(sql: Sql, index: Index, add_task: AddTask, box: SecretBox, redactor: Redactor) -> dict[str, Any]:
    """Return the adapters that are the same over each database, by the names of `Parts`."""
    return {
        "batches": SqlBatches(sql, add_task),
        "marks": SqlMarks(sql, index),
        "trash": SqlTrash(sql, index, simplify),
        "outbox": SqlOutbox(sql),
        "webhooks": SqlWebhooks(sql, box, redactor),
        "configs": SqlProviderConfigs(sql, box),
    }


async def _trust(url: str) -> None:
    """Allow every address: only the program chooses what is called."""


# ---------------------------------------------------------------- files

_CHUNK_BYTES = 256 * 1024


def _pieces(content: bytes) -> Iterator[bytes]:
    return (content[at : at + _CHUNK_BYTES] for at in range(0, len(content), _CHUNK_BYTES))


@attrs.define
class MemoryBlobStore:
    """Keeps whole blobs in ``blobs``, which tests may read and modify."""

    blobs: dict[str, bytes] = attrs.field(factory=dict)

    async def put(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> StoredBlob:
        blobs = self._reach(key)
        blobs[key] = b"".join([chunk async for chunk in chunks])
        return self._describe(key, blobs[key])

    async def sync(self, key: str) -> None:
        self._reach(key)

    async def open(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        data = self._reach(key).get(key)
        if data is None:
            raise BlobMissing(key)
        for piece in _pieces(data[start:end]):
            yield piece

    async def stat(self, key: str) -> StoredBlob | None:
        data = self._reach(key).get(key)
        return None if data is None else self._describe(key, data)

    async def delete(self, key: str) -> None:
        self._reach(key).pop(key, None)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        for key in list(self._reach()):
            if key.startswith(prefix):
                yield key

    def _reach(self, key: str = "any") -> dict[str, bytes]:
        check_key(key)
        return self.blobs

    def _describe(self, key: str, data: bytes) -> StoredBlob:
        return StoredBlob(key=key, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


class MemorySpool:
    """Files by folder; ``clock`` determines their age."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, dict[str, bytes]] = {}
        self._inputs: dict[str, dict[str, bytes]] = {}
        self._written: dict[str, float] = {}

    async def put(self, folder: str, name: str, chunks: AsyncIterator[bytes], *, max_bytes: int) -> int:
        data = b"".join([chunk async for chunk in bounded(chunks, max_bytes)])
        self._files.setdefault(folder, {})[name] = data
        self._written[folder] = self._clock.monotonic()
        return len(data)

    async def fetch(self, folder: str) -> None:
        """All files are in this process already."""

    def open(self, folder: str, name: str) -> BinaryIO:
        return io.BytesIO(self._content(folder, name))

    def _content(self, folder: str, name: str) -> bytes:
        for files in (self._files, self._inputs):
            if name in files.get(folder, {}):
                return files[folder][name]
        raise BlobMissing(f"{folder}/{name}")

    async def chunks(
        self, folder: str, name: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        for piece in _pieces(self._content(folder, name)[start:end]):
            yield piece

    async def keep(self, folder: str, names: Collection[str]) -> None:
        files = self._files.pop(folder, {})
        self._written.pop(folder, None)
        inputs = self._inputs.get(folder, {}) | {name: data for name, data in files.items() if name in names}
        if inputs:
            self._inputs[folder] = inputs

    async def files(self, folder: str) -> Mapping[str, int]:
        files = {**self._inputs.get(folder, {}), **self._files.get(folder, {})}
        return {name: len(files[name]) for name in sorted(files)}

    async def holds(self, folders: Collection[str]) -> frozenset[str]:
        return frozenset(folder for folder in folders if folder in self._files or folder in self._inputs)

    async def remove(self, folder: str) -> None:
        for files in (self._files, self._inputs):
            files.pop(folder, None)
        self._written.pop(folder, None)

    async def folders(self, *, older_than_seconds: float) -> tuple[str, ...]:
        limit = self._clock.monotonic() - older_than_seconds
        return tuple(sorted(folder for folder, written in self._written.items() if written <= limit))
