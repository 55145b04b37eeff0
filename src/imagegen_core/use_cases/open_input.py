"""Open an input image of a task, whether it was sent or is a stored image."""

from collections.abc import AsyncIterator, Callable

import attrs

from imagegen_core.errors import ImageNotFound, InputNotFound
from imagegen_core.ports.blobs import BlobStore, Spool
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.requests import InputImage


@attrs.frozen(kw_only=True)
class OpenedInput:
    """An input image whose bytes ``read(start, end)`` yields, from start up to end."""

    image: InputImage
    read: Callable[[int, int], AsyncIterator[bytes]]


@attrs.frozen(kw_only=True)
class OpenInput:
    """Reads what its caller sent from the spool, and a stored image from the blob store."""

    repository: TaskRepository
    records: ImageRecords
    blobs: BlobStore
    spool: Spool

    async def __call__(self, *, task_id: str, index: int) -> OpenedInput:
        """Return the input with this number among all of the task's, from 0; nothing is read yet.

        Raises:
            TaskNotFound: there is no such task.
            InputNotFound: it has no such input, or its bytes are no longer there.
        """
        inputs = (await self.repository.get(task_id)).request.inputs
        if not 0 <= index < len(inputs):
            raise InputNotFound(task_id, index)
        image = inputs[index]
        if image.image_id is not None:
            key = await self._blob_key(task_id, index, image.image_id)
            return OpenedInput(
                image=image, read=lambda start, end: self.blobs.open(key, start=start, end=end)
            )
        owner, name = image.place
        if owner not in await self.spool.holds([owner]):
            raise InputNotFound(task_id, index)
        return OpenedInput(
            image=image, read=lambda start, end: self.spool.chunks(owner, name, start=start, end=end)
        )

    async def _blob_key(self, task_id: str, index: int, image_id: int) -> str:
        try:
            return (await self.records.get(image_id)).blob_key
        except ImageNotFound as error:
            raise InputNotFound(task_id, index) from error
