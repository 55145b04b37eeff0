"""Lookups in PostgreSQL's search index: the newest entries first, then bucket by bucket."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from imagegen_adapters.databases.postgresql import Connection
from imagegen_adapters.image_records.index_entry import facets, search_terms
from imagegen_adapters.image_records.postgresql import statements
from imagegen_adapters.image_records.similar import TextLookup
from imagegen_core.ports.image_records import ImageFilter

NEWEST = 2**63 - 1

BUCKET_BITS = 14
"""The lower bits of an id, which its bucket has not; the functions of the schema count with the same."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATTERN_ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\%_"})


@attrs.frozen(kw_only=True)
class Windows:
    """Selects the images with all tokens of ``query`` in the index and prompts like all ``patterns``.

    ``since`` (inclusive) and ``until`` (exclusive) are exact; ``oldest`` and ``newest`` bound the ids to the
    buckets with images of these days.
    """

    query: str | None
    patterns: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    oldest: int = 0
    newest: int = NEWEST

    @classmethod
    async def of_words(cls, connection: Connection, criteria: ImageFilter, words: Sequence[str]) -> "Windows":
        """Return the windows of images that meet the criteria and contain all folded words."""
        tokens, unproven = search_terms(words)
        oldest, newest = await _bounds(connection, criteria)
        return cls(
            query=_query((*tokens, *facets(criteria))),
            patterns=tuple(map(_pattern, unproven)),
            since=_timestamp(criteria.created_from),
            until=_timestamp(criteria.created_to),
            oldest=oldest,
            newest=newest,
        )

    async def ids(self, connection: Connection, *, limit: int, offset: int, before: int) -> list[int]:
        """Return ids below ``before``, newest first."""
        newest = min(self.newest, before - 1)
        values = (*self._conditions, self.oldest, newest, offset, limit)
        return [row[0] for row in await connection.fetch(statements.FIND_IMAGES, *values)]

    async def counts(self, connection: Connection, buckets: Sequence[int], *, enough: int) -> dict[int, int]:
        """Return the number of images in each of the buckets, in their order until there are ``enough``."""
        if not buckets:
            return {}
        rows = await connection.fetch(statements.COUNT_IMAGES, *self._conditions, buckets, enough)
        return {row["bucket"]: row["images"] for row in rows}

    async def texts(
        self, connection: Connection, criteria: ImageFilter, words: Iterable[str], question: TextLookup
    ) -> dict[int, str]:
        """Return the folded prompts that are asked for, of images that meet the criteria."""
        rows = await connection.fetch(
            statements.FIND_TEXTS,
            [_query((*one.tokens, *facets(criteria))) for one in question.token_sets],
            [max(self.oldest, one.oldest) for one in question.token_sets],
            min(self.newest, question.newest),
            self.since,
            self.until,
            tuple(map(_pattern, words)),
            question.max_examined,
            question.limit,
            question.sufficient,
        )
        return {row["id"]: row["folded"] for row in rows}

    @property
    def _conditions(self) -> tuple[Any, ...]:
        return self.query, self.patterns, self.since, self.until


def _query(tokens: Iterable[str]) -> str | None:
    """Return the tokens as a tsquery; they contain neither quotes nor backslashes."""
    return " & ".join(f"'{token}'" for token in dict.fromkeys(tokens)) or None


def _pattern(word: str) -> str:
    return f"%{word.translate(_PATTERN_ESCAPES)}%"


def _timestamp(moment: datetime | None) -> str | None:
    """Return the time in full precision, which only stored times lack."""
    return None if moment is None else moment.isoformat()


async def _bounds(connection: Connection, criteria: ImageFilter) -> tuple[int, int]:
    """Return the lowest and the highest id of the buckets with images of the requested days."""
    since, until = criteria.created_from, criteria.created_to
    if since is None and until is None:
        return 0, NEWEST
    first = -(2**31) if since is None else _day(since)
    last = 2**31 - 1 if until is None else _day(until)
    ((low, high),) = await connection.fetch(statements.BUCKETS_OF_DAYS, first, last)
    return (1, 0) if low is None else (low << BUCKET_BITS, (high + 1 << BUCKET_BITS) - 1)


def _day(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(days=1)
