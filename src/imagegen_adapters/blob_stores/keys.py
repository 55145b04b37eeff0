"""Valid blob keys: relative and lower-case, with no segment that leads out of the store."""

import re

from imagegen_core.errors import StorageError
from imagegen_core.problems.storage import StorageCode

MAX_KEY_CHARS = 512
"""Length of a whole key. OSS allows 1,023 bytes, including the prefix configured for the bucket."""

MAX_SEGMENT_CHARS = 200
"""Length between two slashes. File systems allow 255 bytes, including the suffix of a temporary name."""

_SEGMENT = re.compile(rf"[a-z0-9._-]{{1,{MAX_SEGMENT_CHARS}}}")


def is_key(text: str) -> bool:
    """Return whether ``text`` is a valid key."""
    return len(text) <= MAX_KEY_CHARS and all(
        _SEGMENT.fullmatch(segment) and segment not in {".", ".."} for segment in text.split("/")
    )


def check_key(key: str) -> str:
    """Return the key if it is valid.

    Raises:
        StorageError: the key is invalid, for example because it leads out of the store.
    """
    if not is_key(key):
        raise StorageError(StorageCode.NOT_A_BLOB_KEY(key=key[:MAX_KEY_CHARS]))
    return key
