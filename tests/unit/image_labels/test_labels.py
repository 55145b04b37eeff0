"""An image and the same with a label in it; an inspector takes both."""

import hashlib
import io

import pytest
from PIL import Image

from imagegen_adapters.images.inspector import ThreadInspector
from imagegen_adapters.images.label import AigcImageLabel
from imagegen_core.images import MediaType
from tests.contracts.image_files import SVG, gif_of, in_chunks
from tests.unit.image_labels.test_aigc import PRODUCER, label_of, packet_of

pytestmark = pytest.mark.anyio


def _noise(mode, size):
    count = size[0] * size[1] * len(mode)
    return Image.frombytes(mode, size, hashlib.shake_128(b"noise").digest(count))


def noise_file(format, mode="RGB", size=(37, 23), **options):
    buffer = io.BytesIO()
    _noise(mode, size).save(buffer, format, **options)
    return buffer.getvalue()


FILES = {
    "PNG": (noise_file("PNG"), MediaType.PNG),
    "PNG with alpha": (noise_file("PNG", "RGBA"), MediaType.PNG),
    "PNG of one pixel": (noise_file("PNG", size=(1, 1)), MediaType.PNG),
    "JPEG": (noise_file("JPEG"), MediaType.JPEG),
    "progressive JPEG": (noise_file("JPEG", progressive=True), MediaType.JPEG),
    "lossy WebP": (noise_file("WEBP", quality=80), MediaType.WEBP),
    "lossless WebP with alpha": (noise_file("WEBP", "RGBA", lossless=True), MediaType.WEBP),
    "GIF": (noise_file("GIF", "L"), MediaType.GIF),
    "animated GIF": (gif_of(3), MediaType.GIF),
    "AVIF": (noise_file("AVIF"), MediaType.AVIF),
    "AVIF with alpha": (noise_file("AVIF", "RGBA"), MediaType.AVIF),
}
"""Intact images, and their types."""


_MIB = 1024 * 1024


_LARGE = {
    MediaType.PNG: {"format": "PNG", "compress_level": 0},
    MediaType.JPEG: {"format": "JPEG", "quality": 100, "subsampling": 0},
    MediaType.WEBP: {"format": "WEBP", "lossless": True, "method": 0, "quality": 0},
    MediaType.AVIF: {"format": "AVIF", "quality": 100, "subsampling": "4:4:4", "speed": 10},
}


def _decoded(content):
    """Return the image, decoded completely."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


async def labelled_file(label, content, media_type, *, produce_id="task-1-0", chunk_bytes=1000):
    """Return the labelled file."""

    async def chunks():
        for start in range(0, len(content), chunk_bytes):
            yield content[start : start + chunk_bytes]

    labelled = label(chunks(), media_type, produce_id)
    return b"".join([chunk async for chunk in labelled])


@pytest.fixture
def label():
    return AigcImageLabel(producer=PRODUCER)


def label_reader(content):
    """Return the ``produce_id`` in a file, read without the adapter."""
    return label_of(content)["ProduceID"] if packet_of(content) else None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("produce_id", ["task-1-0", '生成 "1" <&>'])
async def test_the_label_names_the_image(label, name, produce_id):
    """An independent reader finds the label in every kind of file, and none in the original."""
    content, media_type = FILES[name]

    labelled = await labelled_file(label, content, media_type, produce_id=produce_id)

    assert (None, produce_id) == (label_reader(content), label_reader(labelled))


@pytest.mark.parametrize("name", FILES)
async def test_no_pixel_changes(label, name):
    """The image is not encoded again, and the first bytes show the same type."""
    content, media_type = FILES[name]

    labelled = await labelled_file(label, content, media_type)

    before, after = _decoded(content), _decoded(labelled)
    assert (before.mode, before.size, before.tobytes()) == (after.mode, after.size, after.tobytes())
    assert MediaType.sniff(labelled) is media_type


@pytest.mark.parametrize("name", FILES)
async def test_a_label_that_is_there_stays_the_only_one(label, name):
    """The provider has labelled the image already; its label is not changed."""
    content, media_type = FILES[name]
    once = await labelled_file(label, content, media_type, produce_id="first")

    twice = await labelled_file(label, once, media_type, produce_id="second")

    assert ("first", _decoded(once).tobytes()) == (label_reader(twice), _decoded(twice).tobytes())
    assert len(once) == len(twice)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("chunk_bytes", [1, 7, 10**6])
async def test_chunks_of_any_size_give_the_same_file(label, name, chunk_bytes):
    """The size of the chunks makes no difference."""
    content, media_type = FILES[name]

    labelled = await labelled_file(label, content, media_type, chunk_bytes=chunk_bytes)

    assert await labelled_file(label, content, media_type) == labelled


@pytest.mark.parametrize("media_type", MediaType)
@pytest.mark.parametrize("content", [b"", b"\0", b"<!doctype html><title>502</title>"])
async def test_what_is_not_understood_passes_unchanged(label, media_type, content):
    """Whether it is an image is for the decoder to say."""
    assert content == await labelled_file(label, content, media_type)


@pytest.mark.parametrize("name", FILES)
async def test_an_exception_of_the_source_goes_on(label, name):
    """The caller retries a download that fails."""
    content, media_type = FILES[name]

    async def broken():
        yield content[:20]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        _ = [chunk async for chunk in label(broken(), media_type=media_type, produce_id="1")]


async def test_an_svg_passes_unchanged(label):
    """Its bytes are the provider's, to the last."""
    assert SVG == await labelled_file(label, SVG, MediaType.SVG)


@pytest.mark.parametrize("media_type", [*_LARGE, MediaType.GIF])
async def test_a_large_file_is_not_held(label, media_type):
    """At most a few MiB have been read and not yet yielded, whatever the size."""
    is_gif = media_type is MediaType.GIF
    content = gif_of(3, (2000, 2000)) if is_gif else noise_file(size=(2000, 2000), **_LARGE[media_type])
    read = handed_on = behind = 0

    async def chunks():
        nonlocal read
        for start in range(0, len(content), 65536):
            read += 65536
            yield content[start : start + 65536]

    async for chunk in label(chunks(), media_type, "1"):
        handed_on += len(chunk)
        behind = max(behind, read - handed_on)

    assert len(content) > 8 * _MIB
    assert behind <= 5 * _MIB


@pytest.mark.parametrize("name", FILES)
async def test_an_inspector_takes_a_labelled_image(label, name):
    """What comes behind the image does no harm to it."""
    content, media_type = FILES[name]

    chunks = label(in_chunks(content), media_type, "1")

    assert media_type is (await ThreadInspector().inspect(chunks)).mime_type
