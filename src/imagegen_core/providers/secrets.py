"""A secret string that no repr, log or message reveals by accident."""

import attrs

from imagegen_core.errors import KeysLocked, ValidationFailed
from imagegen_core.limits import MAX_API_KEY_CHARS
from imagegen_core.problems import ProblemCode, RefusalCode

MASK = "****"
"""Shown in place of a secret."""

_MIN_MASKED_CHARS = 12
_MAX_CHARS = 8192
"""Longer than any header line that a server takes."""


@attrs.frozen(repr=False)
class Secret:
    """An API key or token; ``locked`` if it exists but could not be decrypted."""

    _value: str
    locked: bool = False

    def reveal(self) -> str:
        """Return the plain text, for the code that sends it.

        Raises:
            KeysLocked: the master key that decrypts it is missing or wrong.
        """
        if self.locked:
            raise KeysLocked(RefusalCode.KEYS_LOCKED())
        return self._value

    @property
    def masked(self) -> str:
        """``sk-****`` and the last four characters; ``****`` if it has fewer than 12."""
        return f"sk-****{self._value[-4:]}" if len(self._value) >= _MIN_MASKED_CHARS else "****"

    @classmethod
    def parse(cls, text: str, field: str = "api_key") -> "Secret":
        """Return the secret of a text that a person typed, stripped; only printable ASCII is accepted.

        Raises:
            ValidationFailed: naming ``field``, never the text.
        """
        secret = cls(text.strip())
        secret.check(field)
        return secret

    def check(self, field: str = "api_key") -> None:
        """Refuse what no header can carry; a locked secret is not looked at.

        Raises:
            ValidationFailed: naming ``field``, never the text.
        """
        if self.locked:
            return
        if not self._value:
            raise ValidationFailed.for_field(field, ProblemCode.EMPTY())
        if not (self._value.isascii() and self._value.isprintable()):
            raise ValidationFailed.for_field(field, ProblemCode.NOT_PRINTABLE_ASCII())
        if len(self._value) > MAX_API_KEY_CHARS:
            raise ValidationFailed.for_field(field, ProblemCode.TOO_LONG(maximum=MAX_API_KEY_CHARS))

    def __repr__(self) -> str:
        return "Secret('****')"


def is_masked(text: str) -> bool:
    """Return whether ``text`` looks like `Secret.masked`: "unchanged" when a client sends it back."""
    return text == "****" or (text.startswith("sk-****") and len(text) == len("sk-****") + 4)
