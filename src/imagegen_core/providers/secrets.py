"""A secret string that no repr, log or message shows by accident."""

import attrs

from imagegen_core.errors import KeysLocked, ValidationFailed
from imagegen_core.limits import MAX_API_KEY_CHARS

MASK = "****"
"""What is shown in the place of a secret."""

_MIN_MASKED_CHARS = 12


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
            raise KeysLocked("saved keys are locked: the master key is missing or wrong")
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
            raise ValidationFailed.of(field, "must not be empty")
        if not (stripped.isascii() and stripped.isprintable()):
            raise ValidationFailed.of(field, "must be printable ASCII without line breaks")
        if len(stripped) > MAX_API_KEY_CHARS:
            raise ValidationFailed.of(field, f"must be at most {MAX_API_KEY_CHARS} characters")
        return cls(stripped)

    def __repr__(self) -> str:
        return "Secret('****')"


def is_masked(text: str) -> bool:
    """Return whether ``text`` is what `Secret.masked` shows, so "unchanged" when it is sent back."""
    return text == "****" or (text.startswith("sk-****") and len(text) == len("sk-****") + 4)
