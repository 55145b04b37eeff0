"""Partial images are shown to those who follow the task now, and held by nobody else."""

import pytest

from imagegen_core.images import MediaType
from imagegen_core.limits import MAX_PARTIAL_IMAGE_BYTES
from imagegen_core.running.exchange import PartialImages

PNG = b"\x89PNG\r\n\x1a\n"


def image(size):
    return PNG + bytes(size - len(PNG))


@pytest.fixture
def partial_images():
    return PartialImages(max_held_bytes=1000)


def show(partial_images, index, content=None, task_id="task"):
    content = image(100) if content is None else content
    partial_images.show(task_id, image_index=0, index=index, content=content)


def test_each_follower_of_the_task_gets_it(partial_images):
    """Nobody else does; the bytes are held once, until all have passed them on."""
    calls = []
    with (
        partial_images.follow("task", calls.append) as first,
        partial_images.follow("task", calls.append) as second,
        partial_images.follow("other", calls.append) as other,
    ):
        show(partial_images, 0)
        partials = [follower.take() for follower in (first, second, other)]
        sizes = [partial_images.held_bytes]
        for follower in (first, second):
            follower.take()
            sizes.append(partial_images.held_bytes)

        assert (0, 0, MediaType.PNG) == (partials[0].image_index, partials[0].index, partials[0].media_type)
        assert partials[0] is partials[1]
        assert (None, [100, 100, 0]) == (partials[2], sizes)
        assert {first, second} == set(calls)


def test_nothing_is_held_that_nobody_follows(partial_images):
    """Whoever comes later has missed it."""
    show(partial_images, 0)
    with partial_images.follow("task", lambda _: None) as follower:
        assert (0, None) == (partial_images.held_bytes, follower.take())


def test_a_slow_follower_gets_the_latest(partial_images):
    """It holds two at most: the one that it passes on, and the latest; one announcement is enough."""
    calls = []
    with partial_images.follow("task", calls.append) as follower:
        show(partial_images, 0)
        first = follower.take()
        for index in range(1, 5):
            show(partial_images, index)
        size, latest = partial_images.held_bytes, follower.take()

        assert (200, 0, 4, 2) == (size, first.index, latest.index, len(calls))
        assert (100, None) == (partial_images.held_bytes, follower.take())


def test_whoever_leaves_holds_nothing(partial_images):
    """Neither what waits nor what was taken."""
    with partial_images.follow("task", lambda _: None) as follower:
        show(partial_images, 0)
        follower.take()
        show(partial_images, 1)

    assert 0 == partial_images.held_bytes


def test_what_is_held_of_all_tasks_is_bounded(partial_images):
    """What is too much is dropped, and the one before it too: nobody is shown an old one."""
    with (
        partial_images.follow("slow", lambda _: None) as slow,
        partial_images.follow("task", lambda _: None) as follower,
    ):
        show(partial_images, 0, image(950), task_id="slow")
        slow.take()
        show(partial_images, 0, image(50))
        show(partial_images, 1, image(51))

        assert (950, None) == (partial_images.held_bytes, follower.take())


@pytest.mark.parametrize(
    "content",
    [b"", b"BM", b"<svg onload=alert(1)>", PNG[:-1], image(MAX_PARTIAL_IMAGE_BYTES + 1)],
    ids=["empty", "bmp", "svg", "cut", "large"],
)
def test_what_no_browser_should_be_handed_is_dropped(content):
    """Only what begins as an image of pixels does, and is not too large."""
    partial_images = PartialImages()
    with partial_images.follow("task", lambda _: None) as follower:
        show(partial_images, 0, content)

        assert None is follower.take()


def test_the_largest_partial_image_fits():
    """The limits go together."""
    partial_images = PartialImages()
    with partial_images.follow("task", lambda _: None) as follower:
        show(partial_images, 0, image(MAX_PARTIAL_IMAGE_BYTES))

        assert MAX_PARTIAL_IMAGE_BYTES == len(follower.take().content)
