"""What callers do with kept images: show, list by day, delete, restore, mark, and zip them."""

import asyncio
import csv
import io
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from weakref import WeakValueDictionary

import attrs

from imagegen_core.errors import (
    BlobMissing,
    ImagegenError,
    ImageNotFound,
    StorageError,
    StorageUnreachable,
    ThumbnailNotFound,
    ValidationFailed,
)
from imagegen_core.images import (
    ChangedImages,
    Collection,
    Image,
    MarkChange,
    StorageState,
    ThumbnailSide,
    collection_name,
)
from imagegen_core.limits import MAX_BATCH_IMAGES, MAX_PAGE_SIZE, MAX_SELECTED_IMAGES, MAX_ZIPPED_IMAGES
from imagegen_core.messages import Language, Message, ProblemCode, StorageCode
from imagegen_core.ports.blobs import BlobStore
from imagegen_core.ports.gallery import ImageList, ImageView, SearchHit, TrashedImage
from imagegen_core.ports.parts import Parts
from imagegen_core.ports.tools import ImageRejected, InspectorUnavailable
from imagegen_core.running.exchange import once
from imagegen_core.search import Page, Paging, pages
from imagegen_core.values import CalendarDays, ZipStream, file_name

_log = logging.getLogger(__name__)
MISSING_FILE = "MISSING.txt"  # in a zip file only if images are missing: which ones, and why
PROMPTS_FILE = "prompts.csv"  # in every zip file: how each image was made
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # begins one, also in full width
_MISSING_FILE_DATE = datetime(1980, 1, 1, tzinfo=UTC)  # the earliest date of a zip file
_MAX_WAITING = 1000  # new images whose thumbnails are made without a look
_MAX_UNANSWERED = 3  # after so many images in a row without an answer the archive is not asked again


@attrs.frozen(kw_only=True)
class Images:
    """What callers do with kept images; ``on_change`` is called after a deletion.

    What is deleted is in the trash for ``trash_days``; with 0 it is deleted for good at once.
    """

    parts: Parts
    on_change: Callable[[], object]
    trash_days: float = 0
    _making: MutableMapping[tuple[int, int], "_Making"] = attrs.field(factory=WeakValueDictionary, init=False)

    # ---------------------------------------------------------------- show

    async def show(
        self, image_id: int, images: ImageList | None = None, *, oldest_first: bool = False
    ) -> ImageView:
        """Return an image, its relatives, and its neighbours in ``images``, by default all.

        Raises `Unavailable` if the list took too long.
        """
        view, images = await self.parts.images.view(image_id), images or ImageList()
        if images == ImageList() and not oldest_first:
            return view
        around = await self.parts.images.neighbours(image_id, images, oldest_first=oldest_first)
        return attrs.evolve(view, neighbours=around)

    async def days(
        self, images: ImageList | None = None, *, zone: tzinfo = UTC
    ) -> tuple[tuple[date, int], ...]:
        """Return each day of a time zone that has ``images``, by default all, and how many; newest first.

        Of a search, images that contain the words count. Raises `Unavailable` if counting took too long.
        """
        span = await self.parts.images.span()
        if span is None:
            return ()
        calendar = CalendarDays.between(*span, zone)
        counts = await self.parts.images.count_by_quarter(calendar.bounds, images or ImageList())
        days = zip(reversed(calendar.days), reversed(counts), strict=True)
        return tuple((day, count) for day, count in days if count)

    async def ids(
        self, images: ImageList, *, oldest_first: bool = False
    ) -> tuple[tuple[int, ...], Page[SearchHit]]:
        """Return the ids of a list in its order, at most `MAX_SELECTED_IMAGES`, and its last page read."""
        ids: list[int] = []
        paging = Paging(page_size=MAX_PAGE_SIZE, oldest_first=oldest_first)
        async for page in pages(partial(self.parts.images.list, images), paging):
            ids += (hit.image.id for hit in page.items)
            if len(ids) >= MAX_SELECTED_IMAGES:
                break
        return tuple(ids), page

    async def thumbnail(self, image: Image, side: ThumbnailSide = ThumbnailSide.SMALL) -> bytes:
        """Return an image's thumbnail; the first look makes it, once for all who ask meanwhile.

        A large one has more pixels only where the image has. Raises `BlobMissing` if no store has the image,
        `StorageError` if it cannot be read or decoded now, `ThumbnailNotFound` for an SVG.
        """
        if image.thumbnail_key is None:
            raise ThumbnailNotFound(image.id)
        if max(image.width, image.height) <= ThumbnailSide.SMALL:
            side = ThumbnailSide.SMALL
        store = self.parts.blobs if side is ThumbnailSide.SMALL else self.parts.large_thumbnails
        making = self._making.setdefault((image.id, side), _Making())
        if (thumbnail := await _stored(store, image.thumbnail_key)) is not None:
            return thumbnail
        async with making.lock:
            if making.thumbnail is None:
                making.thumbnail = await self._make(image, image.thumbnail_key, store, side)
            return making.thumbnail

    async def _make(self, image: Image, key: str, store: BlobStore, side: ThumbnailSide) -> bytes:
        archived = image.storage is StorageState.ARCHIVE
        if archived and await self.parts.blobs.stat(image.blob_key) is None:
            raise BlobMissing(image.blob_key)  # an archive that is away is asked before others have to wait
        try:
            thumbnail = await self.parts.draw(self.parts.blobs.open(image.blob_key), side)
        except (ImageRejected, InspectorUnavailable) as error:
            kind = StorageError if isinstance(error, ImageRejected) else StorageUnreachable
            raise kind(StorageCode.NO_THUMBNAIL(image_id=image.id, reason=error.reason)) from error
        try:
            await store.put(key, once(thumbnail), content_type="image/webp")
        except StorageError as error:
            _log.warning("a thumbnail could not be stored: %s", error, extra={"image_id": image.id})
            return thumbnail
        try:
            await self.parts.images.get(image.id)
        except ImageNotFound:
            try:
                await self.parts.trash.get(image.id)
            except ImageNotFound:  # deleted meanwhile: nothing else would ever remove this thumbnail
                await store.delete(key)
                raise
        return thumbnail

    # ---------------------------------------------------------------- zip

    def zip(
        self, image_ids: Sequence[int], *, language: Language = Language.EN
    ) -> AsyncGenerator[bytes, None]:
        """Return a zip file of images in pieces, each image once, in the order of the ids.

        Unreadable images are left out, and a file inside says which and why; ``prompts.csv`` says how each
        was made. The first piece comes with the first image; until then all of it may be refused.
        `ImageNotFound` or `BlobMissing`: none of them is there. `StorageError`: none can be read now; or,
        later, one cannot be read to its end.
        """
        if not 0 < len(image_ids) <= MAX_ZIPPED_IMAGES:
            too_many = ProblemCode.TOO_MANY_ITEMS(maximum=MAX_ZIPPED_IMAGES)
            raise ValidationFailed.for_field("ids", too_many if image_ids else ProblemCode.EMPTY())
        missing = _MissingImages()
        return self._zip(self._of_ids(image_ids, missing), missing, language)

    def zip_batch(self, batch_id: str, *, language: Language = Language.EN) -> AsyncGenerator[bytes, None]:
        """Return a zip file of all images of a batch, as `zip` does."""
        return self._zip(self._of_batch(batch_id), _MissingImages(), language)

    async def _of_ids(self, image_ids: Sequence[int], missing: "_MissingImages") -> AsyncIterator[Image]:
        for image_id in dict.fromkeys(image_ids):
            try:
                yield await self.parts.images.get(image_id)
            except ImageNotFound as error:
                missing.lines.append((str(image_id), error.reason))
                missing.errors.append(error)

    async def _of_batch(self, batch_id: str) -> AsyncIterator[Image]:
        async for page in pages(partial(self.parts.images.of_batch, batch_id)):
            for image in page.items:
                yield image

    async def _zip(
        self, images: AsyncIterator[Image], missing: "_MissingImages", language: Language
    ) -> AsyncGenerator[bytes, None]:
        archive, lines = ZipStream(), io.StringIO("\ufeff", newline="")
        table = csv.writer(lines)
        lines.seek(0, io.SEEK_END)
        table.writerow(("file", "prompt", "provider", "model_id", "image_id", "task_id", "created_at"))
        try:
            async for image in images:
                columns = (image.prompt, image.provider_name, image.model_id, image.id, image.task_id)
                table.writerow(map(_cell, (_name(image), *columns, image.created_at.isoformat())))
                async with aclosing(self._pieces(archive, image, missing)) as pieces:
                    async for piece in pieces:
                        yield piece
            missing.check(archive)
            archive.begin(PROMPTS_FILE, self.parts.clock.now())
            archive.write(lines.getvalue().encode())
            missing.add_to(archive, language)
            archive.close()
            yield archive.take()
        finally:
            archive.close()  # also where nobody reads on

    async def _pieces(
        self, archive: ZipStream, image: Image, missing: "_MissingImages"
    ) -> AsyncGenerator[bytes, None]:
        if missing.unanswered >= _MAX_UNANSWERED and image.storage is StorageState.ARCHIVE:
            missing.note(image, StorageUnreachable(StorageCode.ARCHIVE_UNREACHABLE()))
            return
        chunks = self.parts.blobs.open(image.blob_key)
        try:
            try:
                chunk = await anext(chunks, b"")
            except (BlobMissing, StorageError) as error:
                missing.note(image, error)
                return
            if image.storage is StorageState.ARCHIVE:
                missing.unanswered = 0
            archive.begin(_name(image), image.created_at)
            size = 0
            while chunk:
                size += len(chunk)
                archive.write(chunk)
                yield archive.take()
                chunk = await anext(chunks, b"")
        finally:  # as soon as nobody reads on
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        if size != image.size_bytes:
            missing.lines.append((_name(image), StorageCode.LOCAL_FILE_DAMAGED(image_id=image.id)))

    # ---------------------------------------------------------------- delete and mark

    async def trash(self, image_ids: Sequence[int]) -> ChangedImages:
        """Move images to the trash at once, or delete them where there is none."""
        if self.trash_days <= 0:
            return await self.delete(image_ids)
        ids = _distinct(image_ids)
        trashed = await self.parts.trash.add(ids, self.parts.clock.now())
        return self._changed(ids, trashed, "images were moved to the trash")

    async def delete(self, image_ids: Sequence[int]) -> ChangedImages:
        """Delete images for good, also from the trash; the next sweep of the outbox removes the bytes."""
        ids = _distinct(image_ids)
        return self._changed(ids, await self._delete(ids), "images were deleted")

    async def delete_one(self, image_id: int) -> Image:
        """Delete an image as `delete` does, its bytes at once; if a store is down, the outbox retries."""
        images = await self._delete((image_id,))
        if not images:
            raise ImageNotFound(image_id)
        (image,) = images
        for key in filter(None, (image.blob_key, image.thumbnail_key)):
            try:
                await self.parts.large_thumbnails.delete(key)
                await self.parts.blobs.delete(key)
            except StorageError:
                _log.warning("the bytes of a deleted image are removed later", extra={"image_id": image_id})
        self.on_change()
        return image

    async def _delete(self, ids: Sequence[int]) -> tuple[Image, ...]:
        images = await self.parts.images.delete(ids)
        return (*images, *await self.parts.trash.remove(ids)) if len(images) < len(ids) else images

    async def restore(self, image_ids: Sequence[int]) -> ChangedImages:
        """Move images from the trash back to where they were, also those whose bytes are lost."""
        ids = _distinct(image_ids)
        return self._changed(ids, await self.parts.trash.restore(ids), "images were restored")

    async def empty_trash(self) -> int:
        """Delete for good what is in the trash now; cut off, it leaves the rest there."""
        removed = 0
        async for page in pages(self.parts.trash.list):  # backwards: what is deleted meanwhile stays
            removed += len(await self.parts.trash.remove([one.image.id for one in page.items]))
        _log.info("the trash was emptied", extra={"images": removed})
        self.on_change()
        return removed

    def deleted_at(self, image: TrashedImage) -> datetime:
        """Return when an image of the trash is deleted for good."""
        return image.trashed_at + timedelta(days=self.trash_days)

    def _changed(self, ids: Sequence[int], images: Sequence[Image], line: str) -> ChangedImages:
        changed = {image.id for image in images}
        _log.info(line, extra={"images": len(ids), "changed": len(changed)})
        self.on_change()
        missing = (image_id for image_id in ids if image_id not in changed)
        return ChangedImages(changed=len(changed), missing=tuple(missing))

    async def mark(self, image_ids: Sequence[int], change: MarkChange) -> ChangedImages:
        """Change the marks of all images in one transaction; idempotent.

        Raises `TooManyTags` if any image would have too many; then none is changed.
        """
        ids = _distinct(image_ids)
        result = await self.parts.marks.change(ids, change)
        changes = attrs.asdict(change, filter=lambda _, value: value is not None)
        extra = {"change": changes, "images": len(ids), "changed": result.changed}
        _log.info("the marks of images were changed", extra=extra)
        return result

    async def mark_one(self, image_id: int, change: MarkChange) -> Image:
        result = await self.mark((image_id,), change)
        if result.missing:
            raise ImageNotFound(image_id)
        return await self.parts.images.get(image_id)

    async def create_collection(self, name: str) -> Collection:
        return await self.parts.marks.add_collection(collection_name(name), self.parts.clock.now())

    async def rename_collection(self, collection_id: int, name: str) -> Collection:
        return await self.parts.marks.rename_collection(collection_id, collection_name(name))


@attrs.define(kw_only=True)
class IdleThumbnails:
    """Makes the thumbnails of new images, newest first, while no task of ``runs`` begins or ends.

    After one that does, and after a failure, it waits for ``idle_seconds``. Left to those who look: all but
    the newest thousand, images that only the archive has, and what a process that ends has not made.
    """

    images: Images
    runs: Mapping[str, object]
    idle_seconds: float = 1.0
    _waiting: deque[int] = attrs.field(factory=lambda: deque(maxlen=_MAX_WAITING), init=False)
    _noted: int = attrs.field(default=0, init=False)
    _loop: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    def note(self, images: Sequence[Image]) -> None:
        """Make the thumbnails of images that were stored just now, once there is time."""
        self._waiting += (image.id for image in images if image.storage is not StorageState.ARCHIVE)
        self._noted += 1
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run(), name="thumbnails")

    async def stop(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    async def _run(self) -> None:
        is_idle = False
        while self._waiting:
            if not is_idle:
                before = self._noted, frozenset(self.runs)
                await asyncio.sleep(self.idle_seconds)
            is_idle = before == (self._noted, frozenset(self.runs)) and await self._make(self._waiting.pop())

    async def _make(self, image_id: int) -> bool:
        parts = self.images.parts
        try:
            if parts.has_room():
                await self.images.thumbnail(await parts.images.get(image_id))
                return True
        except (ImageNotFound, ThumbnailNotFound):
            return True  # deleted meanwhile, or an SVG
        except ImagegenError as error:
            _log.warning("a thumbnail waits for a look: %s", error, extra={"image_id": image_id})
        except Exception:  # noqa: BLE001 - a defect over one image must not stop the others
            _log.exception("a thumbnail could not be made", extra={"image_id": image_id})
        return False


@attrs.define
class _Making:
    """A thumbnail that somebody may make, for as long as anybody waits for it."""

    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    thumbnail: bytes | None = None


async def _stored(store: BlobStore, key: str) -> bytes | None:
    try:
        return b"".join([chunk async for chunk in store.open(key)])
    except (BlobMissing, StorageError):  # the lookup may reach the archive, which may not respond
        return None


def _distinct(image_ids: Sequence[int]) -> tuple[int, ...]:
    if len(image_ids) > MAX_BATCH_IMAGES:
        raise ValidationFailed.for_field("ids", ProblemCode.TOO_MANY_ITEMS(maximum=MAX_BATCH_IMAGES))
    return tuple(dict.fromkeys(image_ids))


@attrs.define
class _MissingImages:
    """What is missing, by the names that the files would have had."""

    lines: list[tuple[str, Message]] = attrs.field(factory=list)
    errors: list[ImagegenError] = attrs.field(factory=list)
    unanswered: int = 0

    def note(self, image: Image, error: BlobMissing | StorageError) -> None:
        """Note an image that could not be read, in words that name no place of ours."""
        match error:
            case BlobMissing():
                reason = StorageCode.IN_NO_STORE(image_id=image.id)
            case StorageUnreachable():
                self.unanswered += 1
                reason = StorageCode.ARCHIVE_UNREACHABLE()
            case _:
                reason = StorageCode.NOT_READABLE(image_id=image.id)
        self.lines.append((_name(image), reason))
        self.errors.append(error)

    def check(self, archive: ZipStream) -> None:
        """Raise an error if all is missing, first one that may pass."""
        if archive.is_empty and self.errors:
            raise min(self.errors, key=lambda error: not isinstance(error, StorageError))

    def add_to(self, archive: ZipStream, language: Language) -> None:
        """Add the list of what is missing, if anything is."""
        if self.lines:
            text = [StorageCode.ZIP_LACKS().text(language), ""]
            text += [f"{name}: {reason.text(language)}" for name, reason in self.lines]
            archive.begin(MISSING_FILE, _MISSING_FILE_DATE)
            archive.write("\n".join([*text, ""]).encode())


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula, which a prompt may look like."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _name(image: Image) -> str:
    return file_name(image.prompt, image.id, image.mime_type.extension)
