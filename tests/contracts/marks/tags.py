"""Tags of images."""

import pytest

from imagegen_core.errors import TooManyTags
from imagegen_core.limits import MAX_TAGS
from imagegen_core.marks import ChangedImages, MarkChange
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.marks.changes import ids
from tests.contracts.samples import add_image


class Tags:
    """Tagging images."""

    async def test_a_tag_is_shown_as_it_was_first_written(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """Case and width make no difference, until no image has it any more."""
        first, second = [(await add_image(repository)).id for _ in range(2)]
        await marks.change([first], MarkChange(tag="Cat"))
        await marks.change([second], MarkChange(tags=("dog", "ＣＡＴ")))
        again = await marks.change([first, second], MarkChange(tag="cat"))
        shown = [(await records.get(image_id)).marks.tags for image_id in (first, second)]
        matches = [await ids(records, tag=tag) for tag in ("cat", "ｃａｔ", "ca", "dog", "x")]
        await marks.change([first, second], MarkChange(untag="CAT"))
        await marks.change([first], MarkChange(tag="CAT"))

        assert 0 == again.changed
        assert [("Cat",), ("dog", "Cat")] == shown
        assert [[second, first], [second, first], [], [second], []] == matches
        assert [("CAT",), ("dog",)] == [
            (await records.get(image_id)).marks.tags for image_id in (first, second)
        ]

    async def test_tags_take_the_place_of_others(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """In the order in which they are given, however many of them stay."""
        image = await add_image(repository)
        shown = []
        for tags in (("a", "b", "c"), ("c", "x", "a"), ("a", "c"), (), ("b",)):
            await marks.change([image.id], MarkChange(tags=tags))
            shown.append((await records.get(image.id)).marks.tags)

        assert [("a", "b", "c"), ("c", "x", "a"), ("a", "c"), (), ("b",)] == shown
        assert [[image.id], [], []] == [await ids(records, tag=tag) for tag in "bac"]

    async def test_an_image_has_no_more_tags_than_it_may(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """If some would have, they are named, and no image is changed."""
        full, other = [(await add_image(repository)).id for _ in range(2)]
        await marks.change([full], MarkChange(tags=tuple(f"{n}" for n in range(MAX_TAGS))))

        with pytest.raises(TooManyTags) as caught:
            await marks.change([other, full], MarkChange(tag="one more"))
        same = await marks.change([other, full], MarkChange(tag="7"))

        assert [full] == caught.value.data["images"]
        assert ChangedImages(changed=1) == same
        assert [] == await ids(records, tag="one more")

    async def test_tags_are_listed_by_use(self, repository: TaskRepository, marks: ImageMarks) -> None:
        """The most used come first; a prefix is compared as tags are, and special characters are plain."""
        images = [(await add_image(repository)).id for _ in range(3)]
        for number, tag in ((1, "Cat"), (3, "夜"), (2, "café"), (1, "c_%"), (1, "\U0010ffff")):
            await marks.change(images[:number], MarkChange(tag=tag))
        await marks.change(images[:1], MarkChange(untag="\U0010ffff"))

        listed = [
            [(use.name, use.count) for use in await marks.tags(*query)]
            for query in (("", 9), ("", 2), ("CA", 9), ("c_", 9), ("%", 9), ("夜", 9))
        ]

        assert [
            [("夜", 3), ("café", 2), ("c_%", 1), ("Cat", 1)],
            [("夜", 3), ("café", 2)],
            [("café", 2), ("Cat", 1)],
            [("c_%", 1)],
            [],
            [("夜", 3)],
        ] == listed
