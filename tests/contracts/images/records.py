"""Records of images, and what becomes of them."""

import pytest

from imagegen_core.errors import ImageNotFound, StaleTask
from imagegen_core.images import StorageState
from imagegen_core.ports.image_records import ImageFilter, ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.search import Paging
from tests.contracts.images.searches import search
from tests.contracts.samples import NOW, a_task, add_image, an_attempt, an_image


class Records:
    """Reading and deleting records."""

    async def test_a_record_comes_back_whole(self, repository: TaskRepository, records: ImageRecords) -> None:
        """Every field survives, including an unsigned 64-bit checksum and nested JSON."""
        metadata = {"safety": [{"category": "x", "score": 0.5}], "说明": None}
        image = await add_image(repository, metadata=metadata, archive_checksum=str(2**64 - 1))

        assert image == await records.get(image.id)

    async def test_an_unknown_image_is_not_found(self, records: ImageRecords) -> None:
        """Reading or deleting an unknown image raises."""
        with pytest.raises(ImageNotFound):
            await records.get(1)
        with pytest.raises(ImageNotFound):
            await records.delete(1)

    async def test_images_of_a_task_are_in_order(
        self, repository: TaskRepository, records: ImageRecords
    ) -> None:
        """Images are sorted by part, then by position, whichever was stored first."""
        task = a_task()
        await repository.add(task, queue_size=9)
        late, early = an_attempt(task, part=1), an_attempt(task, part=0)
        await repository.save_attempt(
            late, task.fence, (an_image(late, prompt="c"), an_image(late, position=1, prompt="d"))
        )
        await repository.save_attempt(
            early, task.fence, (an_image(early, position=1, prompt="b"), an_image(early, prompt="a"))
        )
        await add_image(repository)

        assert ["a", "b", "c", "d"] == [image.prompt for image in await records.by_task(task.task_id)]
        assert () == await records.by_task("nobody")

    async def test_a_worker_that_lost_its_task_records_nothing(
        self, repository: TaskRepository, records: ImageRecords
    ) -> None:
        """Whether its image comes with the attempt or with the end of the task."""
        task = a_task()
        await repository.add(task, queue_size=9)
        attempt, claimed = an_attempt(task), task.claim("me", NOW)
        await repository.save(claimed, task.fence)
        await repository.save(claimed.rescue(attempts=0, is_recovery=False), claimed.fence)

        with pytest.raises(StaleTask):
            await repository.save_attempt(attempt, claimed.fence, (an_image(attempt),))
        with pytest.raises(StaleTask):
            await repository.save(claimed.complete(NOW), claimed.fence, (attempt,), (an_image(attempt),))

        assert () == await records.by_task(task.task_id)

    async def test_a_deleted_image_is_gone(self, repository: TaskRepository, records: ImageRecords) -> None:
        """A deleted image cannot be found in any way, and its id is not reused."""
        image = await add_image(repository, prompt="猫")

        deleted = await records.delete(image.id)

        assert image == deleted
        with pytest.raises(ImageNotFound):
            await records.get(image.id)
        assert ([], 0) == (await search(records, "猫"), (await records.find(ImageFilter(), Paging())).total)
        assert (await add_image(repository)).id > image.id

    async def test_storage_can_be_noted(self, repository: TaskRepository, records: ImageRecords) -> None:
        """The storage state is stored; a deleted image is no error."""
        image = await add_image(repository)

        await records.set_storage(image.id, StorageState.ARCHIVE)
        await records.set_storage(image.id + 1, StorageState.ARCHIVE)

        assert StorageState.ARCHIVE == (await records.get(image.id)).storage
