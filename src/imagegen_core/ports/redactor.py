"""Removes secrets from text that came from outside."""

from typing import Protocol


class Redactor(Protocol):
    """Knows the secrets in use, in every encoding in which a provider may echo them."""

    def register(self, secret: str) -> None:
        """Mask this secret from now on, unless it has fewer than 4 characters; repeating it is no error."""
        ...

    def contains_secret(self, data: bytes) -> bool:
        """Return whether there is a registered secret in the bytes, be it cut off at their end."""
        ...

    def redact(self, text: str, *, limit: int | None = None) -> str:
        """Return the text with secrets masked, then truncated to ``limit`` characters."""
        ...
