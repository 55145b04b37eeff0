"""The ETag that S3 computes of an object, from the bytes and the size of our parts."""

import hashlib

PART_BYTES = 8 * 1024 * 1024
"""Larger objects are uploaded in parts of this size. Their ETag depends on it, so it must stay."""


class S3Etag:
    """A running ETag: the MD5 of an object, or that of its parts' MD5s and their number.

    It is what S3 itself, and most servers, have for an object that they do not encrypt with another's key
    (docs.aws.amazon.com, "Checking object integrity").
    """

    def __init__(self) -> None:
        self._part = hashlib.md5(usedforsecurity=False)
        self._part_bytes = 0
        self._digests: list[bytes] = []

    @property
    def text(self) -> str:
        """The ETag so far, as S3 writes it, without quotes."""
        if not self._digests:
            return self._part.hexdigest()
        digests = [*self._digests, *([self._part.digest()] if self._part_bytes else [])]
        return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"

    def update(self, data: bytes) -> None:
        """Take the next bytes in; other threads go on meanwhile."""
        rest = memoryview(data)
        while rest:
            if self._part_bytes == PART_BYTES:  # only now is it known not to be the last one
                self._digests.append(self._part.digest())
                self._part, self._part_bytes = hashlib.md5(usedforsecurity=False), 0
            piece = rest[: PART_BYTES - self._part_bytes]
            self._part.update(piece)
            self._part_bytes += len(piece)
            rest = rest[len(piece) :]
