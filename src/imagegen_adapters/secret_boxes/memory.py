"""Seals with a key that dies with the process: for tests, and for a library user who stores nothing."""

from imagegen_adapters.secret_boxes.messages import KeyCode
from imagegen_adapters.secret_boxes.sealing import Sealing, new_key
from imagegen_core.errors import KeysLocked


class MemorySecretBox:
    """A `SecretBox` under a fresh key. While ``locked`` it refuses everything, as with a lost master key."""

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
