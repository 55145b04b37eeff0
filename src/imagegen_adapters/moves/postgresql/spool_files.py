"""The spooled files of a data directory, copied to the spool that all nodes read."""

import hashlib

import attrs

from imagegen_adapters.moves.postgresql.errors import MoveError
from imagegen_adapters.moves.postgresql.messages import MoveCode
from imagegen_core.errors import BlobMissing
from imagegen_core.ports.blobs import BlobStore, Spool
from imagegen_core.running.storing import sha256_of


@attrs.frozen(kw_only=True)
class SpoolFiles:
    """Copies inputs and responses, each ``owner/name`` of the ``local`` store, which is read only.

    If they ``are_kept`` there, the spool keeps them, too.
    """

    local: BlobStore
    spool: Spool
    are_kept: bool = False

    async def copy(self, key: str) -> int:
        """Copy a file, replacing one that is there, and return how many bytes it has.

        Raises:
            BlobMissing: there is no such file.
            MoveError: the spool holds other bytes than the file.
            StorageError: the file cannot be read, or the spool cannot be written now.
        """
        owner, _, name = key.partition("/")
        blob = await self.local.stat(key)
        if blob is None:
            raise BlobMissing(key)
        await self.spool.put(owner, name, self.local.open(key), max_bytes=blob.size_bytes)
        copy = hashlib.sha256()
        async for chunk in self.spool.chunks(owner, name):
            copy.update(chunk)
        if copy.hexdigest() != await sha256_of(self.local, key):
            raise MoveError(MoveCode.SPOOL_DIFFERS(key=key))
        if self.are_kept:
            await self.spool.keep(owner, [name])
        return blob.size_bytes
