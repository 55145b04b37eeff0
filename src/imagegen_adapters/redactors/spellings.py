"""The encodings in which a library or a provider may echo a secret. Pure."""

import base64
import json
import re
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, quote_plus

MASK = "****"

_MIN_SECRET_CHARS = 4
"""Shorter texts do not count as secrets: masking them would make text unreadable."""

_URL_SAFE = str.maketrans("+/", "-_")


def spellings(secret: str) -> frozenset[str]:
    """Return the forms in which a secret may occur in text; none if it is too short to be a secret."""
    if len(secret) < _MIN_SECRET_CHARS:
        return frozenset()
    data = secret.encode("utf-8", "surrogatepass")
    forms = {secret, data.hex(), data.hex().upper(), escape(secret), repr(secret)[1:-1], ascii(secret)[1:-1]}
    forms |= set(_url_forms(data)) | set(_json_forms(secret)) | set(_base64_forms(data))
    _, colon, password = secret.partition(":")
    if colon and len(password) > _MIN_SECRET_CHARS:
        forms |= spellings(password)
    return frozenset(form for form in forms if len(form) >= _MIN_SECRET_CHARS)


def _url_forms(data: bytes) -> Iterator[str]:
    for form in (
        quote(data, safe=""),
        quote(data),
        quote_plus(data),
        "".join(f"%{byte:02X}" for byte in data),
    ):
        yield form
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form)
        yield quote(form)  # encoded twice


def _json_forms(secret: str) -> Iterator[str]:
    for form in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield form
        yield form.replace("/", "\\/")
        yield json.dumps(form)[1:-1]  # JSON inside JSON


def _base64_forms(data: bytes) -> Iterator[str]:
    """Yield the parts of a Base64 text that depend only on the secret, at each of its possible alignments."""
    for skipped in range(3):
        encoded = base64.b64encode(b"\0" * skipped + data).decode("ascii")
        first = (0, 2, 3)[skipped]
        last = (skipped + len(data)) * 8 // 6
        for form in (
            encoded[first:last],
            encoded[first:].rstrip("=") if skipped == 0 else encoded[first:last],
        ):
            yield form
            yield form.translate(_URL_SAFE)
    yield base64.b64encode(data).decode("ascii")
    yield base64.urlsafe_b64encode(data).decode("ascii")


def without(text: str, secret: str) -> str:
    """Return the text with one secret masked, in all of its spellings."""
    for form in sorted(spellings(secret), key=len, reverse=True):
        text = text.replace(form, MASK)
    return text
