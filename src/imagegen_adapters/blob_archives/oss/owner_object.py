"""The object that names the owner of the prefix."""

import asyncio
from concurrent.futures import Executor
from functools import partial

from imagegen_adapters.blob_archives.oss.objects import OssObjects


class OssOwnerObject:
    """Reads and creates it in the threads of ``pool``; ``name`` includes the prefix."""

    def __init__(self, objects: OssObjects, name: str, pool: Executor) -> None:
        self._objects, self._name, self._pool = objects, name, pool

    async def read(self) -> bytes | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(self._objects.first_chunk, self._name))

    async def create(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._pool, partial(self._objects.create, self._name, data))
