"""Image records in memory."""

from collections.abc import Collection

import attrs

from imagegen_adapters.databases.memory import MemoryState
from imagegen_adapters.image_records.similar import ExactIds, RelevantList, SimilarIds, answer_each
from imagegen_adapters.stores.rows import list_page
from imagegen_core.errors import ImageNotFound
from imagegen_core.images import Image, StorageState
from imagegen_core.marks import fold_name
from imagegen_core.ports.image_records import ImageFilter, SearchHit, SearchMode
from imagegen_core.search import MAX_SIMILAR_IMAGES, Page, Paging, SearchQuery, SimilarityMatcher, fold


class MemoryImageRecords:
    """The images of ``state``, which are lost when the process ends."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    async def get(self, image_id: int) -> Image:
        return self._get(image_id)

    async def by_task(self, task_id: str) -> tuple[Image, ...]:
        images = [image for image in self._state.images.values() if image.task_id == task_id]
        return tuple(sorted(images, key=self._place))

    async def find(self, criteria: ImageFilter, paging: Paging) -> Page[Image]:
        return list_page(((image.id, image) for image in self._matching(criteria)), paging)

    async def search(
        self, query: SearchQuery, mode: SearchMode, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        exact = [image for image in self._matching(criteria) if query.matches(self._folded(image))]
        if mode is SearchMode.CONTAINS:
            return list_page(((image.id, SearchHit(image=image)) for image in exact), paging)
        return self._relevant(exact, query, criteria, paging)

    async def delete(self, image_id: int) -> Image:
        image = self._get(image_id)
        del self._state.images[image_id]
        self._state.removals += filter(None, (image.blob_key, image.thumbnail_key))
        return image

    async def delete_all(self, image_ids: Collection[int]) -> tuple[Image, ...]:
        present = [image_id for image_id in image_ids if image_id in self._state.images]
        return tuple([await self.delete(image_id) for image_id in present])

    async def set_storage(self, image_id: int, state: StorageState) -> None:
        if image_id in self._state.images:
            self._state.images[image_id] = attrs.evolve(self._state.images[image_id], storage=state)

    def _relevant(
        self, exact: list[Image], query: SearchQuery, criteria: ImageFilter, paging: Paging
    ) -> Page[SearchHit]:
        def answer(question: ExactIds | SimilarIds) -> list[int]:
            if isinstance(question, SimilarIds):
                return self._similar_ids(query, criteria, question.newest)
            ids = [image.id for image in exact if question.before is None or image.id < question.before]
            return ids[question.offset : question.offset + question.limit]

        relevant = RelevantList(exact_count=len(exact), newest=self._state.last_image_id)
        page = answer_each(relevant.page(paging), answer)
        return page.with_items(
            SearchHit(image=self._get(image_id), match=match) for image_id, match in page.items
        )

    def _similar_ids(self, query: SearchQuery, criteria: ImageFilter, newest: int) -> list[int]:
        matcher = SimilarityMatcher.from_query(query)
        images = (image for image in self._matching(criteria) if image.id <= newest)
        ranked = ((matcher.rank(self._folded(image)), -image.id) for image in images)
        best = sorted((rank, negative) for rank, negative in ranked if rank is not None)
        return [-negative for _, negative in best[:MAX_SIMILAR_IMAGES]]

    def _folded(self, image: Image) -> str:
        return fold(image.prompt, self._state.simplify)

    def _get(self, image_id: int) -> Image:
        try:
            return self._state.images[image_id]
        except KeyError:
            raise ImageNotFound(image_id) from None

    def _place(self, image: Image) -> tuple[int, int, int]:
        attempt = self._state.attempts[image.attempt_id]
        return attempt.part, image.position, image.id

    def _matching(self, criteria: ImageFilter) -> list[Image]:
        return [image for image in reversed(self._state.images.values()) if _fits(image, criteria)]


def _fits(image: Image, criteria: ImageFilter) -> bool:
    return (
        criteria.provider_name in (None, image.provider_name)
        and criteria.model_id in (None, image.model_id)
        and criteria.operation in (None, image.operation)
        and (criteria.created_from is None or criteria.created_from <= image.created_at)
        and (criteria.created_to is None or image.created_at < criteria.created_to)
        and criteria.favourite in (None, image.marks.favourite)
        and (criteria.tag is None or fold_name(criteria.tag) in map(fold_name, image.marks.tags))
        and (criteria.collection is None or criteria.collection in image.marks.collections)
    )
