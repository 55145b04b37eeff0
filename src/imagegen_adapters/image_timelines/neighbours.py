"""What is beside an image in a list, over any database: newest first, then perhaps similar ones.

What has to be looked up is yielded, and its result sent back, as in `image_records.similar`.
"""

from collections.abc import Generator
from typing import TypeAlias

import attrs

from imagegen_core.ports.image_timeline import Neighbours
from imagegen_core.search import SearchQuery


@attrs.frozen(kw_only=True)
class Newer:
    """Asks for the id of the oldest match above the id ``above``."""

    above: int


@attrs.frozen(kw_only=True)
class Older:
    """Asks for the id of the newest match below the id ``below``."""

    below: int


@attrs.frozen(kw_only=True)
class Similar:
    """Asks for the ids of all images similar to a query, best first."""

    query: SearchQuery


Question: TypeAlias = Newer | Older | Similar
"""The answer to one for an id is a list that has it, or is empty."""

Steps = Generator[Question, list[int], Neighbours]


def neighbours(image_id: int, similar_to: SearchQuery | None = None) -> Steps:
    """Return the neighbours of an image in a list of matches, perhaps followed by similar images."""
    if image_id not in (yield Newer(above=image_id - 1)):
        return Neighbours() if similar_to is None else (yield from _among_similar(image_id, similar_to))
    newer = yield Newer(above=image_id)
    older = yield Older(below=image_id)
    if not older and similar_to is not None:
        older = yield Similar(query=similar_to)
    return Neighbours(previous=_first(newer), next=_first(older))


def _among_similar(image_id: int, query: SearchQuery) -> Steps:
    similar = yield Similar(query=query)
    if image_id not in similar:
        return Neighbours()
    place = similar.index(image_id)
    before = similar[place - 1 : place] if place else (yield Newer(above=0))  # the last of the matches
    return Neighbours(previous=_first(before), next=_first(similar[place + 1 :]))


def _first(ids: list[int]) -> int | None:
    return ids[0] if ids else None
