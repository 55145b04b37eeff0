"""The contract of an image timeline, as tests to subclass.

A subclass provides the fixtures ``repository``, ``records``, ``marks`` and ``timeline``, empty, over the same
data.
"""

import random
from datetime import timedelta
from typing import Any

import pytest

from imagegen_adapters.image_timelines.memory import MemoryImageTimeline
from imagegen_core.images import Image
from imagegen_core.marks import MarkChange
from imagegen_core.operations import Operation
from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageFilter, ImageRecords, SearchMode
from imagegen_core.ports.image_timeline import ImageList, ImageTimeline, Neighbours
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.search import SearchQuery
from imagegen_core.values import QUARTER_SECONDS, quarter_of
from tests.contracts.samples import NOW, add_image, later

_NOW = quarter_of(NOW)
_QUARTERS = 12


def search_of(keyword: str, mode: SearchMode = SearchMode.CONTAINS, **criteria: Any) -> ImageList:
    """Return the list of a search."""
    query = SearchQuery.parse(keyword, lambda text: text)
    return ImageList(query=query, mode=mode, criteria=ImageFilter(**criteria))


def list_of(**criteria: Any) -> ImageList:
    """Return a list without a search."""
    return ImageList(criteria=ImageFilter(**criteria))


async def add_some(
    repository: TaskRepository, records: ImageRecords, marks: ImageMarks, chance: random.Random
) -> list[Image]:
    """Store images of a few providers, models, operations, prompts and marks, at any time; delete some."""
    images = [
        await add_image(
            repository,
            prompt="".join(chance.choices(("可爱的", "猫", "小", "狗", "在窗台上"), k=chance.randint(1, 4))),
            provider_name=chance.choice("pq"),
            model_id=chance.choice("mn"),
            operation=chance.choice((Operation.GENERATE, Operation.EDIT)),
            created_at=later(chance.randrange(_QUARTERS * QUARTER_SECONDS)),
        )
        for _ in range(60)
    ]
    collection = await marks.add_collection("夜景", NOW)
    for change in (MarkChange(favourite=True), MarkChange(tag="B"), MarkChange(add_to=collection.id)):
        await marks.change([image.id for image in chance.sample(images, 20)], change)
    deleted = chance.sample(images, 9)
    for image in deleted:
        await records.delete(image.id)
    return [image for image in images if image not in deleted]


def any_list(chance: random.Random) -> ImageList:
    """Return any list of what `add_some` stores."""

    def one_of(*values: Any) -> Any:
        return chance.choice((*[None] * 3, *values))

    def moment(*, in_quarters: bool) -> Any:
        seconds = chance.randrange(_QUARTERS * QUARTER_SECONDS)
        start = NOW - timedelta(seconds=NOW.timestamp() % QUARTER_SECONDS)
        return start + timedelta(seconds=seconds - seconds % (QUARTER_SECONDS if in_quarters else 1))

    in_quarters = chance.random() < 0.5
    words = one_of("猫", "可爱的猫", "可爱的小猫", "猫 狗", "龙")
    return ImageList(
        criteria=ImageFilter(
            provider_name=one_of("p", "q", "nobody"),
            model_id=one_of("m", "n"),
            operation=one_of(Operation.EDIT),
            favourite=one_of(*(True, False)),
            tag=one_of("b"),
            collection=one_of(1, 2),
            created_from=one_of(moment(in_quarters=in_quarters)),
            created_to=one_of(moment(in_quarters=in_quarters)),
        ),
        query=None if words is None else SearchQuery.parse(words, lambda text: text),
        mode=chance.choice(list(SearchMode)),
    )


class ImageTimelineContract:
    """Where images are in time."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that adds the images."""
        raise NotImplementedError

    @pytest.fixture
    def records(self, repository: TaskRepository) -> ImageRecords:
        """Return the image records over the same data."""
        raise NotImplementedError

    @pytest.fixture
    def marks(self, repository: TaskRepository) -> ImageMarks:
        """Return the marks over the same data."""
        raise NotImplementedError

    @pytest.fixture
    def timeline(self, records: ImageRecords) -> ImageTimeline:
        """Return the timeline under test."""
        raise NotImplementedError

    async def test_without_images_there_is_nothing(self, timeline: ImageTimeline) -> None:
        """No time, no count, no neighbour."""
        assert None is await timeline.span()
        assert (0, 0) == await timeline.by_interval([0, 10, 10**7], list_of())
        assert Neighbours() == await timeline.neighbours(1, list_of())
        assert Neighbours() == await timeline.neighbours(2**63, search_of("猫"))

    async def test_images_count_in_the_quarter_of_their_time(
        self, repository: TaskRepository, timeline: ImageTimeline
    ) -> None:
        """From each bound to before the next; an interval without quarters has none."""
        for quarters in (0, 0, 2):
            await add_image(repository, created_at=NOW + timedelta(minutes=15 * quarters))

        bounds = [_NOW - 1, _NOW, _NOW, _NOW + 1, _NOW + 2, _NOW + 3]
        assert (0, 0, 2, 0, 1) == await timeline.by_interval(bounds, list_of())
        assert (_NOW, _NOW + 2) == await timeline.span()
        assert () == await timeline.by_interval([_NOW], list_of())

    async def test_a_deleted_image_counts_no_more(
        self, repository: TaskRepository, records: ImageRecords, timeline: ImageTimeline
    ) -> None:
        """Nor is it a neighbour of those that were beside it."""
        images = [await add_image(repository) for _ in range(3)]

        await records.delete(images[1].id)

        assert (2,) == await timeline.by_interval([_NOW, _NOW + 1], list_of())
        assert Neighbours(next=images[0].id) == await timeline.neighbours(images[2].id, list_of())
        assert Neighbours() == await timeline.neighbours(images[1].id, list_of())

    async def test_neighbours_are_those_of_the_list(
        self, repository: TaskRepository, timeline: ImageTimeline
    ) -> None:
        """The newer one comes before; who is not in the list is beside nobody."""
        ids = [(await add_image(repository, provider_name=name, prompt=name)).id for name in "papappa"]

        expected = Neighbours(previous=ids[4], next=ids[0])
        assert expected == await timeline.neighbours(ids[2], list_of(provider_name="p"))
        assert expected == await timeline.neighbours(ids[2], search_of("p"))
        assert Neighbours() == await timeline.neighbours(ids[1], list_of(provider_name="p"))
        assert Neighbours() == await timeline.neighbours(ids[1], search_of("p"))
        assert Neighbours(previous=ids[3], next=ids[1]) == await timeline.neighbours(ids[2], list_of())

    async def test_similar_images_follow_the_matches(
        self, repository: TaskRepository, timeline: ImageTimeline
    ) -> None:
        """The first of them is the next of the last match, and the last one has no next."""
        prompts = ("可爱的小猫", "可爱的猫", "雪山", "橘猫", "可爱的猫咪")
        near, last, other, far, first = [(await add_image(repository, prompt=p)).id for p in prompts]
        images = search_of("可爱的猫", SearchMode.RELEVANT)

        assert [
            Neighbours(next=last),
            Neighbours(previous=first, next=near),
            Neighbours(previous=last, next=far),
            Neighbours(previous=near),
            Neighbours(),
        ] == [await timeline.neighbours(image_id, images) for image_id in (first, last, near, far, other)]

    async def test_text_that_nothing_can_hold_has_nothing(
        self, repository: TaskRepository, timeline: ImageTimeline
    ) -> None:
        """Half a surrogate pair is no error."""
        image = await add_image(repository)

        for images in (list_of(provider_name="\ud800"), list_of(model_id="\x00"), search_of("\ud800")):
            assert Neighbours() == await timeline.neighbours(image.id, images)
            assert (0,) == await timeline.by_interval([0, 10**8], images)

    @pytest.mark.parametrize("seed", range(3))
    async def test_any_list_is_as_its_pages(
        self,
        repository: TaskRepository,
        records: ImageRecords,
        marks: ImageMarks,
        timeline: ImageTimeline,
        seed: int,
    ) -> None:
        """Counts and neighbours are those of whoever walks through all pages, whatever the list."""
        chance = random.Random(seed)
        images, walk = await add_some(repository, records, marks, chance), MemoryImageTimeline(records)

        for _ in range(60):
            any_of = any_list(chance)
            bounds = sorted(chance.randrange(_NOW - 2, _NOW + _QUARTERS + 2) for _ in range(5))
            assert await walk.by_interval(bounds, any_of) == await timeline.by_interval(bounds, any_of)
            for image in chance.sample(images, 5):
                expected = await walk.neighbours(image.id, any_of)
                assert expected == await timeline.neighbours(image.id, any_of), (image.id, any_of)
