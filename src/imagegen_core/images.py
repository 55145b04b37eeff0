"""The record of a stored image."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.costs import Cost
from imagegen_core.marks import UNMARKED, Marks
from imagegen_core.operations import Operation
from imagegen_core.values import frozen_mapping

MAX_IMAGE_BYTES = 50 * 1024 * 1024
"""Maximum size of an image that is accepted, from a caller or from a provider."""

SIGNATURE_BYTES = 12
"""How much of an image's beginning shows its type."""


class StorageState(StrEnum):
    """Where an image's bytes are."""

    LOCAL = "local"
    BOTH = "both"
    ARCHIVE = "oss"


class MediaType(StrEnum):
    """The three image types that are accepted; anything else is refused."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"

    @property
    def extension(self) -> str:
        """The file name extension, without the dot."""
        return {MediaType.PNG: "png", MediaType.JPEG: "jpg", MediaType.WEBP: "webp"}[self]

    @classmethod
    def sniff(cls, signature: bytes) -> "MediaType | None":
        """Return the type that the first `SIGNATURE_BYTES` show, or None."""
        if signature.startswith(b"\x89PNG\r\n\x1a\n"):
            return cls.PNG
        if signature.startswith(b"\xff\xd8\xff"):
            return cls.JPEG
        if signature[:4] == b"RIFF" and signature[8:12] == b"WEBP":
            return cls.WEBP
        return None


@attrs.frozen(kw_only=True)
class Image:
    """A stored image.

    ``id`` is 0 until the repository assigns one. ``blob_key`` and ``thumbnail_key`` are keys in the blob
    store. ``sha256`` is that of the stored bytes; ``vendor_sha256`` that of the provider's bytes, if a label
    was added. ``archive_checksum`` is the archive's own checksum of the stored bytes, opaque to everybody
    else. ``metadata`` is what the provider returned with the image (seed, revised prompt, safety ratings).
    ``cost`` is its share of what its call cost; None if that was nothing, or nobody wrote it down.
    ``marks`` are what people put on it since it was stored.
    """

    task_id: str
    attempt_id: str
    position: int
    operation: Operation
    prompt: str
    provider_name: str
    model_id: str
    mime_type: MediaType
    width: int
    height: int
    size_bytes: int
    sha256: str
    blob_key: str
    created_at: datetime
    id: int = 0
    thumbnail_key: str | None = None
    vendor_sha256: str | None = None
    archive_checksum: str | None = None
    storage: StorageState = StorageState.LOCAL
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    metadata: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    cost: Cost | None = None
    marks: Marks = UNMARKED
