"""Where the images of a list are in time: how many were made when, and what is beside one of them."""

from collections.abc import Sequence
from typing import Protocol

import attrs

from imagegen_core.ports.image_records import ImageFilter, SearchMode
from imagegen_core.search import SearchQuery
from imagegen_core.text import text_problem


@attrs.frozen(kw_only=True)
class ImageList:
    """The images that `ImageRecords.find` lists, or that `ImageRecords.search` does if there is a ``query``.

    ``mode`` is that of the search.
    """

    criteria: ImageFilter = attrs.field(factory=ImageFilter)
    query: SearchQuery | None = None
    mode: SearchMode = SearchMode.CONTAINS

    @property
    def words(self) -> tuple[str, ...]:
        """The folded words that the prompts contain."""
        return () if self.query is None else self.query.words

    @property
    def similar_to(self) -> SearchQuery | None:
        """The query after whose matches similar images follow; None if none do."""
        return self.query if self.mode is SearchMode.RELEVANT else None

    @property
    def is_impossible(self) -> bool:
        """Whether it looks for text that nothing stored can hold."""
        criteria = self.criteria
        names = (n for n in (criteria.provider_name, criteria.model_id, criteria.tag) if n is not None)
        return any(text_problem(text) is not None for text in (*self.words, *names))


@attrs.frozen(kw_only=True)
class Neighbours:
    """The ids of the images that a list shows before and after an image; None at its ends."""

    previous: int | None = None
    next: int | None = None


class ImageTimeline(Protocol):
    """Reads lists of images. What it costs does not grow with the images that a list leaves out.

    Quarters are those of `quarter_of`.

    Raises (each method but `span`):
        Unavailable: it took longer than two seconds.
    """

    async def span(self) -> tuple[int, int] | None:
        """Return a first and a last quarter between which all images were made; None if there are none."""
        ...

    async def by_interval(self, bounds: Sequence[int], images: ImageList) -> tuple[int, ...]:
        """Return how many images were made from each of the quarters, in ascending order, to before the next.

        Of a search those count whose prompts contain the words, in either mode. All images, and those of a
        provider, model or operation between quarters, are counted as fast with a million as with a thousand
        in as many quarters; of other lists, each image takes its time.
        """
        ...

    async def neighbours(self, image_id: int, images: ImageList) -> Neighbours:
        """Return what the list of now shows before and after an image; nothing if it does not show that.

        The similar images of a search are those that its first page would be followed by.
        """
        ...
