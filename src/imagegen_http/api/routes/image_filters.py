"""Which images a query names: what lists, searches, counts and neighbours have in common."""

from typing import Annotated, Any

import attrs
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from imagegen_core.limits import MAX_MODEL_ID_CHARS, MAX_TAG_CHARS
from imagegen_core.marks.names import tag_name
from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import ImageFilter, SearchMode
from imagegen_core.ports.image_timeline import ImageList
from imagegen_core.search.query import SearchQuery
from imagegen_http.api.bodies.fields import NAME_PATTERN, TEXT_PATTERN
from imagegen_http.api.moments import MOMENT_WORDS, parse_moment, parse_zone
from imagegen_http.api.routes.dependencies import ProviderQuery, ServiceDependency, ZoneQuery

ModelQuery = Annotated[
    str | None, QueryParameter(max_length=MAX_MODEL_ID_CHARS, description="only this model's")
]
OperationQuery = Annotated[Operation | None, QueryParameter(description="only of this operation")]
FromQuery = Annotated[
    str | None,
    QueryParameter(
        name="from", description="made at or after this date or time (ISO 8601)", schema_extra=MOMENT_WORDS
    ),
]
ToQuery = Annotated[
    str | None,
    QueryParameter(
        name="to",
        description="made before this time, or up to the end of this date",
        schema_extra=MOMENT_WORDS,
    ),
]
FavouriteQuery = Annotated[bool | None, QueryParameter(description="only favourites, or only others")]
TagQuery = Annotated[
    str | None,
    QueryParameter(
        description="only with this tag, in any case and width",
        schema_extra={"maxLength": MAX_TAG_CHARS, "pattern": NAME_PATTERN},
    ),
]
CollectionQuery = Annotated[int | None, QueryParameter(description="only those in this collection: its id")]
KeywordQuery = Annotated[str | None, QueryParameter(description='words that must all occur; "…" is a phrase')]
SearchKeywordQuery = Annotated[
    str | None,
    QueryParameter(
        description='words that must all occur; "…" is a phrase',
        schema_extra={"examples": ["猫"], "minLength": 1, "pattern": TEXT_PATTERN},
    ),
]
ModeQuery = Annotated[SearchMode, QueryParameter(description="contains: exactly; relevant: then close ones")]

FilterDependency = NamedDependency[SkipValidation[ImageFilter]]
ListDependency = NamedDependency[SkipValidation[ImageList]]


async def image_filter(
    provider: ProviderQuery = None,
    model_id: ModelQuery = None,
    operation: OperationQuery = None,
    created_from: FromQuery = None,
    created_to: ToQuery = None,
    favourite: FavouriteQuery = None,
    tag: TagQuery = None,
    collection: CollectionQuery = None,
    tz: ZoneQuery = "UTC",
) -> ImageFilter:
    """Return the filter that a query names."""
    zone = parse_zone("tz", tz)
    return ImageFilter(
        provider_name=provider,
        model_id=model_id,
        operation=operation,
        created_from=parse_moment("from", created_from, end_of_day=False, zone=zone),
        created_to=parse_moment("to", created_to, end_of_day=True, zone=zone),
        favourite=favourite,
        tag=None if tag is None else tag_name(tag),
        collection=collection,
    )


async def image_list(
    service: ServiceDependency,
    criteria: FilterDependency,
    keyword: KeywordQuery = None,
    mode: ModeQuery = SearchMode.CONTAINS,
) -> ImageList:
    """Return the list that a query names: that of a search if it has a keyword."""
    query = None if keyword is None else SearchQuery.parse(keyword, service.imagegen.adapters.simplify)
    return ImageList(criteria=criteria, query=query, mode=mode)


def identity(criteria: ImageFilter) -> tuple[Any, ...]:
    """Return the filter as a part of the query that a cursor belongs to."""
    return attrs.astuple(criteria)


FILTER = {"criteria": Provide(image_filter)}
LIST = {**FILTER, "images": Provide(image_list)}
