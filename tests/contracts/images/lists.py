"""Lists of images."""

from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import ImageFilter, ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from imagegen_core.search import Paging
from tests.contracts.samples import NOW, add_image, later


class Lists:
    """Finding images by what is known of them."""

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
