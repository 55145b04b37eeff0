"""A secret string that no repr, log or message shows by accident."""

import attrs

from imagegen_core.errors import KeysLocked, ValidationFailed
from imagegen_core.limits import MAX_API_KEY_CHARS
from imagegen_core.problems import ProblemCode, RefusalCode

MASK = "****"
"""What is shown in the place of a secret."""

_MIN_MASKED_CHARS = 12
_MAX_CHARS = 8192
"""Longer than any header line that a server takes."""


@attrs.frozen(repr=False)
class Secret:
    """An API key or token. ``locked`` means that it exists and could not be opened."""

    _value: str
    locked: bool = False

    def reveal(self) -> str:
        """Return the plain text, for the one place that sends it.

        Raises:
            KeysLocked: the master key that opens it is missing or wrong.
        """
        if self.locked:
            raise KeysLocked(RefusalCode.KEYS_LOCKED())
        return self._value

    @property
    def masked(self) -> str:
        """``sk-****`` and the last four characters; ``****`` when it is shorter than 12."""
        return f"sk-****{self._value[-4:]}" if len(self._value) >= _MIN_MASKED_CHARS else "****"

    @classmethod
    def parse(cls, text: str, field: str = "api_key") -> "Secret":
        """Return the secret that a person typed: stripped; control and non-ASCII characters refused.

        Raises:
            ValidationFailed: naming ``field``, never the text.
        """
        stripped = text.strip()
        if not stripped:
            raise ValidationFailed.for_field(field, ProblemCode.EMPTY())
        if not (stripped.isascii() and stripped.isprintable()):
            raise ValidationFailed.for_field(field, ProblemCode.NOT_PRINTABLE_ASCII())
        if len(stripped) > MAX_API_KEY_CHARS:
            raise ValidationFailed.for_field(field, ProblemCode.TOO_LONG(maximum=MAX_API_KEY_CHARS))
        return cls(stripped)

    def __repr__(self) -> str:
        return "Secret('****')"


def is_masked(text: str) -> bool:
    """Return whether ``text`` is what `Secret.masked` shows, so "unchanged" when it is sent back."""
    return text == "****" or (text.startswith("sk-****") and len(text) == len("sk-****") + 4)
