"""Seals with a key that exists only in memory, for tests and library users who need no persistence."""

from imagegen_adapters.secret_boxes.messages import KeyCode
from imagegen_adapters.secret_boxes.sealing import Sealing, new_key
from imagegen_core.errors import KeysLocked


class MemorySecretBox:
    """A `SecretBox` with a new key; while ``locked``, it raises as if the master key were missing."""

    def __init__(self, *, locked: bool = False) -> None:
        self.locked = locked
        self._sealing = Sealing((new_key(),))

    def seal(self, plaintext: str, *, context: str) -> str:
        return self._unlocked().seal(plaintext, context=context)

    def open(self, token: str, *, context: str) -> str:
        return self._unlocked().open(token, context=context)

    def _unlocked(self) -> Sealing:
        if self.locked:
            raise KeysLocked(KeyCode.SAVED_KEYS_LOCKED(reason=KeyCode.MASTER_KEY_MISSING()))
        return self._sealing
