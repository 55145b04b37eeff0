"""Images that are deleted with their marks."""

import pytest

from imagegen_core.errors import ImageNotFound
from imagegen_core.marks import MarkChange, Marks, TagUse
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.images.searches import search
from tests.contracts.marks.changes import FAVOURITE, ids
from tests.contracts.samples import NOW, add_image


class Deletions:
    """Deleting marked images."""

    async def test_marks_go_with_their_image(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """Tags and collections count it no more; nothing that was searched for by them is left."""
        gone, other = [(await add_image(repository, prompt="猫")).id for _ in range(2)]
        collection = await marks.add_collection("a", NOW)
        for change in (
            FAVOURITE,
            MarkChange(tag="both"),
            MarkChange(add_to=collection.id),
        ):
            await marks.change([gone, other], change)
        await marks.change([gone], MarkChange(tag="alone"))

        deleted = await records.delete(gone)

        assert Marks(favourite=True, tags=("both", "alone"), collections=(collection.id,)) == deleted.marks
        assert (TagUse(name="both", count=1),) == await marks.tags("", 9)
        assert [(1, other)] == [(one.count, one.cover) for one in await marks.collections()]
        assert [[other]] * 3 == [
            await ids(records, **{name: value})
            for name, value in (("favourite", True), ("tag", "both"), ("collection", collection.id))
        ]

    async def test_many_images_are_deleted_at_once(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """Those that there are; they come back as they were."""
        images = [await add_image(repository, prompt="猫") for _ in range(3)]
        await marks.change([image.id for image in images], MarkChange(tag="a"))
        unknown = images[2].id + 1

        deleted = await records.delete_all([images[2].id, unknown, images[0].id, 0, 2**70])
        nothing = await records.delete_all([images[0].id])

        assert {images[0].id, images[2].id} == {image.id for image in deleted}
        assert {("a",)} == {image.marks.tags for image in deleted}
        assert () == nothing
        assert ["猫"] == await search(records, "猫")
        assert (TagUse(name="a", count=1),) == await marks.tags("", 9)
        with pytest.raises(ImageNotFound):
            await records.get(images[0].id)
