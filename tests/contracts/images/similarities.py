"""Searches that find similar prompts, too."""

import pytest

from imagegen_core.ports.image_records import ImageFilter, ImageRecords, Match, SearchMode
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.images.searches import walk
from tests.contracts.samples import add_image


class Similarities:
    """Finding images by prompts like theirs."""

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
