"""Finding images by their prompts, and by prompts like theirs."""

import pytest

from imagegen_core.ports.gallery import ImageFilter, Match, SearchHit, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import add_image, find_hits, later, search

pytestmark = pytest.mark.anyio


async def walk(repository, records, keyword, mode, page_size):
    """Return all hits, following the cursors, while a new image is added after each page."""
    query = SearchQuery.parse(keyword, lambda text: text)
    hits: list[SearchHit] = []
    after: int | None = None
    while True:
        page = await find_hits(records, query, mode, ImageFilter(), Paging(page_size=page_size, after=after))
        hits += page.items
        await add_image(repository, prompt=keyword)
        if not page.has_more:
            return hits
        after = page.last


async def test_search_finds_every_word(repository, records):
    """All words must occur, anywhere and in any case and width; the newest come first."""
    for prompt in ("A Cat in the rain", "cat, dog", "ＣＡＴ　夜", "一只可爱的猫", "100% cotton_shirt"):
        await add_image(repository, prompt=prompt)

    results = [await search(records, keyword) for keyword in ("cat", "ca rain", "猫", "%", "n_s", "_%", "鸟")]

    cats = ["ＣＡＴ　夜", "cat, dog", "A Cat in the rain"]
    shirt = ["100% cotton_shirt"]
    assert [cats, ["A Cat in the rain"], ["一只可爱的猫"], shirt, shirt, [], []] == results


async def test_search_has_pages(repository, records):
    """A search continues after a cursor, and its total counts all hits."""
    for number in range(5):
        await add_image(repository, prompt=f"猫 {number}")
        await add_image(repository, prompt="狗")
    query = SearchQuery.parse("猫", lambda text: text)
    first = await find_hits(records, query, SearchMode.CONTAINS, ImageFilter(), Paging(page_size=2))

    rest = await search(records, "猫", page_size=9, after=first.last or 0)

    assert (["猫 4", "猫 3"], 5, True) == (
        [hit.image.prompt for hit in first.items],
        first.total,
        first.has_more,
    )
    assert ["猫 2", "猫 1", "猫 0"] == rest


async def test_special_characters_are_plain(repository, records):
    """Each character matches only itself; one character is enough."""
    prompts = ["100%", "a_b", "back\\slash", 'a "quote"', "it's", "star*", "(best:1.2)", "🐱🐶", "夜，雨"]
    for prompt in (*prompts, "nothing special"):
        await add_image(repository, prompt=prompt)
    keywords = ["%", "_", "\\", '"', "'", "*", "(best:1.2)", "🐶", "，"]

    assert [[prompt] for prompt in prompts] == [await search(records, keyword) for keyword in keywords]


async def test_a_phrase_is_taken_with_its_spaces(repository, records):
    """Quoted words must be adjacent; others may stand anywhere."""
    for prompt in ("a red car", "red and car", "redcar"):
        await add_image(repository, prompt=prompt)

    assert ["a red car"] == await search(records, '"red car"')
    assert ["redcar", "red and car", "a red car"] == await search(records, "red car")


async def test_filters_narrow_a_search(repository, records):
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
        for page in [await find_hits(records, query, SearchMode.CONTAINS, criteria, Paging())]
    ]

    assert [["p"], ["q"], []] == results


async def test_cursors_walk_a_search_once_while_images_come(repository, records):
    """Images present at the start are returned once, newest first; those added later are not."""
    for number in range(7):
        await add_image(repository, prompt=f"猫{number}")

    hits = await walk(repository, records, "猫", SearchMode.CONTAINS, 2)

    assert [f"猫{number}" for number in reversed(range(7))] == [hit.image.prompt for hit in hits]


async def test_a_page_beyond_the_end_is_empty(repository, records):
    """By number and by cursor, in either mode, it is empty and has no next page."""
    await add_image(repository, prompt="猫")
    query = SearchQuery.parse("猫", lambda text: text)

    for mode in SearchMode:
        for paging in (Paging(page=1_000_000, page_size=100), Paging(after=1)):
            page = await find_hits(records, query, mode, ImageFilter(), paging)
            assert ((), False) == (page.items, page.has_more)


async def test_relevant_adds_close_ones_best_first(repository, records):
    """A prompt with one character inserted ranks before others that share the parts."""
    exact = ["可爱的猫咪", "一只可爱的猫"]
    close = ["可爱的小猫", "可爱的狗和猫", "猫和可爱的狗", "橘猫"]
    for prompt in ("可爱的小猫", "雪山", *reversed(exact), "猫和可爱的狗", "可爱的狗和猫", "橘猫"):
        await add_image(repository, prompt=prompt)
    query = SearchQuery.parse("可爱的猫", lambda text: text)

    page = await find_hits(records, query, SearchMode.RELEVANT, ImageFilter(), Paging())

    expected = [
        *((prompt, Match.EXACT) for prompt in exact),
        *((prompt, Match.SIMILAR) for prompt in close),
    ]
    assert expected == [(hit.image.prompt, hit.match) for hit in page.items]
    assert (6, False) == (page.total, page.has_more)


@pytest.mark.parametrize("page_size", [1, 2, 3, 6, 7])
async def test_relevant_pages_join_without_a_gap(repository, records, page_size):
    """By number, and by cursor while images are added: each appears once, exact matches first."""
    for number in range(3):
        for prompt in ("可爱的猫", "可爱的小猫", "狗"):
            await add_image(repository, prompt=f"{prompt}{number}")
    query = SearchQuery.parse("可爱的猫", lambda text: text)
    numbered = [
        hit.image.id
        for number in range(1, 8)
        for hit in (
            await find_hits(
                records, query, SearchMode.RELEVANT, ImageFilter(), Paging(page=number, page_size=page_size)
            )
        ).items
    ]

    walked = [
        hit.image.id for hit in await walk(repository, records, "可爱的猫", SearchMode.RELEVANT, page_size)
    ]

    assert [7, 4, 1, 8, 5, 2] == numbered
    assert numbered == walked
