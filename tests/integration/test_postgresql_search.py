"""Search in PostgreSQL finds exactly what search in SQLite finds."""

import asyncio
import json
import random
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import attrs
import pytest

from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.postgresql.search import PostgresqlIndex, postgresql_gallery
from imagegen_adapters.stores.sql import PostgresqlSql, SqliteSql, for_postgresql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import (
    SqliteIndex,
    index_new,
    insert_prepared,
    prepare,
    sqlite_gallery,
)
from imagegen_adapters.system import simplify
from imagegen_core.errors import Unavailable
from imagegen_core.images import MarkChange
from imagegen_core.ports.gallery import ImageFilter, ImageList, SearchMode
from imagegen_core.requests import Operation
from imagegen_core.search import Paging, SearchQuery, tokens
from tests.contracts.samples import a_task, an_attempt, an_image, find, find_hits, later
from tests.fakes.postgresql import insert_images

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]

ANY = ImageFilter()
QUERIES = 1000
BUCKET = 1 << 14

PIECES = [
    *("一只", "可爱的", "小", "猫", "貓", "狗", "和", "橘猫", "雪山", "夜，雨", "的"),
    *("cat", "a Cat", "dog", " in the ", "rain", "100%", "a_b", "back\\slash", '"q"', "it's", "(best:1.2)"),
    *("🐱", "𠮷", "é", "e\u0301", "ﬁ", "İß", "\ue021", "ＦＵＬＬ　", "  ", "AB12"),
]
TAGS = ["猫", "cat", "\ufdfa" * 40]
"""The last one is 720 characters long once it is folded."""

PROVIDERS, MODELS = ["demo", "a"], ["m", "M", "猫"]
DAYS = [later(86_400 * day + 0.25) for day in (-40, -1, 0, 1)]


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """A busy machine is no defect; the limits have tests of their own."""
    monkeypatch.setattr("imagegen_adapters.stores.gallery.SEARCH_SECONDS", 60.0)


class Both:
    """The same images in two databases, under the same ids."""

    def __init__(self, database, other):
        self._database, self.sqlite = database, other
        self.records = [
            postgresql_gallery(database),
            sqlite_gallery(other),
        ]
        self.marks = [
            SqlMarks(PostgresqlSql(database), PostgresqlIndex()),
            SqlMarks(SqliteSql(other), SqliteIndex()),
        ]

    async def add(self, *prompts, **changes):
        attempt = an_attempt(a_task())
        images = tuple(an_image(attempt, position=n, prompt=p, **changes) for n, p in enumerate(prompts))
        async with self._database.transaction() as connection:
            stored = await insert_images(connection, images, simplify)
        prepared = [prepare(image, simplify) for image in images]
        in_sqlite, _ = await self.sqlite.writer.write(
            lambda c: insert_prepared(c, prepared), finish=partial(index_new, simplify=simplify)
        )
        assert stored == in_sqlite
        return stored

    async def go_on_at(self, image_id):
        """Let the next image have this id."""
        sequence = "SELECT setval(pg_get_serial_sequence('images', 'id'), $1, false)"
        await self._database.rows(sequence, image_id)
        update = "UPDATE sqlite_sequence SET seq = ? WHERE name = 'images'"
        await self.sqlite.writer.write(lambda c: c.execute(update, (image_id - 1,)).rowcount)

    async def delete(self, image_id):
        for records in self.records:
            await records.delete([image_id])

    async def mark(self, image_ids, change):
        """Change marks, of which both say the same."""
        one, other = [await marks.change(image_ids, change) for marks in self.marks]
        assert one == other, change

    async def search(self, *query):
        """Return the page that both agree on."""
        one, other = [await find_hits(records, *query) for records in self.records]
        assert one == other, query
        return one

    async def find(self, *query):
        one, other = [await find(records, *query) for records in self.records]
        assert one == other, query
        return one


@pytest.fixture
async def both(postgresql_database, tmp_path):
    """With a low bound up to which marked images are few, so that some are and some are not."""
    ((definition,),) = await postgresql_database.rows("SELECT pg_get_functiondef('few_marked'::regproc)")
    few, more = definition.split("< 1000")
    await postgresql_database.rows(f"{few}< 20{more}")
    other = Database.open(tmp_path / "imagegen.db")
    yield Both(postgresql_database, other)
    await other.close()
    await postgresql_database.rows(definition)  # other tests have the same database


def a_prompt(rng):
    return "".join(rng.choices(PIECES, k=rng.randint(1, 6)))


def a_filter(rng):
    """Return no filter in half of the cases; otherwise any combination."""
    if rng.random() < 0.5:
        return ANY
    moments = [None, None, DAYS[0], later(0.25), later(0.2495), later(86_400 * 90)]
    return ImageFilter(
        provider_name=rng.choice([None, *PROVIDERS, "\x00"]),
        model_id=rng.choice([None, None, *MODELS]),
        operation=rng.choice([None, None, Operation.EDIT]),
        created_from=rng.choice(moments),
        created_to=rng.choice(moments),
        favourite=rng.choice([None, None, None, True, False]),
        tag=rng.choice([None] * 6 + [*TAGS, "x", "\x00"]),
        collection=rng.choice([None] * 6 + [1, 2, 3, 2**70]),
    )


def a_change(rng):
    """Return a change of marks; collection 3 is removed."""
    return rng.choice(
        [
            *(MarkChange(favourite=favourite) for favourite in (True, False)),
            MarkChange(tag=rng.choice(TAGS)),
            MarkChange(untag=rng.choice(TAGS)),
            MarkChange(tags=tuple(dict.fromkeys(rng.choices(TAGS, k=2)))),
            MarkChange(add_to=rng.choice([1, 2])),
            MarkChange(remove_from=rng.choice([1, 2])),
        ]
    )


async def mark_some(both, rng):
    """Change the marks of some images, or of many."""
    page = await both.find(ANY, Paging(page=rng.randint(1, 9), page_size=100))
    ids = [image.id for image in page.items]
    await both.mark(rng.sample(ids, rng.randint(0, len(ids))), a_change(rng))


async def add_collections(both):
    """Add three, and remove the last one with its images."""
    for marks in both.marks:
        assert [1, 2, 3] == [(await marks.add_collection(name, later(0))).id for name in "abc"]
    await both.mark(range(400), MarkChange(add_to=3))
    for marks in both.marks:
        await marks.remove_collection(3)


def a_query(rng, prompts):
    """Return parts of prompts as words, sometimes of several prompts."""
    words = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        prompt = rng.choice(prompts)
        start = rng.randrange(len(prompt))
        words.append(prompt[start : start + rng.choice([1, 1, 2, 3, 5, 40])])
    keyword = " ".join(words)
    return SearchQuery.parse(keyword if keyword.strip() else "猫", simplify)


async def fill(both, rng):
    """Add images whose ids spread over windows of all sizes, and over several of the largest."""
    prompts = []
    for first in (1, 500, BUCKET - 40, 8 * BUCKET - 60, 13 * BUCKET, 16 * BUCKET, 99 * BUCKET, 200 * BUCKET):
        await both.go_on_at(first)
        for _ in range(40):
            batch = [a_prompt(rng) for _ in range(4)]
            await both.add(
                *batch,
                provider_name=rng.choice(PROVIDERS),
                model_id=rng.choice(MODELS),
                operation=rng.choice([Operation.EDIT, Operation.GENERATE]),
                created_at=rng.choice(DAYS),
            )
            prompts += batch
    return prompts


async def test_every_search_equals_that_of_sqlite(both):
    """Words, phrases, filters, modes, numbers of pages and cursors, while images and their marks change."""
    rng = random.Random(1)
    prompts = await fill(both, rng)
    await add_collections(both)
    for number in range(QUERIES):
        if number % 10 == 0:
            await mark_some(both, rng)
        query, mode, criteria = a_query(rng, prompts), rng.choice(list(SearchMode)), a_filter(rng)
        paging = Paging(
            page=rng.choice([1, 1, 1, 2, 3]),
            page_size=rng.choice([1, 7, 20, 100]),
            oldest_first=rng.random() < 0.5,
        )
        page = await both.search(query, mode, criteria, paging)
        if page.has_more and page.last is not None:
            await both.search(query, mode, criteria, attrs.evolve(paging, page=1, after=page.last))
        if number % 50 == 0:
            hits = page.items or (await both.find(ANY, Paging())).items
            await both.delete(getattr(hits[-1], "image", hits[-1]).id)
            prompts += [image.prompt for image in await both.add(a_prompt(rng))]


async def test_every_list_equals_that_of_sqlite(both):
    """By number, far down, and by cursor, with and without filters."""
    rng = random.Random(2)
    await fill(both, rng)
    await add_collections(both)
    for image_id in (1, 502, 8 * BUCKET):
        await both.delete(image_id)
    for number in (*range(1, 70), 1_000_000):
        for oldest_first in (False, True):
            await both.find(ANY, Paging(page=number, page_size=20, oldest_first=oldest_first))
    for _ in range(200):
        await mark_some(both, rng)
        criteria, order = a_filter(rng), {"oldest_first": rng.random() < 0.5}
        paging = Paging(page=rng.randint(1, 9), page_size=rng.choice([1, 9, 100]), **order)
        page = await both.find(criteria, paging)
        await both.find(criteria, Paging(page_size=9, after=page.last, **order))


async def test_days_and_neighbours_equal_those_of_sqlite(both, postgresql_database):
    """In lists and searches with every filter, some asked for again, while images and marks change."""
    rng = random.Random(4)
    prompts = await fill(both, rng)
    await add_collections(both)
    for _ in range(20):
        await mark_some(both, rng)
    lists = []
    timelines = [postgresql_gallery(postgresql_database), sqlite_gallery(both.sqlite)]
    first, last = await timelines[0].span()
    for number in range(200):
        if number % 4 == 0:
            await mark_some(both, rng)
        if number % 20 == 0:
            await both.delete((await both.find(ANY, Paging(page=rng.randint(1, 9)))).items[0].id)
            await both.add(a_prompt(rng), created_at=rng.choice(DAYS))
        query, mode = rng.choice([None, a_query(rng, prompts)]), rng.choice(list(SearchMode))
        lists.append(ImageList(criteria=a_filter(rng), query=query, mode=mode))
        images = rng.choice([lists[-1], rng.choice(lists)])
        image_id = rng.choice([1, 7, 502, BUCKET - 30, 16 * BUCKET + 9, 200 * BUCKET])
        oldest_first = rng.random() < 0.5
        answers = [
            (
                await timeline.neighbours(image_id, images, oldest_first=oldest_first),
                await timeline.count_by_quarter([first, (first + last) // 2, last + 1], images),
            )
            for timeline in timelines
        ]
        assert answers[0] == answers[1], images


@pytest.mark.parametrize("word", ["\ud83d", "'", "\\", "%", "猫" * 10_000, "&|!():*<->", "#a0", "#b0"])
async def test_no_word_causes_a_database_error(both, word):
    """Operators, escapes and what no text column holds are treated as plain text."""
    await both.add("一只可爱的猫 #b1")

    for mode in SearchMode:
        page = await both.search(SearchQuery(words=(word,)), mode, ANY, Paging())
        assert () == page.items


@pytest.mark.parametrize("word", ["\x00", "a\x00b"])
async def test_nul_is_never_found(both, word):
    """No text column can hold it."""
    await both.add("ab")

    for mode in SearchMode:
        page = await find_hits(both.records[0], SearchQuery(words=(word,)), mode, ANY, Paging())
        assert ((), 0) == (page.items, page.total)


async def test_thousands_of_words_are_one_search(both):
    """Only a few of them are looked up; all are compared."""
    words = tuple(f"{n}" for n in range(2200))
    (image, _) = await both.add(" ".join(words), " ".join(words[:-1]))

    page = await both.search(SearchQuery(words=words), SearchMode.CONTAINS, ANY, Paging())

    assert [image] == [hit.image for hit in page.items]


async def test_an_entry_has_the_tokens_of_its_prompt(postgresql_database):
    """The function of the schema cuts prompts as the core does, whatever they hold."""
    rng = random.Random(3)
    characters = [*map(chr, range(1, 0x3100)), *map(chr, range(0xE000, 0xE200)), *("猫可爱的 ab1_🐱𠮷" * 900)]
    prompts = ["".join(rng.choices(characters, k=rng.randint(0, 60))) for _ in range(500)]
    select = "SELECT image_tokens(327680, prompt, 'a', 'b', 'c') FROM unnest($1::text[]) AS prompt"
    facets = {"provider61", "model62", "operation63"}

    for prompt, (entry,) in zip(prompts, await postgresql_database.rows(select, prompts), strict=True):
        assert {f"5#{token}" for token in facets.union(tokens(prompt))} == set(entry)


async def test_a_capped_total_stays_current(both, monkeypatch):
    """What was counted until there were enough is counted to its end once images are deleted."""
    monkeypatch.setattr("imagegen_adapters.stores.postgresql.search.MAX_EXACT_TOTAL", 3)
    query = SearchQuery(words=("猫",)), SearchMode.CONTAINS, ANY, Paging()
    totals = []
    for image in await both.add(*["猫"] * 6):
        totals.append((await find_hits(both.records[0], *query)).total)
        await both.delete(image.id)

    assert [4, 4, 4, 3, 2, 1] == totals


async def test_what_was_not_counted_to_its_end_is_no_total(both, monkeypatch):
    """Not even where nothing has changed since, once newer images have gone that were counted before it."""
    monkeypatch.setattr("imagegen_adapters.stores.postgresql.search.MAX_EXACT_TOTAL", 3)
    query = SearchQuery(words=("猫",)), SearchMode.CONTAINS, ANY, Paging()
    await both.add(*["猫"] * 6)
    await both.go_on_at(16 * BUCKET)
    (newer, _) = await both.add("猫", "猫")
    totals = [(await find_hits(both.records[0], *query)).total]
    await both.delete(newer.id)
    totals.append((await find_hits(both.records[0], *query)).total)

    assert [4, 4] == totals


async def test_a_capped_total_is_not_counted_again(both, postgresql_database, monkeypatch):
    """Images that are added cannot make it less, only a deletion; here some go that no counter has seen."""
    monkeypatch.setattr("imagegen_adapters.stores.postgresql.search.MAX_EXACT_TOTAL", 3)
    query = SearchQuery(words=("猫",)), SearchMode.CONTAINS, ANY, Paging()
    (first, *_) = await both.add(*["猫"] * 6)
    totals = [(await find_hits(both.records[0], *query)).total]
    await postgresql_database.rows(
        "DELETE FROM image_texts WHERE id <> $1", first.id
    )  # unseen by the counters
    await both.add("猫")
    totals.append((await find_hits(both.records[0], *query)).total)
    await both.delete(first.id)
    totals.append((await find_hits(both.records[0], *query)).total)

    assert [4, 4, 1] == totals


COPIES = """
    WITH copies AS (
        INSERT INTO images (task_id, attempt_id, position, operation, prompt, provider_name, model_id,
            mime_type, width, height, size_bytes, sha256, blob_key, storage, params, metadata, created_at)
        SELECT task_id, attempt_id, number, operation, prompt, provider_name, model_id, mime_type,
            width, height, size_bytes, sha256, blob_key, storage, params, metadata, created_at
        FROM images, generate_series(2, 20000) AS number WHERE id = 1 RETURNING id
    )
    INSERT INTO image_texts (id, created_at, folded, provider_name, model_id, operation, folding)
    SELECT copies.id, created_at, folded, provider_name, model_id, operation, folding
    FROM copies, image_texts WHERE image_texts.id = 1
"""
"""Adds 19,999 more of the first image."""


@pytest.mark.parametrize(
    ("words", "provider"), [(("猫",), None), (("可爱的猫",), "p"), ((), "p"), (("鸟",), "p")]
)
async def test_a_page_costs_the_same_from_either_end(both, postgresql_database, words, provider):
    """In pages of the database that are read: of twenty thousand images only those that are shown."""
    await both.add("可爱的猫", "可爱的狗")
    await postgresql_database.rows(COPIES)
    await postgresql_database.rows("VACUUM ANALYZE image_texts")  # as autovacuum does, at a time of its own
    steps = PostgresqlIndex().lookup(ImageFilter(provider_name=provider), words)
    lookup = await PostgresqlSql(postgresql_database).read(steps)
    costs = []
    for oldest_first in (False, True):
        statement, values = next(lookup.ids(limit=20, oldest_first=oldest_first))
        text, names = for_postgresql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
        arguments = [values[name] for name in names]
        plans = [(await postgresql_database.rows(text, *arguments))[0][0] for _ in range(4)]
        # A connection's first one reads the catalogue, too.
        costs.append(min(json.loads(plan)[0]["Plan"]["Shared Hit Blocks"] for plan in plans))

    assert costs[1] < 1.5 * costs[0] + 10, costs


async def test_totals_are_exact_up_to_ten_thousand(both, postgresql_database):
    """Beyond that, they are reported as at least 10,000; the unfiltered list is always counted exactly."""
    await both.add("可爱的猫", "可爱的狗")
    await postgresql_database.rows(COPIES)
    records = both.records[0]
    pages = [
        await find_hits(records, SearchQuery(words=(word,)), mode, ANY, Paging(page=page, page_size=100))
        for word, mode, page in (
            ("可爱的狗", SearchMode.CONTAINS, 1),
            ("可爱的猫", SearchMode.CONTAINS, 200),
            ("可爱的猫", SearchMode.RELEVANT, 201),
        )
    ]
    whole = await find(records, ANY, Paging(page=201, page_size=100))

    assert [(1, True), (10_000, False), (10_000, False)] == [(p.total, p.total_is_exact) for p in pages]
    assert [1, 100, 0] == [len(page.items) for page in pages]
    assert (20_001, True, 1) == (whole.total, whole.total_is_exact, len(whole.items))


async def test_a_remembered_total_stays_current(both):
    """New images and deletions are reflected in the next total, whichever node made them."""
    totals = []
    query = SearchQuery(words=("可爱的猫",)), SearchMode.CONTAINS, ANY, Paging()
    (first, *_) = await both.add("可爱的猫", "可爱的猫")
    for change in (lambda: both.add("可爱的猫", "狗"), lambda: both.delete(first.id), lambda: both.add("狗")):
        totals.append((await both.search(*query)).total)
        await change()

    assert [2, 3, 2, 2] == [*totals, (await both.search(*query)).total]


@asynccontextmanager
async def two_nodes(database):
    """Yield two connections that count in different rows."""
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(database.connection()) for _ in range(5)]
        of_shards = {connection.get_server_pid() & 15: connection for connection in connections}
        yield list(of_shards.values())[:2]


async def test_an_image_that_becomes_visible_late_is_counted(both, postgresql_database):
    """Its id is lower than one that was counted, since its transaction took longer."""
    records = both.records[0]
    query = SearchQuery(words=("猫",)), SearchMode.CONTAINS, ANY, Paging()
    late, early = ((an_image(an_attempt(a_task()), prompt="猫"),) for _ in range(2))
    async with two_nodes(postgresql_database) as (slow, fast), slow.transaction():
        await insert_images(slow, late, simplify)
        await insert_images(fast, early, simplify)
        before = await find_hits(records, *query)
    after = await find_hits(records, *query)

    assert ([2], 1) == ([hit.image.id for hit in before.items], before.total)
    assert ([2, 1], 2) == ([hit.image.id for hit in after.items], after.total)


async def test_a_search_that_takes_too_long_is_refused(both, postgresql_database, monkeypatch):
    """The error says what to do, and the connection serves the next one."""
    query = SearchQuery(words=("猫",)), SearchMode.CONTAINS, ANY, Paging()
    await both.add("猫")
    async with postgresql_database.transaction() as connection:
        await connection.execute("LOCK TABLE image_texts")
        with monkeypatch.context() as patch:
            patch.setattr("imagegen_adapters.stores.gallery.SEARCH_SECONDS", 0.2)
            with pytest.raises(Unavailable, match="rarer"):
                await find_hits(both.records[0], *query)

    results = await asyncio.gather(*(find_hits(both.records[0], *query) for _ in range(9)))
    assert [1] * 9 == [page.total for page in results]


async def test_what_is_older_than_a_restore_is_searched_like_the_rest(both):
    """The ids have a gap then, which is no number of images."""
    await both.add("一只可爱的小猫", "a rare word")
    await both.go_on_at(30_000_000)
    await both.add("后来的狗")

    similar = await both.search(
        SearchQuery.parse("可爱的猫", simplify), SearchMode.RELEVANT, ANY, Paging(page_size=10)
    )
    exact = await both.search(
        SearchQuery.parse("rare", simplify), SearchMode.CONTAINS, ANY, Paging(page_size=10)
    )

    assert [["一只可爱的小猫"], ["a rare word"]] == [
        [hit.image.prompt for hit in page.items] for page in (similar, exact)
    ]


@pytest.mark.parametrize(("newest", "oldest"), [(30_000_007, (2, 3)), (3 * BUCKET + 9, (2, 2)), (7, (0, 0))])
async def test_the_newest_images_are_counted_across_a_gap(postgresql_database, monkeypatch, newest, oldest):
    """By buckets of ids, with fewer of them than there are images in the bucket of the newest one."""
    monkeypatch.setattr("imagegen_adapters.stores.search.SEARCHED_IMAGES", (40, 8))
    await postgresql_database.rows(
        "INSERT INTO image_buckets (bucket, shard, added)"
        " VALUES (0, 0, 20), (2, 0, 20), (2, 1, 20), (3, 0, 5), ($1, 0, 5)",
        30_000_000 >> 14,
    )
    counted = await PostgresqlSql(postgresql_database).read(PostgresqlIndex().oldest_of_newest(newest))

    assert tuple(bucket * BUCKET for bucket in oldest) == counted
