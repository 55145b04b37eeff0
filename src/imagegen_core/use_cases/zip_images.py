"""Put images into one zip file, as a stream."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

import attrs

from imagegen_core.errors import (
    BlobMissing,
    ImagegenError,
    ImageNotFound,
    StorageError,
    StorageUnreachable,
    ValidationFailed,
)
from imagegen_core.images import Image, StorageState
from imagegen_core.limits import MAX_ZIPPED_IMAGES
from imagegen_core.messages import Language, Message
from imagegen_core.ports.blobs import BlobStore
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.problems import ProblemCode, StorageCode
from imagegen_core.values import ZipStream, file_name

MISSING_FILE = "MISSING.txt"
"""The file that says which images are not there, and why; it is there only if some are not."""

_MISSING_FILE_DATE = datetime(1980, 1, 1, tzinfo=UTC)
"""The earliest that a zip file can tell: it says nothing."""

_MAX_SILENCES = 3
"""After so many images in a row for which the archive did not answer, it is asked for no other one."""


@attrs.frozen(kw_only=True)
class ZipImages:
    """Reads one image after the other, in pieces: memory grows neither with their number nor their size."""

    records: ImageRecords
    blobs: BlobStore

    async def __call__(
        self, image_ids: Sequence[int], *, language: Language = Language.EN
    ) -> AsyncGenerator[bytes, None]:
        """Yield the zip file: each image once, in the order of the ids.

        Images that cannot be read are left out, and a file in it says which and why, in that language. The
        first piece comes when there is an image: until then, all of it may be refused.

        Raises:
            ValidationFailed: there is no id, or there are more than `MAX_ZIPPED_IMAGES`.
            ImageNotFound, BlobMissing: none of the images is there.
            StorageError: none can be read now; or, later, one cannot be read to its end.
        """
        if not 0 < len(image_ids) <= MAX_ZIPPED_IMAGES:
            reason = (
                ProblemCode.TOO_MANY_ITEMS(maximum=MAX_ZIPPED_IMAGES) if image_ids else ProblemCode.EMPTY()
            )
            raise ValidationFailed.for_field("ids", reason)
        archive, missing = ZipStream(), _MissingImages()
        try:
            for image_id in dict.fromkeys(image_ids):
                async with aclosing(self._pieces(archive, image_id, missing)) as pieces:
                    async for piece in pieces:
                        yield piece
            missing.add_to(archive, language)
            archive.close()
            yield archive.take()
        finally:
            archive.close()  # also where nobody reads on

    async def _pieces(
        self, archive: ZipStream, image_id: int, missing: "_MissingImages"
    ) -> AsyncGenerator[bytes, None]:
        """Yield what comes of the archive while an image is added to it, or note that it is missing."""
        try:
            image = await self.records.get(image_id)
        except ImageNotFound as error:
            missing.note(str(image_id), error.reason, error)
            return
        if missing.archive_is_silent and image.storage is StorageState.ARCHIVE:
            missing.note_error(image, StorageUnreachable(StorageCode.ARCHIVE_UNREACHABLE()))
            return
        async with _opened(self.blobs.open(image.blob_key)) as chunks:
            try:
                chunk = await anext(chunks, b"")
            except (BlobMissing, StorageError) as error:
                missing.note_error(image, error)
                return
            if image.storage is StorageState.ARCHIVE:
                missing.silences = 0
            archive.begin(_name(image), image.created_at)
            size = 0
            while chunk:
                size += len(chunk)
                archive.write(chunk)
                yield archive.take()
                chunk = await anext(chunks, b"")
        if size != image.size_bytes:
            missing.note(_name(image), StorageCode.LOCAL_FILE_DAMAGED(image_id=image.id))


@attrs.define
class _MissingImages:
    """What is missing, by the names that the files would have had."""

    lines: list[tuple[str, Message]] = attrs.field(factory=list)
    errors: list[ImagegenError] = attrs.field(factory=list)
    silences: int = 0

    @property
    def archive_is_silent(self) -> bool:
        """Whether it is no use to ask the archive."""
        return self.silences >= _MAX_SILENCES

    def note(self, name: str, reason: Message, error: ImagegenError | None = None) -> None:
        """Note that an image is missing, or is there but not as it was."""
        self.lines.append((name, reason))
        if error is not None:
            self.errors.append(error)

    def note_error(self, image: Image, error: BlobMissing | StorageError) -> None:
        """Note that an image could not be read, in words that name no place of ours."""
        match error:
            case BlobMissing():
                reason = StorageCode.IN_NO_STORE(image_id=image.id)
            case StorageUnreachable():
                self.silences += 1
                reason = StorageCode.ARCHIVE_UNREACHABLE()
            case _:
                reason = StorageCode.NOT_READABLE(image_id=image.id)
        self.note(_name(image), reason, error)

    def add_to(self, archive: ZipStream, language: Language) -> None:
        """Add the file that says what is missing, if anything is.

        Raises:
            ImagegenError: nothing else is in the archive; the reason that may be gone later comes first.
        """
        if archive.is_empty:
            raise min(self.errors, key=lambda error: not isinstance(error, StorageError))
        if self.lines:
            text = [StorageCode.ZIP_LACKS().text(language), ""]
            text += [f"{name}: {reason.text(language)}" for name, reason in self.lines]
            archive.begin(MISSING_FILE, _MISSING_FILE_DATE)
            archive.write("\n".join([*text, ""]).encode())


@asynccontextmanager
async def _opened(chunks: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """Close what a store has opened, where it can be closed, as soon as nobody reads on."""
    try:
        yield chunks
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


def _name(image: Image) -> str:
    return file_name(image.prompt, image.id, image.mime_type.extension)
