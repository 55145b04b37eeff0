"""Collections of images."""

import pytest

from imagegen_core.errors import CollectionExists, CollectionNotFound, TooManyCollections
from imagegen_core.limits import MAX_COLLECTIONS
from imagegen_core.marks import Collection, MarkChange, Marks
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.marks.changes import ids
from tests.contracts.samples import NOW, add_image, later


class Collections:
    """Collecting images."""

    async def test_a_collection_has_a_count_and_a_cover(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """The cover is the newest of its images; collections are listed newest first."""
        images = [(await add_image(repository)).id for _ in range(3)]
        first, second = [await marks.add_collection(name, later(n)) for n, name in enumerate(("a", "b"))]
        await marks.change(images[:2], MarkChange(add_to=first.id))
        await marks.change(images, MarkChange(add_to=first.id))
        await marks.change(images[2:], MarkChange(remove_from=first.id))

        listed = await marks.collections()

        filled = Collection(id=first.id, name="a", created_at=NOW, count=2, cover=images[1])
        assert (second, filled) == listed
        assert [[images[1], images[0]], []] == [
            await ids(records, collection=one.id) for one in (first, second)
        ]

    async def test_a_name_is_given_once(self, marks: ImageMarks) -> None:
        """Case and width make no difference; the refusal tells which collection has it."""
        first, second = [await marks.add_collection(name, NOW) for name in ("Night", "b")]
        with pytest.raises(CollectionExists) as added:
            await marks.add_collection("ＮＩＧＨＴ", NOW)
        with pytest.raises(CollectionExists) as renamed:
            await marks.rename_collection(second.id, "night")

        spelled = await marks.rename_collection(first.id, "NIGHT")

        assert [first.id] * 2 == [caught.value.data["collection"] for caught in (added, renamed)]
        assert "NIGHT" == spelled.name
        assert ["b", "NIGHT"] == [one.name for one in await marks.collections()]

    async def test_removing_a_collection_removes_no_image(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """Its images show it no more and are found by it no more, and its id is not used again."""
        image = await add_image(repository)
        collection = await marks.add_collection("a", NOW)
        await marks.change([image.id], MarkChange(add_to=collection.id))
        before = await ids(records, collection=collection.id)

        await marks.remove_collection(collection.id)
        again = await marks.add_collection("a", NOW)

        assert ([image.id], []) == (before, await ids(records, collection=collection.id))
        assert Marks() == (await records.get(image.id)).marks
        assert again.id > collection.id
        assert (again,) == await marks.collections()

    @pytest.mark.parametrize("collection_id", [1, 0, -1, 2**70])
    async def test_an_unknown_collection_is_refused(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks, collection_id: int
    ) -> None:
        """Whatever is to be done with it; as a filter it finds nothing."""
        image = await add_image(repository)
        for change in (MarkChange(add_to=collection_id), MarkChange(remove_from=collection_id)):
            with pytest.raises(CollectionNotFound):
                await marks.change([image.id], change)
        with pytest.raises(CollectionNotFound):
            await marks.rename_collection(collection_id, "a")
        with pytest.raises(CollectionNotFound):
            await marks.remove_collection(collection_id)

        assert [] == await ids(records, collection=collection_id)

    async def test_there_is_an_end_to_collections(self, marks: ImageMarks) -> None:
        """Until one is removed."""
        collections = [await marks.add_collection(f"{n}", NOW) for n in range(MAX_COLLECTIONS)]
        with pytest.raises(TooManyCollections):
            await marks.add_collection("one more", NOW)

        await marks.remove_collection(collections[0].id)

        assert "one more" == (await marks.add_collection("one more", NOW)).name
