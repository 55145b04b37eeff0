"""Searches for words."""

from imagegen_core.ports.image_records import ImageFilter, ImageRecords, SearchHit, SearchMode
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import add_image, later


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


class Searches:
    """Finding images by their prompts."""

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
