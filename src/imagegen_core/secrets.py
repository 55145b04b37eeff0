"""Secrets: strings that no repr, log or message reveals by accident, and their removal from text.

A saved key stays sealed while its configuration is passed on. Only code that sends, seals or masks it opens
it. What is logged, stored or shown loses registered secrets, in every spelling that a library or a provider
may echo, even truncated; then all that looks like a secret. Still, truncate text after that, not before.
"""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import lru_cache, partial
from html import escape
from typing import Any, Self, TypeVar
from urllib.parse import quote, quote_plus

import attrs

from imagegen_core.errors import MAX_MESSAGE_CHARS, Failure, KeysLocked, ValidationFailed
from imagegen_core.limits import MAX_API_KEY_CHARS
from imagegen_core.messages import Message, ProblemCode, RefusalCode
from imagegen_core.values import map_texts

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
    """Return JSON for a secret, another value of ours, a read-only mapping, or a date read from YAML."""
    if isinstance(value, Secret):
        return value.reveal()
    if attrs.has(type(value)):
        return attrs.asdict(value)
    return dict(value) if isinstance(value, Mapping) else str(value)


_MIN_TRUNCATED_CHARS = 150
"""Nothing truncates a provider's message to less, so shorter texts are not searched for partial secrets."""
_MIN_FRAGMENT_CHARS = 6
"""A truncated text that ends with so many characters of a secret is taken to contain its beginning."""

_NAMED = (
    r"(?:api[_-]?key|access[_-]?key(?:[_-]?(?:id|secret))?|secret|token|passw(?:or)?d|pwd"
    r"|signature|sig|sign|credentials?|authorization|auth|cookie|key)"
)
"""Suffixes of the names of secrets. What precedes them is not matched, to save time."""

_PREFIXES = ("sk", "pk", "rk", "hf", "r8", "gsk", "xai", "fal", "key", "tok", "ghp", "github_pat")
"""Beginnings of providers' keys."""

_SECRET_FIELD = re.compile(rf"[a-z0-9_.-]*{_NAMED}", re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # Authorization: Bearer …, 'Authorization': b'Basic …', X-Api-Key: …, Set-Cookie: …
    (
        re.compile(
            r"(authorization|\bapi-key|\bx-[a-z-]{0,30}(?:key|token)|\b(?:set-)?cookie)"
            r"(['\"]?\s*[:=,]\s*)(b?['\"])?(?:[^\s'\",;]+ )?[^\s'\",;]+",
            re.IGNORECASE,
        ),
        rf"\1\2\3{MASK}",
    ),
    (
        re.compile(r"\b(Bearer|Basic)\s+(?=[A-Za-z]*[0-9_~+/=-]|[A-Za-z]{24})[\w.~+/=:-]{8,}", re.IGNORECASE),
        rf"\1 {MASK}",
    ),
    # {"api_key": "…"}, token=…, ?X-Amz-Signature=…
    (re.compile(rf"({_NAMED}['\"]?\s*[:=]\s*b?)(['\"])(?:(?!\2).)*\2", re.IGNORECASE), rf"\1\2{MASK}\2"),
    (re.compile(rf"({_NAMED}=)[^\s&#'\"<>;,)]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"\b(?:{'|'.join(_PREFIXES)})[-_][A-Za-z0-9_-]{{12,}}"), MASK),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{20,}"), MASK),
    (re.compile(r"\bya29\.[A-Za-z0-9._-]{10,}"), MASK),
    (re.compile(r"\b(?:LTAI|AKIA|ASIA)[A-Za-z0-9]{12,}"), MASK),
    # A JSON Web Token. Text that only begins like one is matched as a whole, so that it is not scanned again.
    (
        re.compile(r"\beyJ(?:[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*|[A-Za-z0-9_-]*+())"),
        lambda match: MASK if match[1] is None else match[0],
    ),
)
_USER_INFO = re.compile(r"://[^\s/?#'\"@]*(?:@[^\s/?#'\"@]*)*@")
_URL = re.compile(r"https?://[^\s'\"<>]*", re.IGNORECASE)

_MARKS = (
    *":=,",
    *("bearer", "basic", "aiza", "ya29.", "ltai", "akia", "asia", "eyj"),
    *(f"{prefix}{end}" for prefix in _PREFIXES for end in "-_"),
)
"""A case-folded text without any of these matches no pattern; most log fields have none."""

_PLAIN_FIELDS = frozenset({"key", "has_api_key"})
"""Log fields named like secrets that are none, such as a blob's key."""

_MAX_DEPTH = 8
_MAX_CACHED_CHARS = 128
_MAX_CACHED_TEXTS = 1024
"""Log lines repeat short texts (names of fields, events, paths), so their redacted forms are cached."""

_MAX_PERMANENT_SECRETS = 32
_MAX_RECENT_SECRETS = 256


class Redactor:
    """Masks registered secrets and everything that looks like a secret; thread-safe.

    The first 32, the service's own, stay for good. Of those that arrive with requests, the 256 most recently
    used stay, so that new keys neither exhaust memory nor slow logging.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._permanent: dict[str, frozenset[str]] = {}
        self._recent: dict[str, frozenset[str]] = {}
        self._rebuild()

    def register(self, secret: str) -> None:
        """Mask this secret from now on; idempotent. Texts of fewer than 4 characters are ignored."""
        with self._lock:
            if secret in self._permanent:
                return
            if (forms := self._recent.pop(secret, None)) is not None:
                self._recent[secret] = forms  # the most recent one now
                return
            has_room = len(self._permanent) < _MAX_PERMANENT_SECRETS
            (self._permanent if has_room else self._recent)[secret] = spellings(secret)
            while len(self._recent) > _MAX_RECENT_SECRETS:
                del self._recent[next(iter(self._recent))]
            self._rebuild()

    def forget(self, secret: str) -> None:
        with self._lock:
            self._permanent.pop(secret, None)
            self._recent.pop(secret, None)
            self._rebuild()

    def contains_secret(self, data: bytes) -> bool:
        """Return whether a registered secret is in the bytes in any spelling, or is cut off at their end."""
        forms = self._encoded_forms
        return any(form in data for form in forms) or any(_ends_with_start_of(data, form) for form in forms)

    def redact(self, text: str, *, limit: int | None = None) -> str:
        """Return the text without secrets and without URL queries, truncated to ``limit`` characters."""
        redacted = self._short(text) if len(text) <= _MAX_CACHED_CHARS else _redacted_text(text, self._forms)
        return redacted if limit is None else redacted[:limit]

    def redact_mapping(self, fields: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        """Return a copy without secrets at any depth; a field named like a secret is masked completely."""
        return {
            self.redact(str(name)): MASK
            if isinstance(value, (str, bytes)) and _is_named_secret(str(name))
            else self._value(value, depth)
            for name, value in fields.items()
        }

    def redact_event(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Return a log event without secrets and line breaks, as JSON; a structlog processor.

        Place it right before the renderer, after `format_exc_info`: a traceback object cannot be redacted.
        """
        return {name: on_one_line(value) for name, value in self.redact_mapping(event).items()}

    def _rebuild(self) -> None:
        forms = frozenset().union(*self._permanent.values(), *self._recent.values())
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._encoded_forms = tuple(form.encode("utf-8", "surrogatepass") for form in self._forms)
        self._short = lru_cache(_MAX_CACHED_TEXTS)(partial(_redacted_text, forms=self._forms))

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if value is None or isinstance(value, (int, float)):
            return value
        if depth < _MAX_DEPTH and isinstance(value, Mapping):
            return self.redact_mapping(value, depth + 1)
        if depth < _MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, depth + 1) for item in value]
        return self.redact(repr(value))


def _redacted_text(text: str, forms: tuple[str, ...]) -> str:
    may_be_truncated = len(text) >= _MIN_TRUNCATED_CHARS
    for form in forms:
        text = text.replace(form, MASK)
    if may_be_truncated:
        text = _without_truncated_secret(text, forms)
    folded = text.casefold()
    if not any(map(folded.__contains__, _MARKS)):
        return text
    text = _USER_INFO.sub(f"://{MASK}@", _URL.sub(_without_query, text))
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _without_truncated_secret(text: str, forms: tuple[str, ...]) -> str:
    """Mask the beginning of a secret at the end of the text."""
    whole = text.rstrip("…")
    for form in forms:
        index = whole.rfind(form[:_MIN_FRAGMENT_CHARS])
        if index >= 0 and form.startswith(whole[index:]):
            return whole[:index] + MASK
    return text


def _ends_with_start_of(data: bytes, form: bytes) -> bool:
    index = data.rfind(form[:_MIN_FRAGMENT_CHARS], max(0, len(data) - len(form)))
    return index >= 0 and form.startswith(data[index:])


@lru_cache(256)
def _is_named_secret(field: str) -> bool:
    return field not in _PLAIN_FIELDS and _SECRET_FIELD.fullmatch(field) is not None


def _without_query(url: re.Match[str]) -> str:
    address, question_mark, _ = url[0].partition("?")
    return f"{address}?{MASK}" if question_mark else address


# ---------------------------------------------------------------- how a secret may be spelled

_MIN_SECRET_CHARS = 4  # masking shorter texts would make text unreadable
_URL_SAFE = str.maketrans("+/", "-_")


def spellings(secret: str) -> frozenset[str]:
    """Return the forms of a secret that may occur in text; none if it is too short."""
    if len(secret) < _MIN_SECRET_CHARS:
        return frozenset()
    data = secret.encode("utf-8", "surrogatepass")
    forms = {secret, data.hex(), data.hex().upper(), escape(secret), repr(secret)[1:-1], ascii(secret)[1:-1]}
    percents = "".join(f"%{byte:02X}" for byte in data)
    for form in (quote(data, safe=""), quote(data), quote_plus(data), percents):  # also encoded twice
        forms |= {form, re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form), quote(form)}
    for form in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):  # also inside JSON
        forms |= {form, form.replace("/", "\\/"), json.dumps(form)[1:-1]}
    forms.update(_base64_forms(data))
    _, colon, password = secret.partition(":")
    if colon and len(password) > _MIN_SECRET_CHARS:
        forms |= spellings(password)
    return frozenset(form for form in forms if len(form) >= _MIN_SECRET_CHARS)


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield the parts of a Base64 text that depend only on the secret, at each possible alignment."""
    for skipped in range(3):
        encoded = base64.b64encode(b"\0" * skipped + data).decode("ascii")
        first, last = (0, 2, 3)[skipped], (skipped + len(data)) * 8 // 6
        yield encoded[first:last]
        yield encoded[first:last].translate(_URL_SAFE)
    for encoded in (base64.b64encode(data).decode("ascii"), base64.urlsafe_b64encode(data).decode("ascii")):
        yield encoded
        yield encoded.rstrip("=")


def without(text: str, secret: str) -> str:
    for form in sorted(spellings(secret), key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


# ---------------------------------------------------------------- log events

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def on_one_line(value: Any) -> Any:
    """Escape line breaks, control characters and bidi marks in all text of the value."""
    return _escaped(value) if isinstance(value, str) else map_texts(value, _escaped)


def _escaped(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


# ---------------------------------------------------------------- JSON and messages of providers

_MAX_TEXT_CHARS = 10_000  # most text redacted on the event loop, in a few milliseconds
_FLOAT_BYTES = 20


async def redacted(value: Any, redactor: Redactor) -> Any:
    if json_size(value, _MAX_TEXT_CHARS) <= _MAX_TEXT_CHARS:
        return map_texts(value, redactor.redact)
    # Redacting a few megabytes of text takes a second, so it is done off the event loop.
    return await asyncio.to_thread(map_texts, value, redactor.redact)


def redacted_message(message: Message, redactor: Redactor) -> Message:
    """Redact the message's arguments, and cut each to `MAX_MESSAGE_CHARS`."""
    return message.map_text(lambda text: redactor.redact(text, limit=MAX_MESSAGE_CHARS))


def redacted_failure(failure: Failure, redactor: Redactor) -> Failure:
    """Redact what a failure says in the provider's words."""
    code = failure.upstream_code
    return attrs.evolve(
        failure,
        reason=redacted_message(failure.reason, redactor),
        upstream_code=None if code is None else redactor.redact(code, limit=100),
    )


def json_size(value: Any, limit: int) -> int:
    """Return roughly the bytes of JSON as text; counting stops above ``limit``."""
    size, values = 0, [value]
    while values and size <= limit:
        item = values.pop()
        size += 1 + (len(item) if isinstance(item, str | Mapping | list | tuple) else 0)
        if size > limit:
            break
        if isinstance(item, str):
            size += len(item.encode("utf-8", "replace")) - len(item)
        elif isinstance(item, Mapping):
            values += (*item.keys(), *item.values())
        elif isinstance(item, list | tuple):
            values += item
        elif isinstance(item, int):
            size += item.bit_length() // 3
        elif isinstance(item, float):
            size += _FLOAT_BYTES
    return size
