"""Whose prefix of a bucket it is: services that share one must not remove each other's objects."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs

from imagegen_core.errors import StorageError, StorageUnreachable
from imagegen_core.messages import MessageCode

OWNER_MARK = "IMAGEGEN-OWNER"  # the object's name; no valid key, so it is never taken for a blob
MAX_OWNER_BYTES = 100

InstallationId: TypeAlias = Callable[[], Awaitable[str]]


class PrefixCode(MessageCode, words="imagegen_adapters"):
    """Why an installation does not work in its prefix."""


class PrefixTaken(StorageError):
    """The prefix belongs to another installation."""


@attrs.define(kw_only=True)
class PrefixClaim:
    """An installation's claim to a prefix, made by its first request. No listing decides: it may be late."""

    archive: str  # the name of the service
    place: str  # bucket and prefix, for messages
    read: Callable[[], Awaitable[bytes | None]]  # the first bytes of the object; None if there is none
    create: Callable[[bytes], Awaitable[None]]  # unless it exists; a server that cannot tell may replace it
    installation_id: InstallationId | None = None  # of who claims; without it nobody does
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    async def hold(self) -> None:
        """Claim the prefix, unless an earlier request has."""
        if self.installation_id is None:
            return
        async with self._lock:
            if self.installation_id is not None:
                await self.take(await self.installation_id())
                self.installation_id = None

    async def take(self, installation_id: str) -> None:
        """Write the owner if there is none, and read it back: not every server creates conditionally."""
        if await self.check(installation_id):
            return
        await self.create(installation_id.encode())
        if not await self.check(installation_id):
            code = PrefixCode.OWNER_NOT_SEEN
            raise StorageUnreachable(code(archive=self.archive, mark=OWNER_MARK, place=self.place))

    async def check(self, installation_id: str) -> bool:
        """Return False if the prefix is nobody's, raise `PrefixTaken` if it is another's; write nothing."""
        data = await self.read()
        if data is None:
            return False
        owner = data[:MAX_OWNER_BYTES].decode("utf-8", "replace")
        if owner != installation_id:
            code = PrefixCode.OTHER_OWNER
            message = code(archive=self.archive, place=self.place, owner=owner or "?", mark=OWNER_MARK)
            raise PrefixTaken(message)
        return True
