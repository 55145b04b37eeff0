"""Lookups in PostgreSQL's search index: the newest entries first, then bucket by bucket."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import attrs

from imagegen_adapters.image_records.index_entry import facets, search_terms
from imagegen_adapters.image_records.postgresql import statements
from imagegen_adapters.image_records.similar import SEARCHED_IMAGES, TextLookup
from imagegen_adapters.stores.postgresql.database import Connection
from imagegen_core.marks import fold_name
from imagegen_core.ports.image_records import ImageFilter
from imagegen_core.search import text_of_token

NEWEST = 2**63 - 1

BUCKET_BITS = 14
"""The lower bits of an id, which its bucket has not; the functions of the schema count with the same."""

LARGE_BUCKET_BITS = 2
"""The lower bits of a bucket, which its large bucket has not; tokens are looked up in large buckets."""

_NOWHERE = (1, 0)
"""Bounds of ids that no image has."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATTERN_ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\%_"})


@attrs.frozen(kw_only=True)
class BucketChanges:
    """How many images a bucket ever got and lost; changes of marks are like losses to whom they matter."""

    added: int
    deleted: int

    def only_added_to(self, before: "BucketChanges") -> bool:
        """Return whether it has lost nothing since."""
        return self.deleted == before.deleted and self.added >= before.added


@attrs.frozen(kw_only=True)
class Windows:
    """Selects the images with all ``tokens`` in the index, prompts like all ``patterns`` and all ``marks``.

    Without the index they are those whose prompts are like all ``words`` and that have the ``facets``, which
    are provider, model and operation, and None for any. ``since`` (inclusive) and ``until`` (exclusive) are
    exact; ``oldest`` and ``newest`` bound the ids to the buckets with images of these days.
    """

    tokens: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    facets: tuple[str | None, ...] = (None, None, None)
    marks: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    oldest: int = 0
    newest: int = NEWEST

    @property
    def joined_bits(self) -> int:
        """The lower bits of a bucket that the counted ones have not: tokens and marks are of large ones."""
        return LARGE_BUCKET_BITS if self.tokens or self.marks else 0

    @property
    def _conditions(self) -> tuple[object, ...]:
        """The first arguments of the functions in the schema."""
        times = self.since, self.until
        return self.tokens or None, self.patterns, self.words, self.facets, self.marks, *times

    @classmethod
    async def of_words(cls, connection: Connection, criteria: ImageFilter, words: Sequence[str]) -> "Windows":
        """Return the windows of images that meet the criteria and contain all folded words."""
        tokens, unproven = search_terms(words)
        marks = await _marks(connection, criteria)
        oldest, newest = _NOWHERE if marks is None else await _bounds(connection, criteria)
        return cls(
            tokens=(*tokens, *facets(criteria)),
            patterns=tuple(map(_pattern, unproven)),
            words=tuple(map(_pattern, words)),
            facets=(criteria.provider_name, criteria.model_id, criteria.operation),
            marks=marks or (),
            since=_timestamp(criteria.created_from),
            until=_timestamp(criteria.created_to),
            oldest=oldest,
            newest=newest,
        )

    async def ids(self, connection: Connection, *, limit: int, offset: int, before: int) -> list[int]:
        """Return ids below ``before``, newest first."""
        rows = await connection.fetch(
            statements.FIND_IMAGES,
            *self._conditions,
            self.oldest,
            min(self.newest, before - 1),
            offset,
            limit,
        )
        return [row[0] for row in rows]

    async def oldest_ids(self, connection: Connection, *, above: int) -> list[int]:
        """Return the lowest id greater than ``above``, if there is one."""
        oldest = await connection.fetchval(
            statements.FIND_OLDEST_IMAGE,
            *self._conditions,
            max(self.oldest, above + 1),
            self.newest,
        )
        return [] if oldest is None else [oldest]

    async def changes(self, connection: Connection) -> dict[int, BucketChanges]:
        """Return how often the buckets that may have such images changed, in descending order."""
        if self.oldest > self.newest:
            return {}
        bounds = (self.oldest >> BUCKET_BITS, self.newest >> BUCKET_BITS)
        rows = await connection.fetch(statements.BUCKETS, *bounds, self.joined_bits, bool(self.marks))
        return {row["bucket"]: BucketChanges(added=row["added"], deleted=row["deleted"]) for row in rows}

    async def quarters(
        self, connection: Connection, buckets: Sequence[int]
    ) -> dict[int, tuple[list[int], list[int]]]:
        """Return the quarters of an hour in which images of each of the buckets were made, and how many."""
        rows = await connection.fetch(statements.COUNT_BY_QUARTER, *self._conditions, buckets)
        return {row["bucket"]: (row["quarters"] or [], row["counts"] or []) for row in rows}

    async def counts(self, connection: Connection, buckets: Sequence[int], *, enough: int) -> dict[int, int]:
        """Return the number of images in each of the buckets, which have `joined_bits`.

        The buckets are counted in their order. Once there are ``enough``, of the last one there may be more,
        and the others are missing.
        """
        if not buckets:
            return {}
        rows = await connection.fetch(statements.COUNT_IMAGES, *self._conditions, buckets, enough)
        return {row["bucket"]: row["images"] for row in rows}

    async def texts(
        self, connection: Connection, criteria: ImageFilter, question: TextLookup
    ) -> dict[int, str]:
        """Return the folded prompts that are asked for, of images that meet the criteria."""
        sets = [one.tokens for one in question.token_sets]
        rows = await connection.fetch(
            statements.FIND_TEXTS,
            [" ".join(tokens) for tokens in sets],
            [_patterns(tokens) for tokens in sets],
            facets(criteria),
            self.facets,
            self.marks,
            [max(self.oldest, one.oldest) for one in question.token_sets],
            min(self.newest, question.newest),
            self.since,
            self.until,
            self.words,
            question.max_examined,
            question.limit,
            question.sufficient,
        )
        return {row["id"]: row["folded"] for row in rows}


async def oldest_of_newest(connection: Connection, newest: int) -> tuple[int, int]:
    """Return about from which ids on there are `SEARCHED_IMAGES` up to ``newest``; 0 if there are fewer."""
    ((near, recent),) = await connection.fetch(statements.OLDEST_OF_NEWEST, newest, *SEARCHED_IMAGES)
    return near, recent


def _patterns(tokens: Iterable[str]) -> str | None:
    """Return patterns that the same prompts are like as have the tokens, joined by spaces; None for none."""
    texts = [text_of_token(token) for token in tokens]
    return None if None in texts else " ".join(_pattern(text) for text in texts if text is not None)


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
    return _NOWHERE if low is None else (low << BUCKET_BITS, (high + 1 << BUCKET_BITS) - 1)


async def _marks(connection: Connection, criteria: ImageFilter) -> tuple[str, ...] | None:
    """Return the marks of the images, as `marked_images` has them; None if there is no such tag."""
    marks = [] if criteria.favourite is None else ["favourite" if criteria.favourite else "other"]
    if criteria.tag is not None:
        tag_id = await connection.fetchval(statements.TAG_ID, fold_name(criteria.tag))
        if tag_id is None:
            return None
        marks.append(f"tag{tag_id}")
    if criteria.collection is not None:
        marks.append(f"collection{criteria.collection}")
    return tuple(marks)


def _day(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(days=1)
