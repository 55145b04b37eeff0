"""Removes secrets from text before it is logged, stored or shown. Pure.

First it masks the registered secrets, in every spelling that a library or a provider may echo, even if a
long text was truncated in the middle of one; then everything that looks like a secret. Even so, truncate text
after redacting it, not before.
"""

import re
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from imagegen_adapters.redactors.spellings import MASK, spellings

_MIN_TRUNCATED_CHARS = 150
"""Nothing truncates a provider's message to less, so shorter texts are not searched for partial secrets."""

_MIN_FRAGMENT_CHARS = 6
"""A truncated text that ends with this many characters of a secret is taken to contain its beginning."""

_NAMED = (
    r"(?:api[_-]?key|access[_-]?key(?:[_-]?(?:id|secret))?|secret|token|passw(?:or)?d|pwd"
    r"|signature|sig|sign|credentials?|authorization|auth|cookie|key)"
)
"""The suffixes of the names of secrets. What precedes them is not matched, to save time."""

_PREFIXES = ("sk", "pk", "rk", "hf", "r8", "gsk", "xai", "fal", "key", "tok", "ghp", "github_pat")
"""By which providers make their keys recognisable."""

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
"""A case-folded text that has none of these has nothing that a pattern matches; most log fields have none."""

_PLAIN_FIELDS = frozenset({"key", "has_api_key"})
"""Log fields named like secrets that are not secret, such as a blob's key."""

_TEXTS = (str, bytes)
_NUMBERS = (int, float)  # so are booleans
_MAX_DEPTH = 8
_MAX_CACHED_CHARS = 128
_MAX_CACHED_TEXTS = 1024
"""Log lines repeat short texts (names of fields, events, paths), so their redacted forms are cached."""

_MAX_PERMANENT_SECRETS = 32
_MAX_RECENT_SECRETS = 256


class PatternRedactor:
    """Masks registered secrets and everything that looks like a secret; thread-safe.

    The first 32 secrets, which are the service's own, are kept permanently. Of those that arrive with
    requests, the 256 most recently used are kept, so that new keys neither exhaust memory nor slow logging.
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
            forms = self._recent.pop(secret, None)
            is_new = forms is None
            has_room = len(self._permanent) < _MAX_PERMANENT_SECRETS
            secrets = self._permanent if is_new and has_room else self._recent
            secrets[secret] = spellings(secret) if forms is None else forms
            if is_new:
                self._drop_oldest()
                self._rebuild()

    def forget(self, secret: str) -> None:
        """Stop masking this secret; unknown secrets are ignored."""
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
        redacted = self._short(text) if len(text) <= _MAX_CACHED_CHARS else _redacted(text, self._forms)
        return redacted if limit is None else redacted[:limit]

    def redact_mapping(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy without secrets at any depth; a field named like a secret is masked completely."""
        return {self.redact(str(name)): self._field(str(name), value, 0) for name, value in fields.items()}

    def _drop_oldest(self) -> None:
        while len(self._recent) > _MAX_RECENT_SECRETS:
            del self._recent[next(iter(self._recent))]

    def _rebuild(self) -> None:
        forms = frozenset().union(*self._permanent.values(), *self._recent.values())
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._encoded_forms = tuple(form.encode("utf-8", "surrogatepass") for form in self._forms)
        self._short = lru_cache(_MAX_CACHED_TEXTS)(partial(_redacted, forms=self._forms))

    def _field(self, name: str, value: Any, depth: int) -> Any:
        if isinstance(value, _TEXTS) and _is_named_secret(name):
            return MASK
        return self._value(value, depth)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if value is None or isinstance(value, _NUMBERS):
            return value
        if depth < _MAX_DEPTH and isinstance(value, Mapping):
            return {self.redact(str(k)): self._field(str(k), v, depth + 1) for k, v in value.items()}
        if depth < _MAX_DEPTH and isinstance(value, list | tuple | set | frozenset):
            return [self._value(item, depth + 1) for item in value]
        return self.redact(repr(value))


def _redacted(text: str, forms: tuple[str, ...]) -> str:
    may_be_truncated = len(text) >= _MIN_TRUNCATED_CHARS
    for form in forms:
        if form in text:
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
    """Return the text with the beginning of a secret at its end masked."""
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
