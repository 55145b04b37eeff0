"""The contract of an image label, as tests to subclass.

A subclass provides the fixtures ``label`` and ``label_reader``, which reads a label without the adapter::

    class TestMyLabel(ImageLabelContract):
        @pytest.fixture
        def label(self):
            return MyLabel()

        @pytest.fixture
        def label_reader(self):
            return lambda content: my_reader(content).produce_id
"""

import hashlib
import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from PIL import Image

from imagegen_core.images import MediaType
from imagegen_core.ports.image_label import ImageLabel

LabelReader = Callable[[bytes], str | None]

_MIB = 1024 * 1024


def _noise(mode: str, size: tuple[int, int]) -> Image.Image:
    count = size[0] * size[1] * len(mode)
    return Image.frombytes(mode, size, hashlib.shake_128(b"noise").digest(count))


def _encoded(format: str, mode: str = "RGB", size: tuple[int, int] = (37, 23), **options: Any) -> bytes:
    buffer = io.BytesIO()
    _noise(mode, size).save(buffer, format, **options)
    return buffer.getvalue()


def _decoded(content: bytes) -> Image.Image:
    """Return the image, decoded completely."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


FILES: dict[str, tuple[bytes, MediaType]] = {
    "PNG": (_encoded("PNG"), MediaType.PNG),
    "PNG with alpha": (_encoded("PNG", "RGBA"), MediaType.PNG),
    "PNG of one pixel": (_encoded("PNG", size=(1, 1)), MediaType.PNG),
    "JPEG": (_encoded("JPEG"), MediaType.JPEG),
    "progressive JPEG": (_encoded("JPEG", progressive=True), MediaType.JPEG),
    "lossy WebP": (_encoded("WEBP", quality=80), MediaType.WEBP),
    "lossless WebP with alpha": (_encoded("WEBP", "RGBA", lossless=True), MediaType.WEBP),
}
"""Intact images, and their types."""

_LARGE: dict[MediaType, dict[str, Any]] = {
    MediaType.PNG: {"format": "PNG", "compress_level": 0},
    MediaType.JPEG: {"format": "JPEG", "quality": 100, "subsampling": 0},
    MediaType.WEBP: {"format": "WEBP", "lossless": True, "method": 0, "quality": 0},
}


class ImageLabelContract:
    """The same image with a label embedded."""

    @pytest.fixture
    def label(self) -> ImageLabel:
        """Return the label under test."""
        raise NotImplementedError

    @pytest.fixture
    def label_reader(self) -> LabelReader:
        """Return a function that reads the ``produce_id`` in a file without the adapter, or None."""
        raise NotImplementedError

    async def labelled(
        self,
        label: ImageLabel,
        content: bytes,
        media_type: MediaType,
        *,
        produce_id: str = "task-1-0",
        chunk_bytes: int = 1000,
    ) -> bytes:
        """Return the labelled file."""

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), chunk_bytes):
                yield content[start : start + chunk_bytes]

        labelled = label(chunks(), media_type=media_type, produce_id=produce_id)
        return b"".join([chunk async for chunk in labelled])

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("produce_id", ["task-1-0", '生成 "1" <&>'])
    async def test_the_label_names_the_image(
        self, label: ImageLabel, label_reader: LabelReader, name: str, produce_id: str
    ) -> None:
        """An independent reader finds the label in every kind of file, and none in the original."""
        content, media_type = FILES[name]

        labelled = await self.labelled(label, content, media_type, produce_id=produce_id)

        assert (None, produce_id) == (label_reader(content), label_reader(labelled))

    @pytest.mark.parametrize("name", FILES)
    async def test_no_pixel_changes(self, label: ImageLabel, name: str) -> None:
        """The image is not encoded again, and the first bytes show the same type."""
        content, media_type = FILES[name]

        labelled = await self.labelled(label, content, media_type)

        before, after = _decoded(content), _decoded(labelled)
        assert (before.mode, before.size, before.tobytes()) == (after.mode, after.size, after.tobytes())
        assert MediaType.sniff(labelled) is media_type

    @pytest.mark.parametrize("name", FILES)
    async def test_a_label_that_is_there_stays_the_only_one(
        self, label: ImageLabel, label_reader: LabelReader, name: str
    ) -> None:
        """The provider has labelled the image already; its label is not changed."""
        content, media_type = FILES[name]
        once = await self.labelled(label, content, media_type, produce_id="first")

        twice = await self.labelled(label, once, media_type, produce_id="second")

        assert ("first", _decoded(once).tobytes()) == (label_reader(twice), _decoded(twice).tobytes())
        assert len(once) == len(twice)

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("chunk_bytes", [1, 7, 10**6])
    async def test_chunks_of_any_size_give_the_same_file(
        self, label: ImageLabel, name: str, chunk_bytes: int
    ) -> None:
        """The size of the chunks makes no difference."""
        content, media_type = FILES[name]

        labelled = await self.labelled(label, content, media_type, chunk_bytes=chunk_bytes)

        assert await self.labelled(label, content, media_type) == labelled

    @pytest.mark.parametrize("media_type", MediaType)
    @pytest.mark.parametrize("content", [b"", b"\0", b"<!doctype html><title>502</title>"])
    async def test_what_is_not_understood_passes_unchanged(
        self, label: ImageLabel, media_type: MediaType, content: bytes
    ) -> None:
        """Whether it is an image is for the decoder to say."""
        assert content == await self.labelled(label, content, media_type)

    @pytest.mark.parametrize("name", FILES)
    async def test_an_exception_of_the_source_goes_on(self, label: ImageLabel, name: str) -> None:
        """The caller retries a download that fails."""
        content, media_type = FILES[name]

        async def broken() -> AsyncIterator[bytes]:
            yield content[:20]
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            _ = [chunk async for chunk in label(broken(), media_type=media_type, produce_id="1")]

    @pytest.mark.parametrize("media_type", MediaType)
    async def test_a_large_file_is_not_held(self, label: ImageLabel, media_type: MediaType) -> None:
        """At most a few MiB have been read and not yet yielded, whatever the size."""
        content = _encoded(size=(2000, 2000), **_LARGE[media_type])
        read = handed_on = behind = 0

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal read
            for start in range(0, len(content), 65536):
                read += 65536
                yield content[start : start + 65536]

        async for chunk in label(chunks(), media_type=media_type, produce_id="1"):
            handed_on += len(chunk)
            behind = max(behind, read - handed_on)

        assert len(content) > 8 * _MIB
        assert behind <= 5 * _MIB
