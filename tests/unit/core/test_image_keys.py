"""The keys of an image, and which of those in a store are one image's."""

import pytest

from imagegen_core.images import MediaType
from imagegen_core.ports.blobs import thumbnail_key
from imagegen_core.running.storing import ImageKeys

KEYS = ImageKeys(task_id="0199aaaa-4c", part=0, position=1)


def test_a_key_tells_task_part_position_and_epoch():
    """The directory is made of the end of the task's id, which is random."""
    assert "4c/0199aaaa-4c-0-1-7.jpg" == KEYS.of_epoch(7, MediaType.JPEG)
    assert "4c/0199aaaa-4c-0-1-7.thumb.webp" == thumbnail_key(KEYS.of_epoch(7, MediaType.JPEG))


@pytest.mark.parametrize(
    ("key", "media_type"),
    [
        ("4c/0199aaaa-4c-0-1-7.jpg", MediaType.JPEG),
        ("4c/0199aaaa-4c-0-1-12.png", MediaType.PNG),
        ("4c/0199aaaa-4c-0-1.webp", MediaType.WEBP),
        ("4c/0199aaaa-4c-0-1-7.thumb.webp", None),
        ("4c/0199aaaa-4c-0-1.thumb.webp", None),
        ("4c/0199aaaa-4c-0-11.png", None),
        ("4c/0199aaaa-4c-0-11-7.png", None),
        ("4c/0199aaaa-4c-1-1-7.png", None),
        ("4c/0199aaaa-4c-0-1-7-8.png", None),
        ("4c/0199aaaa-4c-0-1-7.txt", None),
    ],
)
def test_a_key_is_recognised_with_and_without_an_epoch(key, media_type):
    """Earlier versions stored images without; thumbnails and other images are not meant."""
    assert media_type is KEYS.media_type(key)
