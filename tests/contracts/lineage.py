"""The contract of a lineage, as tests to subclass.

A subclass provides the fixtures ``repository``, ``records`` and ``lineage``, empty, over the same data.
"""

from typing import Any

import pytest

from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.lineage import Lineage
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.requests import ImageRequest, InputImage
from tests.contracts.samples import NOW, a_task, an_attempt, an_image


def an_input(image_id: int | None = None) -> InputImage:
    """Return an input that its caller sent, or that is a stored image."""
    return InputImage(
        key="task/name",
        mime_type="image/png",
        width=1,
        height=1,
        size_bytes=1,
        sha256="0" * 64,
        image_id=image_id,
    )


class LineageContract:
    """Parents and children of images."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the repository whose tasks have inputs."""
        raise NotImplementedError

    @pytest.fixture
    def records(self) -> ImageRecords:
        """Return the records of the images."""
        raise NotImplementedError

    @pytest.fixture
    def lineage(self) -> Lineage:
        """Return the lineage under test."""
        raise NotImplementedError

    async def test_what_was_made_from_nothing_has_no_parents(
        self, repository: TaskRepository, lineage: Lineage
    ) -> None:
        """Nor has an image whose inputs its caller sent, nor one that does not exist."""
        alone = await store_image(repository)
        edited = await store_image(repository, image=an_input(), mask=an_input())

        parents = [await lineage.parents(one) for one in (alone, edited, 999)]

        assert [(), (), ()] == parents

    async def test_parents_are_in_the_order_of_the_inputs(
        self, repository: TaskRepository, lineage: Lineage
    ) -> None:
        """Each is there once, at its first place; what was sent is passed over."""
        first, second = [await store_image(repository) for _ in range(2)]
        inputs = (an_input(second), an_input(), an_input(first), an_input(second))
        child = await store_image(repository, references=inputs)

        assert (second, first) == await lineage.parents(child)

    async def test_a_mask_is_a_parent_too(self, repository: TaskRepository, lineage: Lineage) -> None:
        """It stands behind the image that is edited."""
        mask, image = [await store_image(repository) for _ in range(2)]
        child = await store_image(repository, image=an_input(image), mask=an_input(mask))

        assert (image, mask) == await lineage.parents(child)

    async def test_children_are_the_newest(self, repository: TaskRepository, lineage: Lineage) -> None:
        """Of all tasks that took the image, and as many as are asked for; grandchildren are none."""
        parent, other = [await store_image(repository) for _ in range(2)]
        children = [await store_image(repository, image=an_input(parent)) for _ in range(3)]
        await store_image(repository, image=an_input(other))
        await store_image(repository, image=an_input(children[0]))

        assert (children[2], children[1]) == await lineage.children(parent, limit=2)

    async def test_images_that_are_stored_when_their_task_ends_have_parents(
        self, repository: TaskRepository, lineage: Lineage
    ) -> None:
        """The last images of a task are stored with its end."""
        parent = await store_image(repository)
        task = a_task(request=ImageRequest(operation=Operation.UPSCALE, image=an_input(parent)))
        await repository.add(task, queue_size=1000)
        claimed, attempt = task.claim("worker", NOW), an_attempt(task)
        await repository.save(claimed, task.fence)
        image = an_image(attempt, operation=Operation.UPSCALE)
        await repository.save(claimed.complete(NOW), claimed.fence, (attempt,), (image,))

        (child,) = await lineage.children(parent, limit=9)

        assert (parent,) == await lineage.parents(child)

    async def test_what_is_deleted_is_no_relative(
        self, repository: TaskRepository, records: ImageRecords, lineage: Lineage
    ) -> None:
        """Neither a parent nor a child, whether it was deleted before or after the other was made."""
        parent, gone, early = [await store_image(repository) for _ in range(3)]
        await records.delete(early)
        inputs = (an_input(early), an_input(gone), an_input(parent))
        child, deleted = [await store_image(repository, references=inputs) for _ in range(2)]
        await records.delete(gone)
        await records.delete(deleted)

        assert ((parent,), (child,)) == (
            await lineage.parents(child),
            await lineage.children(parent, limit=9),
        )
        assert ((), ()) == (await lineage.children(gone, limit=9), await lineage.children(early, limit=9))

    async def test_existing_images(
        self, repository: TaskRepository, records: ImageRecords, lineage: Lineage
    ) -> None:
        """Of those that are asked for."""
        stays, gone, _ = [await store_image(repository) for _ in range(3)]
        await records.delete(gone)

        assert {stays} == await lineage.existing([stays, gone, 999])
        assert frozenset() == await lineage.existing([])


async def store_image(repository: TaskRepository, **inputs: Any) -> int:
    """Store an image of a new task with such inputs, and return its id."""
    operation = Operation.EDIT if "image" in inputs else Operation.REFERENCE
    task = a_task(request=ImageRequest(operation=operation if inputs else Operation.GENERATE, **inputs))
    await repository.add(task, queue_size=1000)
    attempt = an_attempt(task)
    image = an_image(attempt, operation=task.request.operation)
    (stored,) = await repository.save_attempt(attempt, task.fence, (image,))
    return stored.id
