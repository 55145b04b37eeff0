"""Encrypts secrets at rest."""

from typing import Protocol


class SecretBox(Protocol):
    """Authenticated encryption under a master key. A token opens only in the context it was sealed for.

    A token that a box has opened once opens for as long as the box lives: a key is opened at each use, in the
    middle of a paid call, too.
    """

    def seal(self, plaintext: str, *, context: str) -> str:
        """Return a printable token.

        Raises:
            KeysLocked: the master key is missing or wrong.
        """
        ...

    def open(self, token: str, *, context: str) -> str:
        """Return the plain text.

        Raises:
            KeysLocked: the master key is missing or wrong, or the token was sealed for another context.
        """
        ...

    @property
    def locked(self) -> bool:
        """Whether it can neither seal nor open, because the master key is missing or wrong."""
        ...
