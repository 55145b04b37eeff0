"""Changes the master key. May be killed at any point and started again: nothing is ever unreadable.

The new key is written before the old one in ``master.key``, so both open; then each token is sealed anew;
only when all of them open with the new key alone, the old one goes.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import attrs

from imagegen_adapters.secret_boxes.fernet import new_witness
from imagegen_adapters.secret_boxes.master_key import MasterKeyRefused, read_keys, replace_keys, write_witness
from imagegen_adapters.secret_boxes.sealing import Sealing, is_valid_key, new_key


@attrs.frozen(kw_only=True)
class SealedRow:
    """Where a token is stored (the store's own words), and the token."""

    place: str
    token: str = attrs.field(repr=False)


class SealedRows(Protocol):
    """Every sealed token there is."""

    def all(self) -> AsyncIterator[SealedRow]:
        """Yield all of them; rows may be replaced meanwhile."""
        ...

    async def replace(self, row: SealedRow, token: str) -> None:
        """Store the token instead of the row's, durably; a row with another token by now is left alone."""
        ...


async def rotate_master_key(directory: Path, rows: SealedRows) -> int:
    """Give the data directory a new master key; return how many tokens were sealed anew.

    Nobody else may seal meanwhile: the caller holds the lock of the data directory. A rotation that was
    broken off is finished, under the key that it had begun with.

    Raises:
        MasterKeyRefused: there is no usable ``master.key`` (keys from the environment are rotated by
            naming the new one first: ``IMAGEGEN_MASTER_KEY=new,old``, and `reseal`).
        KeysLocked: a token opens with none of the keys; all keys are kept.
    """
    keys = read_keys(directory)
    if not keys or not all(is_valid_key(key) for key in keys):
        raise MasterKeyRefused("there is no usable master.key to rotate")
    if len(keys) == 1:
        keys = (new_key(), *keys)
        await _check_all_open(Sealing(keys), rows)
        replace_keys(directory, keys)
    sealing = Sealing(keys)
    count = await reseal(sealing, rows)
    write_witness(directory, new_witness(sealing))
    replace_keys(directory, keys[:1])
    return count


async def reseal(sealing: Sealing, rows: SealedRows) -> int:
    """Seal every token under the first key; return how many were not yet.

    When this returns, the first key alone opens them all.

    Raises:
        KeysLocked: a token opens with none of the keys.
    """
    count = 0
    while stale := [row async for row in rows.all() if not sealing.is_current(row.token)]:
        for row in stale:
            await rows.replace(row, sealing.rotate(row.token))
            count += 1
    return count


async def _check_all_open(sealing: Sealing, rows: SealedRows) -> None:
    """Find out before anything is changed."""
    async for row in rows.all():
        sealing.rotate(row.token)
