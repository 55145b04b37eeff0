"""Seals with a key that exists only in memory, for tests and library users who need no persistence."""

from imagegen_adapters.secret_boxes.fernet import FernetSecretBox
from imagegen_adapters.secret_boxes.master_key import new_key


class MemorySecretBox:
    """A `SecretBox` with a new key; while ``locked``, it raises as if the master key were missing."""

    def __init__(self, *, locked: bool = False) -> None:
        self.locked = locked
        self._box = FernetSecretBox([new_key()])

    def seal(self, plaintext: str, *, context: str) -> str:
        return self._unlocked().seal(plaintext, context=context)

    def open(self, token: str, *, context: str) -> str:
        return self._unlocked().open(token, context=context)

    def _unlocked(self) -> FernetSecretBox:
        return FernetSecretBox([]) if self.locked else self._box
