"""The keys under which an image of a task is stored."""

import re

import attrs

from imagegen_core.images import MediaType

_MEDIA_TYPES = {media_type.extension: media_type for media_type in MediaType}
_REST = re.compile(rf"(?:-\d+)?\.({'|'.join(_MEDIA_TYPES)})")


@attrs.frozen(kw_only=True)
class ImageKeys:
    """The keys of one image, which all begin with ``prefix``.

    Each ends in the epoch of the claim that stored the image, so a worker that lost its task overwrites
    nothing that the next one stores. Images of earlier versions have keys without.
    """

    task_id: str
    part: int
    position: int

    @property
    def name(self) -> str:
        """The task's id, the part and the position."""
        return f"{self.task_id}-{self.part}-{self.position}"

    @property
    def prefix(self) -> str:
        """The directory, of which there are 256, and the name."""
        return f"{self.task_id[-2:]}/{self.name}"

    def of_epoch(self, epoch: int, media_type: MediaType) -> str:
        """Return the key for what is stored in this epoch."""
        return f"{self.prefix}-{epoch}.{media_type.extension}"

    def media_type(self, key: str) -> MediaType | None:
        """Return the type of the image under the key; None if that is another image, or a thumbnail."""
        match = _REST.fullmatch(key.removeprefix(self.prefix)) if key.startswith(self.prefix) else None
        return None if match is None else _MEDIA_TYPES[match[1]]


def thumbnail_key(blob_key: str) -> str:
    """Return the key of the thumbnail beside an image."""
    return f"{blob_key.rpartition('.')[0]}.thumb.webp"
