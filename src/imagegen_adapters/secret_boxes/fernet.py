"""Seals secrets with master keys from the environment or from ``master.key`` in the data directory.

A token is Fernet around a small JSON document. Fernet does not support associated data, so a token moved to
another row would open there. The context is therefore part of the document, ``{"v": 1, "context": …,
"secret": …}``, and checked at each opening.

A key is opened at each use, many times in the life of a task, so the tokens that were opened last are kept,
sealed by a cipher that takes a fifteenth of the time.
"""

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imagegen_adapters.secret_boxes.master_key import (
    KEY_FILE,
    MasterKeyRefused,
    is_valid_key,
    make_key,
    parse_keys,
    read_keys,
    read_witness,
    sweep_temporary,
    write_witness,
)
from imagegen_adapters.secret_boxes.messages import KeyCode
from imagegen_core.errors import KeysLocked
from imagegen_core.messages import Message

_VERSION = 1
_MAX_CACHED_TOKENS = 256
_MAX_CACHED_TOKEN_CHARS = 8192
_WITNESS_CONTEXT = "master.check"
_WITNESS_TEXT = "these keys were sealed with this master key"


class WrongContext(KeysLocked):
    """The token is valid, but was sealed for another provider or origin."""


class FernetSecretBox:
    """A `SecretBox` that seals with the first of its master keys and opens tokens of any of them.

    Args:
        keys: the master keys; without any the box is locked.
        lock_reason: why nothing can be sealed or opened although there are keys, or None.

    Raises:
        ValueError: a key is invalid.
    """

    def __init__(self, keys: Sequence[str], *, lock_reason: Message | None = None) -> None:
        self._fernets = [Fernet(key) for key in keys] if lock_reason is None else []
        self._reason = lock_reason or (None if keys else KeyCode.MASTER_KEY_MISSING())
        self._memory_cipher = AESGCM(AESGCM.generate_key(128))
        self._in_memory = lru_cache(_MAX_CACHED_TOKENS)(self._sealed_in_memory)

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
        box = cls._checked(keys, [token for token in (witness, sample) if token is not None])
        if not box.locked and (witness is None or not box.is_current(witness)):
            write_witness(directory, box.new_witness())
        return box

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
        keys = _keys(directory, environment_keys)
        return cls._checked(keys, [*tokens, *([] if witness is None else [witness])])

    @classmethod
    def _checked(cls, keys: tuple[str, ...] | None, tokens: Sequence[str]) -> Self:
        """Return the box that opens all tokens; a locked one if there is none."""
        if keys is None:
            return cls(())
        if not keys or not all(is_valid_key(key) for key in keys):
            return cls((), lock_reason=KeyCode.MASTER_KEY_MALFORMED())
        box = cls(keys)
        if not all(box.opens(token) for token in tokens):
            return cls((), lock_reason=KeyCode.OTHER_MASTER_KEY())
        return box

    def seal(self, plaintext: str, *, context: str) -> str:
        document = json.dumps({"v": _VERSION, "context": context, "secret": plaintext})
        return self._unlocked()[0].encrypt(document.encode()).decode("ascii")

    def open(self, token: str, *, context: str) -> str:
        document = self._document(token)
        if document.get("v") != _VERSION or not isinstance(document.get("secret"), str):
            raise KeysLocked(KeyCode.UNKNOWN_KEY_FORM())
        if document.get("context") != context:
            raise WrongContext(KeyCode.OTHER_KEY_CONTEXT())
        secret: str = document["secret"]
        return secret

    def rotate(self, token: str) -> str:
        """Return the token sealed with the first key; unchanged if it already is.

        Raises:
            KeysLocked: the box is locked, or no key opens the token.
        """
        fernets = self._unlocked()
        if self.is_current(token):
            return token
        try:
            return MultiFernet(fernets).rotate(token).decode("ascii")
        except (InvalidToken, UnicodeError) as error:
            raise KeysLocked(KeyCode.WRONG_MASTER_KEY()) from error

    def is_current(self, token: str) -> bool:
        """Return whether the first key alone opens the token."""
        return _opens(self._fernets[:1], token)

    def opens(self, token: str) -> bool:
        """Return whether any of the keys opens the token."""
        return _opens(self._fernets, token)

    def new_witness(self) -> str:
        """Return a token for ``master.check``, which only serves to check that the master key opens it."""
        return self.seal(_WITNESS_TEXT, context=_WITNESS_CONTEXT)

    @property
    def locked(self) -> bool:
        return self._reason is not None

    @property
    def lock_reason(self) -> Message | None:
        """Why nothing can be sealed or opened, in a sentence without a key; None when it can."""
        return self._reason

    def _unlocked(self) -> list[Fernet]:
        if self._reason is not None:
            raise KeysLocked(KeyCode.SAVED_KEYS_LOCKED(reason=self._reason))
        return self._fernets

    def _document(self, token: str) -> dict[str, Any]:
        self._unlocked()
        try:
            document = json.loads(self._decrypted(token))
        except (InvalidToken, UnicodeError) as error:
            raise KeysLocked(KeyCode.WRONG_MASTER_KEY()) from error
        except ValueError as error:
            raise KeysLocked(KeyCode.UNKNOWN_KEY_FORM()) from error
        return document if isinstance(document, dict) else {}

    def _decrypted(self, token: str) -> bytes:
        """Return what a token holds: 50 µs for Fernet, 3 µs if it was opened before."""
        if len(token) > _MAX_CACHED_TOKEN_CHARS:
            return MultiFernet(self._fernets).decrypt(token)
        nonce, text = self._in_memory(token)
        return self._memory_cipher.decrypt(nonce, text, None)

    def _sealed_in_memory(self, token: str) -> tuple[bytes, bytes]:
        """Return what a token holds, sealed with a key that no other process has and no file."""
        nonce = os.urandom(12)
        return nonce, self._memory_cipher.encrypt(nonce, MultiFernet(self._fernets).decrypt(token), None)


def _opens(fernets: Sequence[Fernet], token: str) -> bool:
    for fernet in fernets:
        try:
            fernet.decrypt(token)
        except (InvalidToken, UnicodeError):
            continue
        return True
    return False


def _keys(directory: Path, environment_keys: str | None) -> tuple[str, ...] | None:
    """Return the keys from the environment or the file, which must be equal if there are both."""
    file_keys = read_keys(directory)
    variable_keys = parse_keys(environment_keys) if environment_keys else None
    if file_keys is not None and variable_keys is not None and file_keys != variable_keys:
        raise MasterKeyRefused(KeyCode.MASTER_KEYS_DIFFER(file=KEY_FILE))
    return file_keys if variable_keys is None else variable_keys
