"""The lineage of images in memory, from the inputs of their tasks."""

from collections.abc import Collection

from imagegen_adapters.databases.memory import MemoryState
from imagegen_core.images import Image


class MemoryLineage:
    """Looks through the images of ``state``."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def parents(self, image_id: int) -> tuple[int, ...]:
        image = self._state.images.get(image_id)
        return () if image is None else self._parents(image)

    async def children(self, image_id: int, *, limit: int) -> tuple[int, ...]:
        if image_id not in self._state.images:
            return ()
        newest_first = reversed(self._state.images.values())
        return tuple(image.id for image in newest_first if image_id in self._parents(image))[:limit]

    async def existing(self, image_ids: Collection[int]) -> frozenset[int]:
        return frozenset(image_id for image_id in image_ids if image_id in self._state.images)

    def _parents(self, image: Image) -> tuple[int, ...]:
        task = self._state.tasks.get(image.task_id)
        inputs = () if task is None else task.request.inputs
        ids = dict.fromkeys(one.image_id for one in inputs if one.image_id is not None)
        return tuple(image_id for image_id in ids if image_id in self._state.images)
