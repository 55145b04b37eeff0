"""Takes secrets out of text that came from outside."""

from typing import Protocol


class Redactor(Protocol):
    """Knows the secrets in use, in every spelling that a provider may echo."""

    def register(self, secret: str) -> None:
        """Mask this secret from now on; knowing it already is fine. Fewer than 4 characters are no secret."""
        ...

    def redact(self, text: str, *, limit: int | None = None) -> str:
        """Return the text without secrets, then cut to ``limit`` characters."""
        ...
