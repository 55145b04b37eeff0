"""Seals secrets under a master key from the environment or from ``master.key`` in the data directory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from imagegen_adapters.secret_boxes.master_key import (
    KEY_FILE,
    MasterKeyRefused,
    make_key,
    parse_keys,
    read_keys,
    read_witness,
    sweep_temporary,
    write_witness,
)
from imagegen_adapters.secret_boxes.messages import KeyCode
from imagegen_adapters.secret_boxes.sealing import Sealing, is_valid_key
from imagegen_core.errors import KeysLocked
from imagegen_core.messages import Message

_WITNESS_CONTEXT = "master.check"


class FernetSecretBox:
    """The `SecretBox` of a data directory.

    Args:
        sealing: the keys; None when there are none that could be used.
        lock_reason: why nothing is sealed or opened now, or None.
    """

    def __init__(self, sealing: Sealing | None, *, lock_reason: Message | None = None) -> None:
        self._sealing = sealing
        self._reason = lock_reason or (None if sealing else KeyCode.MASTER_KEY_MISSING())

    @classmethod
    def for_directory(cls, directory: Path, *, given: str | None, sample: str | None) -> Self:
        """Return the box of a data directory, which must exist.

        At the very first start ``master.key`` is made. Later, a key that is missing or wrong locks the
        box: nothing is opened, nothing is sealed, no file is changed.

        Args:
            directory: holds ``master.key`` and ``master.check``, both of mode 0600.
            given: keys from the environment, parted by commas, instead of the file; the first one seals.
            sample: any token in the database, or None when none is stored there.

        Raises:
            MasterKeyRefused: others may read ``master.key``, or it is there beside other keys in the
                environment.
        """
        sweep_temporary(directory)
        keys = _keys(directory, given)
        witness = read_witness(directory)
        if keys is None and witness is None and sample is None:
            keys = make_key(directory)
        sealing, reason = _checked_sealing(keys, [token for token in (witness, sample) if token is not None])
        if sealing is not None and (witness is None or not sealing.is_current(witness)):
            write_witness(directory, new_witness(sealing))
        return cls(sealing, lock_reason=reason)

    @classmethod
    def for_inspection(cls, directory: Path, *, given: str | None, tokens: Sequence[str]) -> Self:
        """Return the box of a data directory and change no file of it.

        Args:
            directory: as for `for_directory`.
            given: the same.
            tokens: all that are in the database; each must open.

        Raises:
            MasterKeyRefused: as for `for_directory`.
        """
        witness = read_witness(directory)
        sealing, reason = _checked_sealing(
            _keys(directory, given), [*tokens, *([] if witness is None else [witness])]
        )
        return cls(sealing, lock_reason=reason)

    def seal(self, plaintext: str, *, context: str) -> str:
        return self._unlocked().seal(plaintext, context=context)

    def open(self, token: str, *, context: str) -> str:
        return self._unlocked().open(token, context=context)

    def rotate(self, token: str) -> str:
        """Return the token sealed under the first key; the same one when it is already.

        Raises:
            KeysLocked: the box is locked, or no key opens the token.
        """
        return self._unlocked().rotate(token)

    @property
    def locked(self) -> bool:
        return self._reason is not None

    @property
    def lock_reason(self) -> Message | None:
        """Why nothing can be sealed or opened, in a sentence without a key; None when it can."""
        return self._reason

    def _unlocked(self) -> Sealing:
        if self._sealing is None or self._reason is not None:
            raise KeysLocked(KeyCode.SAVED_KEYS_LOCKED(reason=self._reason or KeyCode.MASTER_KEY_MISSING()))
        return self._sealing


def new_witness(sealing: Sealing) -> str:
    """Return what ``master.check`` holds: any token will do, since it only has to open."""
    return sealing.seal("these keys were sealed with this master key", context=_WITNESS_CONTEXT)


def _checked_sealing(
    keys: tuple[str, ...] | None, tokens: Sequence[str]
) -> tuple[Sealing | None, Message | None]:
    """Return what opens all tokens, or why there is nothing that does."""
    if keys is None:
        return None, KeyCode.MASTER_KEY_MISSING()
    if not keys or not all(is_valid_key(key) for key in keys):
        return None, KeyCode.MASTER_KEY_MALFORMED()
    sealing = Sealing(keys)
    if not all(sealing.opens(token) for token in tokens):
        return None, KeyCode.OTHER_MASTER_KEY()
    return sealing, None


def _keys(directory: Path, given: str | None) -> tuple[str, ...] | None:
    """Return the keys of the environment or of the file, which must agree where there are both."""
    in_file = read_keys(directory)
    from_environment = parse_keys(given) if given else None
    if in_file is not None and from_environment is not None and in_file != from_environment:
        raise MasterKeyRefused(
            f"the master key in the environment is not the one in {KEY_FILE}: "
            "remove the one that is wrong; neither was changed"
        )
    return in_file if from_environment is None else from_environment
