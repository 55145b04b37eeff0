"""Seals secrets with a master key from the environment or from ``master.key`` in the data directory."""

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
        sealing: the keys; None if there are no usable ones.
        lock_reason: why nothing can be sealed or opened, or None.
    """

    def __init__(self, sealing: Sealing | None, *, lock_reason: Message | None = None) -> None:
        self._sealing = sealing
        self._reason = lock_reason or (None if sealing else KeyCode.MASTER_KEY_MISSING())

    @classmethod
    def for_directory(cls, directory: Path, *, environment_keys: str | None, sample: str | None) -> Self:
        """Return the box of a data directory, which must exist.

        On the very first start, ``master.key`` is created. Later, a missing or wrong key locks the box:
        nothing is opened or sealed, and no file is changed.

        Args:
            directory: holds ``master.key`` and ``master.check``, both of mode 0600.
            environment_keys: keys from the environment, separated by commas, used instead of the file; the
                first one seals.
            sample: any token stored in the database, or None if there is none.

        Raises:
            MasterKeyRefused: ``master.key`` is readable by others, or it exists and differs from the keys in
                the environment.
        """
        sweep_temporary(directory)
        keys = _keys(directory, environment_keys)
        witness = read_witness(directory)
        if keys is None and witness is None and sample is None:
            keys = make_key(directory)
        sealing, reason = _checked_sealing(keys, [token for token in (witness, sample) if token is not None])
        if sealing is not None and (witness is None or not sealing.is_current(witness)):
            write_witness(directory, new_witness(sealing))
        return cls(sealing, lock_reason=reason)

    @classmethod
    def for_inspection(cls, directory: Path, *, environment_keys: str | None, tokens: Sequence[str]) -> Self:
        """Return the box of a data directory without changing any file in it.

        Args:
            directory: as for `for_directory`.
            environment_keys: as for `for_directory`.
            tokens: all tokens in the database; each must open.

        Raises:
            MasterKeyRefused: as for `for_directory`.
        """
        witness = read_witness(directory)
        sealing, reason = _checked_sealing(
            _keys(directory, environment_keys), [*tokens, *([] if witness is None else [witness])]
        )
        return cls(sealing, lock_reason=reason)

    def seal(self, plaintext: str, *, context: str) -> str:
        return self._unlocked().seal(plaintext, context=context)

    def open(self, token: str, *, context: str) -> str:
        return self._unlocked().open(token, context=context)

    def rotate(self, token: str) -> str:
        """Return the token sealed with the first key; unchanged if it already is.

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
    """Return a token for ``master.check``, which only serves to check that the master key opens it."""
    return sealing.seal("these keys were sealed with this master key", context=_WITNESS_CONTEXT)


def _checked_sealing(
    keys: tuple[str, ...] | None, tokens: Sequence[str]
) -> tuple[Sealing | None, Message | None]:
    """Return the sealing that opens all tokens, or the reason why there is none."""
    if keys is None:
        return None, KeyCode.MASTER_KEY_MISSING()
    if not keys or not all(is_valid_key(key) for key in keys):
        return None, KeyCode.MASTER_KEY_MALFORMED()
    sealing = Sealing(keys)
    if not all(sealing.opens(token) for token in tokens):
        return None, KeyCode.OTHER_MASTER_KEY()
    return sealing, None


def _keys(directory: Path, environment_keys: str | None) -> tuple[str, ...] | None:
    """Return the keys from the environment or the file, which must be equal if there are both."""
    file_keys = read_keys(directory)
    variable_keys = parse_keys(environment_keys) if environment_keys else None
    if file_keys is not None and variable_keys is not None and file_keys != variable_keys:
        raise MasterKeyRefused(KeyCode.MASTER_KEYS_DIFFER(file=KEY_FILE))
    return file_keys if variable_keys is None else variable_keys
