"""A secret string that no repr, log or message reveals by accident.

A saved key stays sealed while its configuration is passed on. Only code that sends, seals or masks it opens
it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import attrs

from imagegen_core.errors import KeysLocked, ValidationFailed
from imagegen_core.limits import MAX_API_KEY_CHARS
from imagegen_core.messages import ProblemCode, RefusalCode

MASK = "****"
_MIN_MASKED_CHARS = 12
_PREFIX = "sk-"
T = TypeVar("T")


@attrs.frozen(repr=False, eq=False)
class Secret:
    """An API key or token, as text or as a function that opens it at each use.

    It is ``locked`` if it exists but could not be decrypted.
    """

    _value: str | Callable[[], str]
    locked: bool = False

    @classmethod
    def sealed(cls, open_text: Callable[[], str]) -> Self:
        """Return a secret that stays sealed until it is used; locked if ``open_text`` raises `KeysLocked`."""
        try:
            open_text()
        except KeysLocked:
            return cls("", locked=True)
        return cls(open_text)

    def reveal(self) -> str:
        """Return the plain text, for code that sends it; `KeysLocked` without the right master key."""
        if self.locked:
            raise KeysLocked(RefusalCode.KEYS_LOCKED())
        return self._value if isinstance(self._value, str) else self._value()

    def give_to(self, receive: Callable[[str], T]) -> T:
        """Return ``receive``'s result for the plain text, which the caller never sees."""
        return receive(self.reveal())

    @property
    def masked(self) -> str:
        """``****`` and the last four characters, with a leading ``sk-``; of fewer than 12, none."""
        text = "" if self.locked else self.reveal()
        if len(text) < _MIN_MASKED_CHARS:
            return MASK
        return f"{_PREFIX if text.startswith(_PREFIX) else ''}{MASK}{text[-4:]}"

    @classmethod
    def parse_unmasked(cls, text: str | None, field: str = "api_key") -> Self | None:
        """Parse the text; None if there is none, or a masked one, which means "unchanged"."""
        return None if text is None or is_masked(text.strip()) else cls.parse(text, field)

    @classmethod
    def parse(cls, text: str, field: str = "api_key") -> Self:
        """Return the secret that a person typed, stripped; only printable ASCII is accepted."""
        secret = cls(text.strip())
        secret.check(field)
        return secret

    def check(self, field: str = "api_key") -> None:
        """Refuse what no header can carry; a locked secret passes."""
        if self.locked:
            return
        text = self.reveal()
        if not text:
            raise ValidationFailed.for_field(field, ProblemCode.EMPTY())
        if not (text.isascii() and text.isprintable()):
            raise ValidationFailed.for_field(field, ProblemCode.NOT_PRINTABLE_ASCII())
        if len(text) > MAX_API_KEY_CHARS:
            raise ValidationFailed.for_field(field, ProblemCode.TOO_LONG(maximum=MAX_API_KEY_CHARS))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self.locked == other.locked and (self.locked or self.reveal() == other.reveal())

    def __hash__(self) -> int:
        return hash(self.locked or self.reveal())

    def __repr__(self) -> str:
        return "Secret('****')"


def is_masked(text: str) -> bool:
    """Return whether ``text`` looks like `Secret.masked`: "unchanged" when a client sends it back."""
    rest = text.removeprefix(_PREFIX)
    return text == MASK or (rest.startswith(MASK) and len(rest) == len(MASK) + 4)


def seal_fields(fields: Mapping[str, Any], seal: Callable[[str], str]) -> str:
    """Seal the fields as JSON, in which secrets are plain text."""
    return seal(json.dumps(fields, default=_json_value))


def open_fields(open_text: Callable[[], str]) -> dict[str, Any]:
    """Return the fields that `seal_fields` sealed; their ``api_key`` stays sealed."""
    fields: dict[str, Any] = json.loads(open_text())
    if fields["api_key"] is not None:
        fields["api_key"] = Secret(lambda: str(json.loads(open_text())["api_key"]))
    return fields


def _json_value(value: Any) -> Any:
    """Return JSON for a secret, a read-only mapping, or a date read from YAML."""
    if isinstance(value, Secret):
        return value.reveal()
    return dict(value) if isinstance(value, Mapping) else str(value)
