"""The contract of image records, as tests to subclass.

A subclass provides the fixtures ``repository`` and ``records``, empty, over the same data::

    class TestMyRecords(ImageRecordsContract):
        @pytest.fixture
        def repository(self): ...

        @pytest.fixture
        def records(self, repository): ...
"""

from typing import Any

import pytest

from imagegen_adapters.testing.samples import NOW, a_task, an_attempt, an_image, later
from imagegen_core.errors import ImageNotFound, StaleTask
from imagegen_core.images import Image, StorageState
from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import ImageFilter, ImageRecords, Match, SearchHit, SearchMode
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.search.pages import Paging
from imagegen_core.search.query import SearchQuery


async def add_image(repository: TaskRepository, **changes: Any) -> Image:
    """Store an image of a task of its own, and return its record."""
    task = a_task()
    await repository.add(task, queue_size=100_000)
    attempt = an_attempt(task)
    (image,) = await repository.save_attempt(attempt, task.fence, (an_image(attempt, **changes),))
    return image


async def search(records: ImageRecords, keyword: str, **paging: int) -> list[str]:
    """Return the prompts that contain the keyword, in the order of the results."""
    query = SearchQuery.parse(keyword, lambda text: text)
    page = await records.search(query, SearchMode.CONTAINS, ImageFilter(), Paging(**paging))
    return [hit.image.prompt for hit in page.items]


async def walk(
    repository: TaskRepository, records: ImageRecords, keyword: str, mode: SearchMode, page_size: int
) -> list[SearchHit]:
    """Return all hits, following the cursors, while a new image is added after each page."""
    query = SearchQuery.parse(keyword, lambda text: text)
    hits: list[SearchHit] = []
    after: int | None = None
    while True:
        page = await records.search(query, mode, ImageFilter(), Paging(page_size=page_size, after=after))
        hits += page.items
        await add_image(repository, prompt=keyword)
        if not page.has_more:
            return hits
        after = page.last


class ImageRecordsContract:
    """Records of images, and the search over them."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that adds the images."""
        raise NotImplementedError

    @pytest.fixture
    def records(self, repository: TaskRepository) -> ImageRecords:
        """Return the records under test."""
        raise NotImplementedError

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

    async def test_lists_are_newest_first(self, repository: TaskRepository, records: ImageRecords) -> None:
        """Paging by number and by cursor returns the same list."""
        images = [await add_image(repository) for _ in range(5)]

        first = await records.find(ImageFilter(), Paging(page_size=2))
        second = await records.find(ImageFilter(), Paging(page=2, page_size=2))
        after = await records.find(ImageFilter(), Paging(page_size=2, after=first.last))
        last = await records.find(ImageFilter(), Paging(page_size=2, after=after.last))

        assert (images[4], images[3]) == first.items
        assert second.items == after.items == (images[2], images[1])
        assert (images[0],) == last.items
        assert (True, True, False) == (first.has_more, after.has_more, last.has_more)
        assert {(5, True)} == {(page.total, page.total_is_exact) for page in (first, second, after, last)}

    async def test_filters_narrow_the_list(self, repository: TaskRepository, records: ImageRecords) -> None:
        """Provider, model, operation and time restrict the list; the upper bound of the time is exclusive."""
        old = await add_image(repository, provider_name="p", model_id="m", created_at=later(-60))
        new = await add_image(repository, operation=Operation.EDIT)

        results = [
            (await records.find(criteria, Paging())).items
            for criteria in (
                ImageFilter(provider_name="p"),
                ImageFilter(model_id="m"),
                ImageFilter(operation=Operation.EDIT),
                ImageFilter(created_from=NOW),
                ImageFilter(created_to=NOW),
                ImageFilter(provider_name="p", operation=Operation.EDIT),
            )
        ]

        assert [(old,), (old,), (new,), (new,), (old,), ()] == results

    async def test_search_finds_every_word(self, repository: TaskRepository, records: ImageRecords) -> None:
        """All words must occur, anywhere and in any case and width; the newest come first."""
        for prompt in ("A Cat in the rain", "cat, dog", "ＣＡＴ　夜", "一只可爱的猫", "100% cotton_shirt"):
            await add_image(repository, prompt=prompt)

        results = [
            await search(records, keyword) for keyword in ("cat", "ca rain", "猫", "%", "n_s", "_%", "鸟")
        ]

        cats = ["ＣＡＴ　夜", "cat, dog", "A Cat in the rain"]
        shirt = ["100% cotton_shirt"]
        assert [cats, ["A Cat in the rain"], ["一只可爱的猫"], shirt, shirt, [], []] == results

    async def test_search_has_pages(self, repository: TaskRepository, records: ImageRecords) -> None:
        """A search continues after a cursor, and its total counts all hits."""
        for number in range(5):
            await add_image(repository, prompt=f"猫 {number}")
            await add_image(repository, prompt="狗")
        query = SearchQuery.parse("猫", lambda text: text)
        first = await records.search(query, SearchMode.CONTAINS, ImageFilter(), Paging(page_size=2))

        rest = await search(records, "猫", page_size=9, after=first.last or 0)

        assert (["猫 4", "猫 3"], 5, True) == (
            [hit.image.prompt for hit in first.items],
            first.total,
            first.has_more,
        )
        assert ["猫 2", "猫 1", "猫 0"] == rest

    async def test_special_characters_are_plain(
        self, repository: TaskRepository, records: ImageRecords
    ) -> None:
        """Each character matches only itself; one character is enough."""
        prompts = ["100%", "a_b", "back\\slash", 'a "quote"', "it's", "star*", "(best:1.2)", "🐱🐶", "夜，雨"]
        for prompt in (*prompts, "nothing special"):
            await add_image(repository, prompt=prompt)
        keywords = ["%", "_", "\\", '"', "'", "*", "(best:1.2)", "🐶", "，"]

        assert [[prompt] for prompt in prompts] == [await search(records, keyword) for keyword in keywords]

    async def test_a_phrase_is_taken_with_its_spaces(
        self, repository: TaskRepository, records: ImageRecords
    ) -> None:
        """Quoted words must be adjacent; others may stand anywhere."""
        for prompt in ("a red car", "red and car", "redcar"):
            await add_image(repository, prompt=prompt)

        assert ["a red car"] == await search(records, '"red car"')
        assert ["redcar", "red and car", "a red car"] == await search(records, "red car")

    async def test_filters_narrow_a_search(self, repository: TaskRepository, records: ImageRecords) -> None:
        """A search with a filter returns only images that satisfy both."""
        for provider in ("p", "q"):
            for prompt in ("猫", "狗"):
                await add_image(
                    repository, prompt=prompt, provider_name=provider, created_at=later(ord(provider))
                )
        query = SearchQuery.parse("猫", lambda text: text)

        results = [
            [hit.image.provider_name for hit in page.items]
            for criteria in (
                ImageFilter(provider_name="p"),
                ImageFilter(created_from=later(ord("q"))),
                ImageFilter(provider_name="p", created_from=later(ord("q"))),
            )
            for page in [await records.search(query, SearchMode.CONTAINS, criteria, Paging())]
        ]

        assert [["p"], ["q"], []] == results

    async def test_cursors_walk_a_search_once_while_images_come(
        self, repository: TaskRepository, records: ImageRecords
    ) -> None:
        """Images present at the start are returned once, newest first; those added later are not."""
        for number in range(7):
            await add_image(repository, prompt=f"猫{number}")

        hits = await walk(repository, records, "猫", SearchMode.CONTAINS, 2)

        assert [f"猫{number}" for number in reversed(range(7))] == [hit.image.prompt for hit in hits]

    async def test_relevant_adds_close_ones_best_first(
        self, repository: TaskRepository, records: ImageRecords
    ) -> None:
        """A prompt with one character inserted ranks before others that share the parts."""
        exact = ["可爱的猫咪", "一只可爱的猫"]
        close = ["可爱的小猫", "可爱的狗和猫", "猫和可爱的狗", "橘猫"]
        for prompt in ("可爱的小猫", "雪山", *reversed(exact), "猫和可爱的狗", "可爱的狗和猫", "橘猫"):
            await add_image(repository, prompt=prompt)
        query = SearchQuery.parse("可爱的猫", lambda text: text)

        page = await records.search(query, SearchMode.RELEVANT, ImageFilter(), Paging())

        expected = [
            *((prompt, Match.EXACT) for prompt in exact),
            *((prompt, Match.SIMILAR) for prompt in close),
        ]
        assert expected == [(hit.image.prompt, hit.match) for hit in page.items]
        assert (6, False) == (page.total, page.has_more)

    @pytest.mark.parametrize("page_size", [1, 2, 3, 6, 7])
    async def test_relevant_pages_join_without_a_gap(
        self, repository: TaskRepository, records: ImageRecords, page_size: int
    ) -> None:
        """By number, and by cursor while images are added: each appears once, exact matches first."""
        for number in range(3):
            for prompt in ("可爱的猫", "可爱的小猫", "狗"):
                await add_image(repository, prompt=f"{prompt}{number}")
        query = SearchQuery.parse("可爱的猫", lambda text: text)
        numbered = [
            hit.image.id
            for number in range(1, 8)
            for hit in (
                await records.search(
                    query, SearchMode.RELEVANT, ImageFilter(), Paging(page=number, page_size=page_size)
                )
            ).items
        ]

        walked = [
            hit.image.id
            for hit in await walk(repository, records, "可爱的猫", SearchMode.RELEVANT, page_size)
        ]

        assert [7, 4, 1, 8, 5, 2] == numbered
        assert numbered == walked

    async def test_a_page_beyond_the_end_is_empty(
        self, repository: TaskRepository, records: ImageRecords
    ) -> None:
        """By number and by cursor, in either mode, it is empty and has no next page."""
        await add_image(repository, prompt="猫")
        query = SearchQuery.parse("猫", lambda text: text)

        for mode in SearchMode:
            for paging in (Paging(page=1_000_000, page_size=100), Paging(after=1)):
                page = await records.search(query, mode, ImageFilter(), paging)
                assert ((), False) == (page.items, page.has_more)

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
