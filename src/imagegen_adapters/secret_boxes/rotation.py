"""Rotates the master key. May be killed and restarted at any point without making a secret unreadable.

The new key is written in front of the old one in ``master.key``, so that both open tokens. Then each token is
sealed again. Only when the new key alone opens all of them, the old one is removed.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import attrs

from imagegen_adapters.secret_boxes.fernet import FernetSecretBox
from imagegen_adapters.secret_boxes.master_key import (
    MasterKeyRefused,
    is_valid_key,
    new_key,
    read_keys,
    replace_keys,
    write_witness,
)
from imagegen_adapters.secret_boxes.messages import KeyCode


@attrs.frozen(kw_only=True)
class SealedRow:
    """A sealed token, and where it is stored, in a form that only the store interprets."""

    place: str
    token: str = attrs.field(repr=False)


class SealedRows(Protocol):
    """All stored sealed tokens."""

    def all(self) -> AsyncIterator[SealedRow]:
        """Yield all tokens; rows may be replaced meanwhile."""
        ...

    async def replace(self, row: SealedRow, token: str) -> None:
        """Durably replace the row's token, unless it has changed in the meantime."""
        ...


async def rotate_master_key(directory: Path, rows: SealedRows) -> int:
    """Give the data directory a new master key and return the number of tokens sealed again.

    Nothing may be sealed concurrently: the caller must hold the lock of the data directory. An interrupted
    rotation is completed with the key that it had generated.

    Raises:
        MasterKeyRefused: there is no usable ``master.key``. Keys from the environment are rotated by listing
            the new one first, ``IMAGEGEN_MASTER_KEY=new,old``, and calling `reseal`.
        KeysLocked: no key opens one of the tokens; all keys are kept.
    """
    keys = read_keys(directory)
    if not keys or not all(is_valid_key(key) for key in keys):
        raise MasterKeyRefused(KeyCode.NO_USABLE_MASTER_KEY())
    if len(keys) == 1:
        keys = (new_key(), *keys)
        await _check_all_open(FernetSecretBox(keys), rows)
        replace_keys(directory, keys)
    box = FernetSecretBox(keys)
    count = await reseal(box, rows)
    write_witness(directory, box.new_witness())
    replace_keys(directory, keys[:1])
    return count


async def reseal(box: FernetSecretBox, rows: SealedRows) -> int:
    """Seal every token with the first key and return how many were not sealed with it before.

    When this returns, the first key alone opens all tokens.

    Raises:
        KeysLocked: no key opens one of the tokens.
    """
    count = 0
    while stale := [row async for row in rows.all() if not box.is_current(row.token)]:
        for row in stale:
            await rows.replace(row, box.rotate(row.token))
            count += 1
    return count


async def _check_all_open(box: FernetSecretBox, rows: SealedRows) -> None:
    """Raise before anything is changed if a token cannot be opened."""
    async for row in rows.all():
        box.rotate(row.token)
