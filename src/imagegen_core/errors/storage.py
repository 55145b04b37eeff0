"""Bytes that a store could not keep or give."""

from imagegen_core.errors.imagegen_error import ImagegenError
from imagegen_core.messages import Message, as_message
from imagegen_core.problems.storage import StorageCode


class BlobMissing(ImagegenError):
    """The store holds nothing under this key."""

    def __init__(self, key: str) -> None:
        super().__init__(StorageCode.NO_BLOB(key=key))
        self.key = key


class StorageError(ImagegenError):
    """A store could not keep or give bytes: disk full, an input/output error, a refused upload.

    A bare text as ``reason`` is the store's own words.
    """

    def __init__(self, reason: Message | str) -> None:
        super().__init__(as_message(reason))


class StorageFull(StorageError):
    """There is no room left; nothing of it was kept, and the same works again once there is some."""


class StorageUnreachable(StorageError):
    """The store did not answer; the same request may succeed later."""


class StorageBroken(StorageError):
    """The store is damaged or lost: trying again changes nothing before a new start."""
