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
from imagegen_core.images import (
    ChangedImages,
    Collection,
    Image,
    MarkChange,
    StorageState,
    collection_name,
    tag_name,
    tag_names,
)
from imagegen_core.limits import MAX_BATCH_IMAGES, MAX_CHILDREN, MAX_ZIPPED_IMAGES
from imagegen_core.messages import Language, Message, ProblemCode, StorageCode
from imagegen_core.ports.gallery import ImageList, Neighbours, Relatives
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.tools import ImageRejected, InspectorUnavailable
from imagegen_core.values import CalendarDays, ZipStream, file_name

_log = logging.getLogger(__name__)

MISSING_FILE = "MISSING.txt"
"""The file that says which images are not there, and why; it is there only if some are not."""

_MISSING_FILE_DATE = datetime(1980, 1, 1, tzinfo=UTC)
"""The earliest that a zip file can tell: it says nothing."""

_MAX_SILENCES = 3
"""After so many images in a row for which the archive did not answer, it is asked for no other one."""


@attrs.frozen(kw_only=True)
class ImageView:
    """An image's record, its neighbours, and its relatives, of whose children `MAX_CHILDREN` at most."""

    image: Image
    neighbours: Neighbours
    relatives: Relatives


@attrs.frozen(kw_only=True)
class Images:
    """What callers do with kept images; ``on_change`` is called after images were deleted."""

    parts: Parts
    on_change: Callable[[], object]
    _rebuilding: MutableMapping[int, asyncio.Lock] = attrs.field(factory=WeakValueDictionary, init=False)

    # ---------------------------------------------------------------- show

    async def show(self, image_id: int, images: ImageList | None = None) -> ImageView:
        """Return an image, its relatives, and its neighbours in ``images``, which are all when left out.

        Raises:
            ImageNotFound: there is no such image.
            Unavailable: the list took too long.
        """
        image = await self.parts.images.get(image_id)
        neighbours, relatives = await asyncio.gather(
            self.parts.images.neighbours(image_id, images or ImageList()),
            self.parts.images.relatives(image_id, limit=MAX_CHILDREN),
        )
        return ImageView(image=image, neighbours=neighbours, relatives=relatives)

    async def days(
        self, images: ImageList | None = None, *, zone: tzinfo = UTC
    ) -> tuple[tuple[date, int], ...]:
        """Return each day of a time zone that has images, and how many, newest first.

        All ``images`` are counted when left out; of a search those that contain the words.

        Raises:
            Unavailable: counting took too long.
        """
        span = await self.parts.images.span()
        if span is None:
            return ()
        calendar = CalendarDays.between(*span, zone)
        counts = await self.parts.images.count_by_quarter(calendar.bounds, images or ImageList())
        days = zip(reversed(calendar.days), reversed(counts), strict=True)
        return tuple((day, count) for day, count in days if count)

    async def thumbnail(self, image: Image) -> bytes:
        """Return the thumbnail of an image, rebuilt if it is lost; it stays local when the image is archived.

        Of those who ask for a lost one at the same moment, one rebuilds it for all.

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
            return b"".join([chunk async for chunk in self.parts.blobs.open(image.thumbnail_key)])
        except (BlobMissing, StorageError):  # the lookup may reach the archive, which may not respond
            return None

    async def _rebuild(self, image: Image) -> bytes:
        try:
            thumbnail = (await self.parts.inspect(self.parts.blobs.open(image.blob_key))).thumbnail
        except (ImageRejected, InspectorUnavailable) as error:
            raise StorageError(StorageCode.NO_THUMBNAIL(image_id=image.id, reason=error.reason)) from error
        if image.thumbnail_key is None:
            return thumbnail
        try:
            await self.parts.blobs.put(image.thumbnail_key, _once(thumbnail), content_type="image/webp")
        except StorageError as error:
            _log.warning("a thumbnail could not be stored: %s", error, extra={"image_id": image.id})
            return thumbnail
        try:
            await self.parts.images.get(image.id)
        except ImageNotFound:  # deleted meanwhile: nothing else would ever remove this thumbnail
            await self.parts.blobs.delete(image.thumbnail_key)
            raise
        return thumbnail

    # ---------------------------------------------------------------- zip

    async def zip(
        self, image_ids: Sequence[int], *, language: Language = Language.EN
    ) -> AsyncGenerator[bytes, None]:
        """Yield a zip file of images: each once, in the order of the ids, one after the other, in pieces.

        Images that cannot be read are left out, and a file in it says which and why, in that language. The
        first piece comes when there is an image: until then, all of it may be refused.

        Raises:
            ValidationFailed: there is no id, or there are more than `MAX_ZIPPED_IMAGES`.
            ImageNotFound, BlobMissing: none of the images is there.
            StorageError: none can be read now; or, later, one cannot be read to its end.
        """
        if not 0 < len(image_ids) <= MAX_ZIPPED_IMAGES:
            too_many = ProblemCode.TOO_MANY_ITEMS(maximum=MAX_ZIPPED_IMAGES)
            raise ValidationFailed.for_field("ids", too_many if image_ids else ProblemCode.EMPTY())
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
            image = await self.parts.images.get(image_id)
        except ImageNotFound as error:
            missing.lines.append((str(image_id), error.reason))
            missing.errors.append(error)
            return
        if missing.silences >= _MAX_SILENCES and image.storage is StorageState.ARCHIVE:
            missing.note(image, StorageUnreachable(StorageCode.ARCHIVE_UNREACHABLE()))
            return
        async with _opened(self.parts.blobs.open(image.blob_key)) as chunks:
            try:
                chunk = await anext(chunks, b"")
            except (BlobMissing, StorageError) as error:
                missing.note(image, error)
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
            missing.lines.append((_name(image), StorageCode.LOCAL_FILE_DAMAGED(image_id=image.id)))

    # ---------------------------------------------------------------- delete and mark

    async def delete(self, image_ids: Sequence[int]) -> ChangedImages:
        """Delete the records of images at once; the next sweep of the outbox removes their bytes.

        Raises:
            ValidationFailed: there are too many ids.
        """
        ids = _distinct(image_ids)
        deleted = {image.id for image in await self.parts.images.delete(ids)}
        _log.info("images were deleted", extra={"images": len(ids), "changed": len(deleted)})
        self.on_change()
        missing = (image_id for image_id in ids if image_id not in deleted)
        return ChangedImages(changed=len(deleted), missing=tuple(missing))

    async def delete_one(self, image_id: int) -> Image:
        """Delete an image and its bytes, and return its record.

        The outbox records what is still to be removed, so that a store that is down now is retried later.

        Raises:
            ImageNotFound: there is none.
        """
        images = await self.parts.images.delete((image_id,))
        if not images:
            raise ImageNotFound(image_id)
        (image,) = images
        for key in filter(None, (image.blob_key, image.thumbnail_key)):
            try:
                await self.parts.blobs.delete(key)
            except StorageError:
                _log.warning("the bytes of a deleted image are removed later", extra={"image_id": image_id})
        self.on_change()
        return image

    async def mark(self, image_ids: Sequence[int], change: MarkChange) -> ChangedImages:
        """Change the marks of all of the images in one transaction; repeated, it changes nothing.

        Names of tags are given as people write them.

        Raises:
            ValidationFailed: too many images, or a name that no tag can have.
            CollectionNotFound: there is no such collection.
            TooManyTags: some of the images would have too many; none was changed.
        """
        ids = _distinct(image_ids)
        clean = attrs.evolve(
            change,
            tags=None if change.tags is None else tag_names(change.tags),
            tag=None if change.tag is None else tag_name(change.tag),
            untag=None if change.untag is None else tag_name(change.untag),
        )
        result = await self.parts.marks.change(ids, clean)
        changes = attrs.asdict(clean, filter=lambda _, value: value is not None)
        extra = {"change": changes, "images": len(ids), "changed": result.changed}
        _log.info("the marks of images were changed", extra=extra)
        return result

    async def mark_one(self, image_id: int, change: MarkChange) -> Image:
        """Change the marks of one image, and return it as it is then.

        Raises:
            ImageNotFound: there is none.
            ValidationFailed, CollectionNotFound, TooManyTags: as for `mark`.
        """
        result = await self.mark((image_id,), change)
        if result.missing:
            raise ImageNotFound(image_id)
        return await self.parts.images.get(image_id)

    async def create_collection(self, name: str) -> Collection:
        """Add an empty collection; its name is given as people write it.

        Raises:
            ValidationFailed: no collection can have the name.
            CollectionExists: one has it.
            TooManyCollections: there are as many as there may be.
        """
        return await self.parts.marks.add_collection(collection_name(name), self.parts.clock.now())

    async def rename_collection(self, collection_id: int, name: str) -> Collection:
        """Give a collection another name, and return it as it is then.

        Raises:
            ValidationFailed: no collection can have the name.
            CollectionNotFound: there is none.
            CollectionExists: another one has the name.
        """
        return await self.parts.marks.rename_collection(collection_id, collection_name(name))


def _distinct(image_ids: Sequence[int]) -> tuple[int, ...]:
    if len(image_ids) > MAX_BATCH_IMAGES:
        raise ValidationFailed.for_field("ids", ProblemCode.TOO_MANY_ITEMS(maximum=MAX_BATCH_IMAGES))
    return tuple(dict.fromkeys(image_ids))


@attrs.define
class _MissingImages:
    """What is missing, by the names that the files would have had."""

    lines: list[tuple[str, Message]] = attrs.field(factory=list)
    errors: list[ImagegenError] = attrs.field(factory=list)
    silences: int = 0

    def note(self, image: Image, error: BlobMissing | StorageError) -> None:
        """Note that an image could not be read, in words that name no place of ours."""
        match error:
            case BlobMissing():
                reason = StorageCode.IN_NO_STORE(image_id=image.id)
            case StorageUnreachable():
                self.silences += 1
                reason = StorageCode.ARCHIVE_UNREACHABLE()
            case _:
                reason = StorageCode.NOT_READABLE(image_id=image.id)
        self.lines.append((_name(image), reason))
        self.errors.append(error)

    def add_to(self, archive: ZipStream, language: Language) -> None:
        """Add the file that says what is missing, if anything is.

        Where nothing else is in the archive, an error is raised: first one that may be gone later.
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


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
