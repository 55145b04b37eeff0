"""Which keys are taken: relative, lower-case, without a way out of the store."""

import re

from imagegen_core.errors import StorageError

MAX_KEY_CHARS = 512
"""Characters of a whole key. OSS takes 1,023 bytes, a prefix of the bucket's owner included."""

MAX_SEGMENT_CHARS = 200
"""Characters between two slashes. File systems take 255 bytes, the ending of a temporary name included."""

_SEGMENT = re.compile(rf"[a-z0-9._-]{{1,{MAX_SEGMENT_CHARS}}}")


def is_key(text: str) -> bool:
    """Tell whether ``text`` may name a blob."""
    return len(text) <= MAX_KEY_CHARS and all(
        _SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in text.split("/")
    )


def check_key(key: str) -> str:
    """Return the key.

    Raises:
        StorageError: it is no key, for example because it leads out of the store.
    """
    if not is_key(key):
        raise StorageError(f"{key[:MAX_KEY_CHARS]!r} cannot be a blob's key")
    return key
