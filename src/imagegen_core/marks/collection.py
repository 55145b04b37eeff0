"""Collections of images, and how often a tag is used."""

from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class Collection:
    """A named set of images; an image may be in several.

    ``count`` is the number of its images, ``cover`` the id of the newest of them.
    """

    id: int
    name: str
    created_at: datetime
    count: int = 0
    cover: int | None = None


@attrs.frozen(kw_only=True)
class TagUse:
    """A tag, as it was first written, and the number of images that have it."""

    name: str
    count: int
