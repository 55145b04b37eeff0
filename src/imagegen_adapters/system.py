"""The operating system's clock, ids and disk space, simplified Chinese by OpenCC, a cluster of one node."""

import asyncio
import math
import os
import secrets
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import cast

import attrs
import uuid_utils

from imagegen_core.errors import StorageError
from imagegen_core.messages import StorageCode
from imagegen_core.ports.tools import Clock


def new_id() -> str:
    """Return a UUIDv7 as 36 lower-case characters, greater than all earlier ones of this process."""
    return str(uuid_utils.uuid7())


def new_webhook_secret() -> str:
    """Return 256 random bits as Standard Webhooks writes them."""
    return f"whsec_{b64encode(secrets.token_bytes(32)).decode()}"


class SystemClock(Clock):
    """The real time."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@attrs.define
class SystemDiskSpace:
    """Free space on the file system of a path. Below ``min_free_bytes``, no more paid calls are sent.

    The answer for paid calls is kept for a second: asking takes 14 µs of a request's 160.
    """

    _path: Path
    _min_free_bytes: int
    _had_room: bool = attrs.field(default=False, init=False)
    _ask_at: float = attrs.field(default=-math.inf, init=False)

    def free_bytes(self) -> int:
        """Return the bytes that may be written; raises `StorageError` if the file system does not answer."""
        try:
            status = os.statvfs(self._path)
        except OSError as error:
            raise StorageError(StorageCode.FILE_SYSTEM_SILENT(detail=str(error.strerror))) from error
        return status.f_bavail * status.f_frsize  # not f_bfree, which includes the blocks reserved for root

    def has_room(self) -> bool:
        if time.monotonic() >= self._ask_at:
            self._had_room = self.free_bytes() >= self._min_free_bytes
            self._ask_at = time.monotonic() + 1
        return self._had_room


def simplify(text: str) -> str:
    """Return ``text`` with traditional characters simplified; the dictionaries are loaded on demand.

    ASCII text is returned unchanged, without loading them.
    """
    return text if text.isascii() else _converter()(text)


def release_dictionaries() -> None:
    """Free the 2 MB of the dictionaries; the next conversion loads them again in a few milliseconds."""
    _converter.cache_clear()


@cache
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC

    return cast("Callable[[str], str]", OpenCC("t2s").convert)


class OneNode:
    """Nodes of one process: each is alive until it leaves."""

    def __init__(self) -> None:
        self._joined: set[str] = set()
        self._slots: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._hearers: dict[str, list[Callable[[str], object]]] = defaultdict(list)

    async def beat(self, node: str) -> None:
        self._joined.add(node)

    async def alive(self, observer: str) -> frozenset[str]:
        return frozenset(self._joined)

    async def leave(self, node: str) -> None:
        self._joined.discard(node)

    def slot(self, name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        return self._slots.setdefault((name, limit), asyncio.Semaphore(limit))

    def hear(self, topic: str, hearer: Callable[[str], object]) -> None:
        self._hearers[topic].append(hearer)

    def tell(self, topic: str, key: str = "") -> None:
        for hearer in self._hearers[topic]:
            hearer(key)
