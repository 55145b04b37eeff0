"""Seals with a key that dies with the process: for tests, and for a library user who stores nothing."""

from imagegen_adapters.secret_boxes.sealing import Sealing, new_key
from imagegen_core.errors import KeysLocked


class MemorySecretBox:
    """A `SecretBox` under a fresh key. With ``locked`` it refuses everything, as with a lost master key."""

    def __init__(self, *, locked: bool = False) -> None:
        self._sealing = Sealing((new_key(),))
        self._locked = locked

    def seal(self, plaintext: str, *, context: str) -> str:
        return self._unlocked().seal(plaintext, context=context)

    def open(self, token: str, *, context: str) -> str:
        return self._unlocked().open(token, context=context)

    @property
    def locked(self) -> bool:
        return self._locked

    def _unlocked(self) -> Sealing:
        if self._locked:
            raise KeysLocked("saved keys are locked: the master key is missing")
        return self._sealing
