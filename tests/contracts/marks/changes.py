"""Changes of marks, and where they show."""

from imagegen_core.marks import ChangedImages, MarkChange, Marks
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageFilter, ImageRecords, SearchMode
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import NOW, add_image

FAVOURITE = MarkChange(favourite=True)


async def ids(records: ImageRecords, **criteria: object) -> list[int]:
    """Return the ids of the images that meet the criteria, and check that their total is right."""
    page = await records.find(ImageFilter(**criteria), Paging())  # type: ignore[arg-type] # as tests give them
    assert len(page.items) == page.total
    return [image.id for image in page.items]


class Changes:
    """Marking images, and finding them by it."""

    async def test_marks_are_shown_wherever_an_image_is(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """Alone, with its task, in lists and in searches; tags are in the order in which they came."""
        image = await add_image(repository, prompt="猫")
        collection = await marks.add_collection("夜景", NOW)
        await marks.change([image.id], MarkChange(favourite=True, tags=("b", "a"), add_to=collection.id))
        await marks.change([image.id], MarkChange(tag="猫"))
        query = SearchQuery.parse("猫", str)
        searches = [await records.search(query, mode, ImageFilter(), Paging()) for mode in SearchMode]

        shown = [
            await records.get(image.id),
            *await records.by_task(image.task_id),
            *(await records.find(ImageFilter(), Paging())).items,
            *(await records.find(ImageFilter(favourite=True), Paging())).items,
            *(hit.image for page in searches for hit in page.items),
        ]

        expected = Marks(favourite=True, tags=("b", "a", "猫"), collections=(collection.id,))
        assert [expected] * 6 == [one.marks for one in shown]

    async def test_changes_are_counted_once(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """What was so already is not changed, and what is missing is named; both are no error."""
        first, second = [(await add_image(repository)).id for _ in range(2)]
        await marks.change([first], FAVOURITE)
        unknown = [second + 1, 0, -1, 2**70]

        results = [await marks.change([*unknown, second, first], FAVOURITE) for _ in range(2)]

        missing = tuple(unknown)
        assert [ChangedImages(changed=n, missing=missing) for n in (1, 0)] == results
        assert ([second, first], []) == (
            await ids(records, favourite=True),
            await ids(records, favourite=False),
        )

    async def test_favourites_are_told_from_others(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """Both ways, also after a change back, and with words."""
        images = [(await add_image(repository, prompt=prompt)).id for prompt in ("猫", "狗", "猫狗")]
        await marks.change(images, FAVOURITE)
        await marks.change(images[:1], MarkChange(favourite=False))
        query = SearchQuery.parse("猫", str)

        matches = [
            [hit.image.id for hit in page.items]
            for favourite in (True, False)
            for page in [
                await records.search(query, SearchMode.CONTAINS, ImageFilter(favourite=favourite), Paging())
            ]
        ]

        assert [[images[2], images[1]], [images[0]]] == [
            await ids(records, favourite=True),
            await ids(records, favourite=False),
        ]
        assert [[images[2]], [images[0]]] == matches

    async def test_totals_follow_each_change(
        self, repository: TaskRepository, records: ImageRecords, marks: ImageMarks
    ) -> None:
        """Those of lists and searches that were counted a moment ago, however often marks come and go."""
        images = [(await add_image(repository, prompt="猫")).id for _ in range(3)]
        query = SearchQuery.parse("猫", str)
        changes = [MarkChange(tag=f"{number}") for number in range(5)]
        changes += [MarkChange(untag=f"{number}") for number in range(5)]
        totals = []
        for number, change in enumerate(changes):
            await marks.change(images[: number % 3 + 1], change)
            criteria = ImageFilter(tag="2")
            page = await records.search(query, SearchMode.CONTAINS, criteria, Paging())
            totals.append((len(await ids(records, tag="2")), page.total))

        assert [0, 0, 3, 3, 3, 3, 3, 1, 1, 1] == [total for total, _ in totals]
        assert [total for total, _ in totals] == [total for _, total in totals]
