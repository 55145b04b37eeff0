"""Keeps two installations out of one prefix of a bucket, by an object that names the owner."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs

from imagegen_core.errors import StorageError, StorageUnreachable
from imagegen_core.messages import MessageCode

OWNER_MARK = "IMAGEGEN-OWNER"
"""The object's name below the prefix; no valid key, so it is never taken for a blob."""

MAX_OWNER_BYTES = 100

InstallationId: TypeAlias = Callable[[], Awaitable[str]]


class PrefixCode(MessageCode, words="imagegen_adapters"):
    """Why an installation does not work in its prefix."""


class PrefixTaken(StorageError):
    """The prefix belongs to another installation."""


@attrs.define(kw_only=True)
class PrefixClaim:
    """The claim of an installation to a prefix, which its first request makes.

    Nothing is decided by a listing, which may be late.

    Args:
        archive: the name of the service, for messages.
        place: the bucket and the prefix, for messages.
        read: returns the first bytes of the owner's object; None if there is none.
        create: creates it unless it exists; where a server cannot tell, it may be replaced.
        installation_id: returns the id of who claims; without it nobody does.
    """

    archive: str
    place: str
    read: Callable[[], Awaitable[bytes | None]]
    create: Callable[[bytes], Awaitable[None]]
    installation_id: InstallationId | None = None
    _lock: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    async def hold(self) -> None:
        """Claim the prefix, unless an earlier request has; raises what `take` does."""
        if self.installation_id is None:
            return
        async with self._lock:
            if self.installation_id is not None:
                await self.take(await self.installation_id())
                self.installation_id = None

    async def take(self, installation_id: str) -> None:
        """Name the owner where there is none; read back, since not every server creates conditionally."""
        if await self.check(installation_id):
            return
        await self.create(installation_id.encode())
        if not await self.check(installation_id):
            code = PrefixCode.OWNER_NOT_SEEN
            raise StorageUnreachable(code(archive=self.archive, mark=OWNER_MARK, place=self.place))

    async def check(self, installation_id: str) -> bool:
        """Return whether the prefix is of that installation, or nobody's; writes nothing."""
        data = await self.read()
        if data is None:
            return False
        owner = data[:MAX_OWNER_BYTES].decode("utf-8", "replace")
        if owner != installation_id:
            code = PrefixCode.OTHER_OWNER
            message = code(archive=self.archive, place=self.place, owner=owner or "?", mark=OWNER_MARK)
            raise PrefixTaken(message)
        return True
