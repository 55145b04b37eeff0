"""Show the input images of tasks, and whether their bytes are still there."""

from collections.abc import Mapping, Sequence

import attrs

from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.lineage import Lineage
from imagegen_core.requests import InputImage, InputRole
from imagegen_core.task import Task


@attrs.frozen(kw_only=True)
class InputView:
    """An input image as it is shown.

    Its bytes are those of the stored image that it was named by, or what its caller sent. Unless it is
    ``available``, that image is deleted, or what was sent was not kept.
    """

    role: InputRole
    image: InputImage
    available: bool


@attrs.frozen(kw_only=True)
class ShowInputs:
    """Looks for the bytes of all inputs at once; for tasks without inputs, nowhere."""

    spool: Spool
    lineage: Lineage

    async def __call__(self, *, tasks: Sequence[Task]) -> Mapping[str, tuple[InputView, ...]]:
        """Return the inputs of the tasks that have any, by their ids: references, then image, then mask.

        Raises:
            StorageError: the stores do not respond now.
        """
        inputs = {task.task_id: task.request.inputs_with_roles for task in tasks if task.request.inputs}
        images = [image for pairs in inputs.values() for _, image in pairs]
        owners = {image.place[0] for image in images if image.image_id is None}
        image_ids = {image.image_id for image in images if image.image_id is not None}
        present = await self.spool.holds(owners) if owners else frozenset()
        existing = await self.lineage.existing(image_ids) if image_ids else frozenset()

        def is_available(image: InputImage) -> bool:
            return image.place[0] in present if image.image_id is None else image.image_id in existing

        return {
            task_id: tuple(
                InputView(role=role, image=image, available=is_available(image)) for role, image in pairs
            )
            for task_id, pairs in inputs.items()
        }
