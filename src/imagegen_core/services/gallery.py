"""What callers ask of kept images: show, list by day, delete, mark, and take along as a zip file."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, MutableMapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, date, datetime, tzinfo
from weakref import WeakValueDictionary

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
from imagegen_core.limits import MAX_BATCH_IMAGES, MAX_CHILDREN, MAX_ZIPPED_IMAGES
from imagegen_core.marks import ChangedImages, Collection, MarkChange, collection_name, tag_name, tag_names
from imagegen_core.messages import Language, Message
from imagegen_core.ports.blobs import BlobStore
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.image_timeline import ImageList, ImageTimeline, Neighbours
from imagegen_core.ports.lineage import Lineage
from imagegen_core.ports.tools import Clock, ImageRejected, Inspect, InspectorUnavailable
from imagegen_core.problems import ProblemCode, StorageCode
from imagegen_core.values import CalendarDays, ZipStream, file_name


@attrs.frozen(kw_only=True)
class ImageView:
    """An image's record, its neighbours, and its relatives.

    ``parents`` are in the order of the inputs; ``children`` are the newest `MAX_CHILDREN`, newest first.
    """

    image: Image
    neighbours: Neighbours
    parents: tuple[int, ...] = ()
    children: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class ShowImage:
    """Reads the record, then the list and the lineage."""

    records: ImageRecords
    timeline: ImageTimeline
    lineage: Lineage

    async def __call__(self, *, image_id: int, images: ImageList | None = None) -> ImageView:
        """Return the image, and its neighbours in ``images``, which are all when left out.

        Raises:
            ImageNotFound: there is no such image.
            Unavailable: the list took too long.
        """
        image = await self.records.get(image_id)
        neighbours, parents, children = await asyncio.gather(
            self.timeline.neighbours(image_id, images or ImageList()),
            self.lineage.parents(image_id),
            self.lineage.children(image_id, limit=MAX_CHILDREN),
        )
        return ImageView(image=image, neighbours=neighbours, parents=parents, children=children)


@attrs.frozen(kw_only=True)
class ListImageDays:
    """Counts the images of a list by the days of a time zone."""

    timeline: ImageTimeline

    async def __call__(
        self, images: ImageList | None = None, *, zone: tzinfo = UTC
    ) -> tuple[tuple[date, int], ...]:
        """Return each day that has images, and how many, newest first.

        Args:
            images: which are counted, all when left out; of a search those that contain the words.
            zone: the time zone whose days these are.

        Raises:
            Unavailable: counting took too long.
        """
        span = await self.timeline.span()
        if span is None:
            return ()
        calendar = CalendarDays.between(*span, zone)
        counts = await self.timeline.by_interval(calendar.bounds, images or ImageList())
        pairs = [(day, count) for day, count in zip(calendar.days, counts, strict=True) if count]
        return tuple(reversed(pairs))


_log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class ShowThumbnail:
    """Reads the thumbnail that was stored with the image; it stays local when the image is archived.

    Of those who ask for a lost one at the same moment, one rebuilds it for all.
    """

    records: ImageRecords
    blobs: BlobStore
    inspect: Inspect
    _rebuilding: MutableMapping[int, asyncio.Lock] = attrs.field(factory=WeakValueDictionary, init=False)

    async def __call__(self, image: Image) -> bytes:
        """Return the thumbnail of an image.

        Raises:
            ImageNotFound: the image was deleted meanwhile.
            BlobMissing: no store has the thumbnail or the image.
            StorageError: the image cannot be read or decoded now.
        """
        if (thumbnail := await self._stored(image)) is not None:
            return thumbnail
        lock = self._rebuilding.get(image.id) or self._rebuilding.setdefault(image.id, asyncio.Lock())
        async with lock:
            if (thumbnail := await self._stored(image)) is not None:  # somebody else has rebuilt it
                return thumbnail
            return await self._rebuild(image)

    async def _stored(self, image: Image) -> bytes | None:
        if image.thumbnail_key is None:
            return None
        try:
            return b"".join([chunk async for chunk in self.blobs.open(image.thumbnail_key)])
        except (BlobMissing, StorageError):  # the lookup may reach the archive, which may not respond
            return None

    async def _rebuild(self, image: Image) -> bytes:
        try:
            inspection = await self.inspect(self.blobs.open(image.blob_key))
        except (ImageRejected, InspectorUnavailable) as error:
            raise StorageError(StorageCode.NO_THUMBNAIL(image_id=image.id, reason=error.reason)) from error
        await self._store(image, inspection.thumbnail)
        return inspection.thumbnail

    async def _store(self, image: Image, thumbnail: bytes) -> None:
        if image.thumbnail_key is None:
            return
        try:
            await self.blobs.put(image.thumbnail_key, _once(thumbnail), content_type="image/webp")
        except StorageError as error:
            _log.warning("a thumbnail could not be stored: %s", error, extra={"image_id": image.id})
            return
        try:
            await self.records.get(image.id)
        except ImageNotFound:  # deleted meanwhile: nothing else would ever remove this thumbnail
            await self.blobs.delete(image.thumbnail_key)
            raise


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


@attrs.frozen(kw_only=True)
class DeleteImage:
    """The outbox records what is still to be removed, so that a store that is down now is retried later."""

    records: ImageRecords
    blobs: BlobStore
    on_change: Callable[[], object]

    async def __call__(self, *, image_id: int) -> Image:
        """Return the deleted record.

        Raises:
            ImageNotFound: there is none.
        """
        image = await self.records.delete(image_id)
        for key in (image.blob_key, image.thumbnail_key):
            if key is None:
                continue
            try:
                await self.blobs.delete(key)
            except StorageError:
                _log.warning("the bytes of a deleted image are removed later", extra={"image_id": image_id})
        self.on_change()
        return image


@attrs.frozen(kw_only=True)
class MarkImages:
    """Changes all of the images in one transaction; called again, it changes nothing."""

    marks: ImageMarks

    async def __call__(self, *, image_ids: Sequence[int], change: MarkChange) -> ChangedImages:
        """Return what was changed; names of tags are given as people write them.

        Raises:
            ValidationFailed: too many images, or a name that no tag can have.
            CollectionNotFound: there is no such collection.
            TooManyTags: some of the images would have too many; none was changed.
        """
        ids = distinct_ids(image_ids)
        clean = attrs.evolve(
            change,
            tags=None if change.tags is None else tag_names(change.tags),
            tag=None if change.tag is None else tag_name(change.tag),
            untag=None if change.untag is None else tag_name(change.untag),
        )
        result = await self.marks.change(ids, clean)
        _log.info(
            "the marks of images were changed",
            extra={"change": _changes(clean), "images": len(ids), "changed": result.changed},
        )
        return result


@attrs.frozen(kw_only=True)
class MarkImage:
    """Changes one image."""

    mark_images: MarkImages
    records: ImageRecords

    async def __call__(self, *, image_id: int, change: MarkChange) -> Image:
        """Return the image as it is then.

        Raises:
            ImageNotFound: there is none.
            ValidationFailed, CollectionNotFound, TooManyTags: as for `MarkImages`.
        """
        result = await self.mark_images(image_ids=(image_id,), change=change)
        if result.missing:
            raise ImageNotFound(image_id)
        return await self.records.get(image_id)


def distinct_ids(image_ids: Sequence[int]) -> tuple[int, ...]:
    """Return the ids, each once, in their order.

    Raises:
        ValidationFailed: there are more than one request may change.
    """
    if len(image_ids) > MAX_BATCH_IMAGES:
        raise ValidationFailed.for_field("ids", ProblemCode.TOO_MANY_ITEMS(maximum=MAX_BATCH_IMAGES))
    return tuple(dict.fromkeys(image_ids))


def _changes(change: MarkChange) -> dict[str, object]:
    return {name: value for name, value in attrs.asdict(change).items() if value is not None}


@attrs.frozen(kw_only=True)
class DeleteImages:
    """Removes the records in one transaction, with what the outbox needs to remove the bytes."""

    records: ImageRecords
    on_change: Callable[[], object]

    async def __call__(self, *, image_ids: Sequence[int]) -> ChangedImages:
        """Return how many were deleted, and which there were not.

        Raises:
            ValidationFailed: there are too many ids.
        """
        ids = distinct_ids(image_ids)
        deleted = {image.id for image in await self.records.delete_all(ids)}
        _log.info("images were deleted", extra={"images": len(ids), "changed": len(deleted)})
        self.on_change()
        return ChangedImages(
            changed=len(deleted), missing=tuple(image_id for image_id in ids if image_id not in deleted)
        )


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


@attrs.frozen(kw_only=True)
class CreateCollection:
    """Adds an empty collection."""

    marks: ImageMarks
    clock: Clock

    async def __call__(self, *, name: str) -> Collection:
        """Return the new collection; its name is given as people write it.

        Raises:
            ValidationFailed: no collection can have the name.
            CollectionExists: one has it.
            TooManyCollections: there are as many as there may be.
        """
        return await self.marks.add_collection(collection_name(name), self.clock.now())


@attrs.frozen(kw_only=True)
class RenameCollection:
    """Gives a collection another name."""

    marks: ImageMarks

    async def __call__(self, *, collection_id: int, name: str) -> Collection:
        """Return the collection as it is then.

        Raises:
            ValidationFailed: no collection can have the name.
            CollectionNotFound: there is none.
            CollectionExists: another one has the name.
        """
        return await self.marks.rename_collection(collection_id, collection_name(name))
