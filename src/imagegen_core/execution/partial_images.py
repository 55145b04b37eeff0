"""Partial images: what a provider shows of an image while it makes it, for those who follow the task now.

They are in memory alone, and only while somebody follows the task at this process; the final image is all
that counts. A follower who is slow misses some, and nobody waits for him.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs

from imagegen_core.images import SIGNATURE_BYTES, MediaType
from imagegen_core.limits import MAX_PARTIAL_IMAGE_BYTES, MAX_PARTIAL_IMAGES_HELD_BYTES
from imagegen_core.values import ByteBudget


@attrs.frozen(kw_only=True, eq=False)
class PartialImage:
    """One partial image; ``image_index`` is that of the image, ``index`` that among its partial images."""

    image_index: int
    index: int
    media_type: MediaType
    content: bytes = attrs.field(repr=False)


class PartialImages:
    """Hands partial images to the followers of their task; for one event loop.

    Args:
        max_held_bytes: of all that followers have been handed and not passed on; what is more is dropped.
    """

    def __init__(self, max_held_bytes: int = MAX_PARTIAL_IMAGES_HELD_BYTES) -> None:
        self._budget = ByteBudget(max_held_bytes)
        self._holders: dict[PartialImage, int] = {}
        self._followers: dict[str, set[PartialImageFollower]] = {}

    @property
    def held_bytes(self) -> int:
        """The bytes of all partial images that somebody is still to pass on."""
        return self._budget.held_bytes

    def show(self, task_id: str, *, image_index: int, index: int, content: bytes) -> None:
        """Hand a partial image to those who follow the task, in place of one that still waits for them.

        Returns at once. It is dropped if nobody follows, if it does not begin as a PNG, a JPEG or a WebP
        does, if it is too large, and if too many bytes are held already. It is not decoded.
        """
        followers = self._followers.get(task_id)
        media_type = MediaType.sniff(content[:SIGNATURE_BYTES])
        if not followers or media_type is None or len(content) > MAX_PARTIAL_IMAGE_BYTES:
            return
        partial = PartialImage(image_index=image_index, index=index, media_type=media_type, content=content)
        for follower in followers:
            follower.drop_waiting()
        if self._budget.take(len(content)):
            self._holders[partial] = len(followers)
            for follower in followers:
                follower.hand(partial)

    @contextmanager
    def follow(
        self, task_id: str, arrived: Callable[["PartialImageFollower"], object]
    ) -> Iterator["PartialImageFollower"]:
        """Yield a follower of the task; ``arrived`` is called with it when a partial image waits for it."""
        follower = PartialImageFollower(arrived, self._release)
        self._followers.setdefault(task_id, set()).add(follower)
        try:
            yield follower
        finally:
            followers = self._followers[task_id]
            followers.discard(follower)
            if not followers:
                del self._followers[task_id]
            follower.drop_waiting()
            follower.take()

    def _release(self, partial: PartialImage) -> None:
        self._holders[partial] -= 1
        if not self._holders[partial]:
            del self._holders[partial]
            self._budget.give_back(len(partial.content))


class PartialImageFollower:
    """Holds at most two partial images: the one that is being passed on, and the latest one after it."""

    def __init__(
        self,
        arrived: Callable[["PartialImageFollower"], object],
        release: Callable[[PartialImage], None],
    ) -> None:
        self._arrived = arrived
        self._release = release
        self._waiting: PartialImage | None = None
        self._current: PartialImage | None = None
        self._is_announced = False

    def hand(self, partial: PartialImage) -> None:
        """Keep a partial image until it is taken, and announce that one waits, unless that was done."""
        self._waiting = partial
        if not self._is_announced:
            self._is_announced = True
            self._arrived(self)

    def take(self) -> PartialImage | None:
        """Return the latest partial image, if it was not taken yet; the one before it is passed on by now."""
        self._is_announced = False
        if self._current is not None:
            self._release(self._current)
        self._current, self._waiting = self._waiting, None
        return self._current

    def drop_waiting(self) -> None:
        """Drop the partial image that was not taken yet."""
        if self._waiting is not None:
            self._release(self._waiting)
            self._waiting = None
