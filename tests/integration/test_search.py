"""Search in SQLite finds exactly what a plain comparison finds, for all prompts and queries."""

import asyncio
import random
import threading
from functools import partial

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.search import IndexState, facet, index_tokens, mark_tokens
from imagegen_adapters.stores.sql import SqliteSql, runner
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import open_reader
from imagegen_adapters.stores.sqlite.search import (
    SqliteIndex,
    index_new,
    index_state,
    insert_prepared,
    prepare,
    reindex,
    sqlite_gallery,
)
from imagegen_adapters.stores.trash import SqlTrash
from imagegen_adapters.system import simplify
from imagegen_core.errors import StorageError, Unavailable, ValidationFailed
from imagegen_core.images import MarkChange, Marks
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.requests import Operation
from imagegen_core.search import Paging, SearchQuery, fold
from tests.contracts.samples import a_task, an_attempt, an_image, find, find_hits, later

IDS_PER_BLOCK = 1024
INDEX = partial(index_new, simplify=simplify)

pytestmark = pytest.mark.anyio

ANY = ImageFilter()
PROMPTS = st.lists(
    st.text(
        st.one_of(
            st.characters(exclude_categories=["Cs"]),
            st.sampled_from("猫可爱的小橘貓愛abcAB12"),
            st.sampled_from(" %_\\\"'*()^-:+{}，。\u0301é\ue021\ue0a1🐱𠮷　\x00ﬁ㍿İß"),
        ),
        min_size=1,
        max_size=40,
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
async def database(tmp_path):
    database = Database.open(tmp_path / "imagegen.db")
    yield database
    await database.close()


@pytest.fixture
def records(database):
    return sqlite_gallery(database)


async def add_image(database, *prompts, **changes):
    """Store one image for each prompt, as one attempt."""
    return (await database.writer.write(**insertion(*prompts, **changes)))[0]


def insertion(*prompts, **changes):
    attempt = an_attempt(a_task())
    images = tuple(
        an_image(attempt, position=n, prompt=prompt, **changes) for n, prompt in enumerate(prompts)
    )
    prepared = [prepare(image, simplify) for image in images]
    return {"run": lambda c: insert_prepared(c, prepared), "finish": INDEX}


async def search(records, keyword, mode=SearchMode.CONTAINS, criteria=ANY, **paging):
    query = SearchQuery.parse(keyword, simplify)
    page = await find_hits(records, query, mode, criteria, Paging(**{"page_size": 100, **paging}))
    return [hit.image.prompt for hit in page.items]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompts=PROMPTS, data=st.data())
def test_contains_equals_a_plain_comparison(tmp_path_factory, prompts, data):
    """For any prompts and any part of one of them, also after insertions and deletions."""
    asyncio.run(_compare(tmp_path_factory.mktemp("search") / "imagegen.db", prompts, data))


async def _compare(path, prompts, data):
    database, stored = Database.open(path), []
    records = sqlite_gallery(database)
    try:
        for batch in (prompts, prompts[:3]):
            stored += await add_image(database, *batch)
            for deleted in data.draw(st.lists(st.sampled_from(stored), max_size=3, unique_by=id)):
                stored.remove(deleted)
                await records.delete([deleted.id])
            await _check(records, stored, prompts, data)
        await reindex(database, simplify)
        await _check(records, stored, prompts, data)
    finally:
        await database.close()


async def _check(records, stored, prompts, data):
    for _ in range(4):
        prompt = data.draw(st.sampled_from(prompts))
        start = data.draw(st.integers(0, len(prompt) - 1))
        keyword = prompt[start : start + data.draw(st.integers(1, 12))].replace("\0", "")  # nothing has it
        try:
            query = SearchQuery.parse(keyword, simplify)
        except ValidationFailed:
            continue
        expected = [
            image.id
            for image in sorted(stored, key=lambda i: -i.id)
            if all(word in fold(image.prompt, simplify) for word in query.words)
        ]
        page = await find_hits(records, query, SearchMode.CONTAINS, ANY, Paging(page_size=100))
        assert (expected, len(expected)) == ([hit.image.id for hit in page.items], page.total)


async def test_case_width_and_traditional_characters_make_no_difference(records, database):
    """A prompt is found whichever way it is written."""
    await add_image(database, "一只可愛的貓", "ＦＵＬＬ　Width Ｃａｔ", "ﬁne Straße", "e\u0301té")

    results = [
        await search(records, keyword) for keyword in ("可爱的猫", "可愛", "fullwidth", "full width", "CAT")
    ]

    assert ["一只可愛的貓"] == results[0] == results[1]
    assert [[], ["ＦＵＬＬ　Width Ｃａｔ"], ["ＦＵＬＬ　Width Ｃａｔ"]] == results[2:]
    assert [["ﬁne Straße"], ["e\u0301té"]] == [
        await search(records, "FINE STRASSE"),
        await search(records, "ÉT"),
    ]


@pytest.mark.parametrize(
    "keyword",
    [
        '"',
        '"unclosed',
        '""',
        "OR AND NOT NEAR",
        'NEAR("a" "b", 2)',
        "a* ^b {c} -d col:e",
        "' OR 1=1 --",
        "%",
        "_",
        "\\",
        "\x00",
        "a\x00b",
        '"a" OR ' * 1200,
        "(" * 10_000,
        " ".join(f"{n}" for n in range(2200)),
        "猫" * 10_000,
    ],
)
@pytest.mark.parametrize("mode", SearchMode)
async def test_no_keyword_causes_a_database_error(records, database, keyword, mode):
    """Operators, quotes and ten thousand characters are treated as plain text."""
    await add_image(database, "一只可爱的猫")

    assert [] == await search(records, keyword, mode)


async def test_a_lone_surrogate_is_never_found(records, database):
    """No prompt can contain it, so nothing is found, and nothing fails."""
    await add_image(database, "🐱")
    query = SearchQuery(words=("\ud83d",))

    for mode in SearchMode:
        assert () == (await find_hits(records, query, mode, ANY, Paging())).items


async def test_a_similar_image_is_found_behind_many_exact_ones(records, database):
    """However many newer images contain the query itself."""
    await add_image(database, "可爱的小猫", *["可爱的猫"] * 900, "雪山")

    hits = await search(records, "可爱的猫", SearchMode.RELEVANT, page=10)

    assert ["可爱的小猫"] == hits[:1]


async def test_filters_combine_with_words(records, database):
    """Every combination equals a plain comparison, in lists and in searches."""
    rng = random.Random(1)
    marks = SqlMarks(SqliteSql(database), SqliteIndex())
    collections = [None, *[(await marks.add_collection(name, later(0))).id for name in "ab"]]
    choices = {
        "provider_name": ["a", "b"],
        "model_id": ["M", "m", "猫"],
        "operation": [Operation.EDIT, Operation.GENERATE],
        "created_at": [later(86_400 * day + 0.25) for day in (-40, -1, 0, 1)],
    }
    stored = []
    for _ in range(60):
        changes = {name: rng.choice(values) for name, values in choices.items()}
        (image,) = await add_image(database, rng.choice(["一只猫", "一条狗", "猫和狗"]), **changes)
        change = MarkChange(
            favourite=rng.choice([True, False]),
            tags=tuple(rng.sample(["Cat", "ｄｏｇ", "x"], rng.randint(0, 2))),
            add_to=rng.choice(collections),
        )
        await marks.change([image.id], change)
        stored.append(attrs.evolve(image, marks=change.apply(image.marks)))
    for _ in range(160):
        moments = [None, later(-86_400 * 40), later(0.25), later(0.2495), later(86_400), later(86_400 * 90)]
        criteria = ImageFilter(
            provider_name=rng.choice([None, "a", "c"]),
            model_id=rng.choice([None, "M", "m", "猫"]),
            operation=rng.choice([None, Operation.EDIT]),
            created_from=rng.choice(moments),
            created_to=rng.choice(moments),
            favourite=rng.choice([None, None, True, False]),
            tag=rng.choice([None, None, None, "ＣＡＴ", "dog"]),
            collection=rng.choice([None, None, 1, 2, 3]),
        )
        matching = [image for image in reversed(stored) if _fits(image, criteria)]
        listed = await find(records, criteria, Paging(page_size=100))
        hits = await find_hits(
            records, SearchQuery(words=("猫",)), SearchMode.CONTAINS, criteria, Paging(page_size=100)
        )

        assert (tuple(matching), len(matching)) == (listed.items, listed.total)
        assert [i for i in matching if "猫" in i.prompt] == [hit.image for hit in hits.items]


def _fits(image, criteria):
    values = attrs.asdict(criteria)
    bounds = values.pop("created_from"), values.pop("created_to")
    favourite, tag, collection = [values.pop(name) for name in ("favourite", "tag", "collection")]
    return (
        favourite in (None, image.marks.favourite)
        and (tag is None or fold(tag, str) in [fold(name, str) for name in image.marks.tags])
        and (collection is None or collection in image.marks.collections)
        and all(value in (None, getattr(image, name)) for name, value in values.items())
        and (bounds[0] is None or image.created_at >= bounds[0])
        and (bounds[1] is None or image.created_at < bounds[1])
    )


MARKS = st.builds(
    Marks,
    favourite=st.booleans(),
    tags=st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple),
    collections=st.lists(st.integers(1, 3), max_size=2, unique=True).map(tuple),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(1, 4), st.one_of(MARKS, st.none())), max_size=60))
def test_entries_exchange_their_marks_alone(tmp_path_factory, changes):
    """However often: the index stays sound, and each token finds the images that have it."""
    asyncio.run(_exchange(tmp_path_factory.mktemp("marks") / "imagegen.db", changes))


async def _exchange(path, changes):
    """Change the marks of an image, or delete it and add one like it, in a transaction each."""
    database = Database.open(path)
    try:
        images = list(await add_image(database, "a cat", "a dog", "a cat", "雪山"))
        for number, marks in changes:
            image = images[number - 1]
            if marks is None:
                await SqliteSql(database).transact(SqliteIndex().remove([image]))
                (images[number - 1],) = await add_image(database, image.prompt)
            else:
                before, after = {image.id: image.marks}, {image.id: marks}
                await SqliteSql(database).transact(SqliteIndex().exchange_marks(before, after))
                images[number - 1] = attrs.evolve(image, marks=marks)
        check = "INSERT INTO image_index_1 (image_index_1) VALUES ('integrity-check')"
        await database.writer.write(lambda c: c.execute(check).fetchall())
        for token in {"ca", "雪", *(t for image in images for t in mark_tokens(image.marks))}:
            query = f"SELECT rowid FROM image_index_1 WHERE image_index_1 MATCH '\"{token}\"' ORDER BY rowid"  # noqa: S608 - from above
            rows = await database.read(lambda c, query=query: c.execute(query).fetchall())
            have = {image.id for image in images if token in _tokens(image)}
            assert sorted(have) == [row[0] for row in rows]
    finally:
        await database.close()


def _tokens(image):
    return {*index_tokens(image, image.prompt).split(), *mark_tokens(image.marks)}


async def test_marks_that_change_during_a_reindexing_are_those_of_the_new_index(records, database):
    """Of images that it has reached, and of those that it has not."""
    images = await add_image(database, *(f"猫{n}" for n in range(700)))
    ids = [image.id for image in images]
    marks = SqlMarks(SqliteSql(database), SqliteIndex())
    await marks.change(ids, MarkChange(tags=("early", "both")))

    async def change(done, _until):
        if done < 700:
            await marks.change(ids[::2], MarkChange(favourite=True, tags=("late", "both")))

    await reindex(database, simplify, change)

    expected = {"early": ids[1::2], "late": ids[::2], "both": ids}
    pages = {tag: await find(records, ImageFilter(tag=tag), Paging(page_size=100)) for tag in expected}
    assert {tag: len(ids) for tag, ids in expected.items()} == {tag: p.total for tag, p in pages.items()}
    for tag, page in pages.items():
        assert expected[tag][::-1][:100] == [image.id for image in page.items]
    others = await find(records, ImageFilter(favourite=False, tag="both"), Paging())
    assert 350 == others.total


async def test_new_images_of_a_transaction_are_indexed_together(records, database):
    """As one segment, with what else the transaction did to them, and without what was rolled back."""
    marks = SqlMarks(SqliteSql(database), SqliteIndex())
    rolled_back = insertion("a cat that is rolled back")
    failing = rolled_back | {"run": lambda c: rolled_back["run"](c) and 1 / 0}
    begun, go, commits = threading.Event(), threading.Event(), database.writer.commits
    holding = asyncio.create_task(database.writer.write(lambda _: begun.set() or go.wait()))
    await asyncio.to_thread(begun.wait)
    writing = asyncio.gather(
        add_image(database, "a cat that is deleted"),
        add_image(database, "a cat", "a marked cat"),
        database.writer.write(**failing),
        add_image(database, "a dog"),
        records.delete([1]),
        marks.change([3], MarkChange(favourite=True)),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    go.set()
    await holding
    assert [ZeroDivisionError] == [type(one) for one in await writing if isinstance(one, Exception)]
    assert commits + 2 == database.writer.commits

    assert ["a marked cat", "a cat"] == await search(records, "cat")
    assert ["a marked cat"] == await search(records, "cat", criteria=ImageFilter(favourite=True))
    check = "INSERT INTO image_index_1 (image_index_1) VALUES ('integrity-check')"
    await database.writer.write(lambda c: c.execute(check).fetchall())
    segments = "SELECT count(DISTINCT segid) FROM image_index_1_idx"
    assert 1 == await database.read(lambda c: c.execute(segments).fetchone()[0])


async def test_images_that_cannot_be_indexed_are_not_stored(records, database):
    """Nor is what else their transaction did; the next one is written."""

    def refuse(connection, _):
        connection.execute("SELECT nothing")

    with pytest.raises(StorageError):
        await database.writer.write(**insertion("a cat") | {"finish": refuse})
    assert [] == await search(records, "a")

    await add_image(database, "a dog")
    assert ["a dog"] == await search(records, "a")


async def test_totals_are_exact_up_to_ten_thousand(records, database):
    """Beyond that, they are reported as at least 10,000; the unfiltered list is always counted exactly."""
    for _ in range(3):
        await add_image(database, *["可爱的猫"] * 5000)
    await add_image(database, "可爱的狗")
    counts = []
    for keyword in ("可爱的狗", "可爱的猫", "可爱"):
        query = SearchQuery.parse(keyword, simplify)
        page = await find_hits(records, query, SearchMode.CONTAINS, ANY, Paging())
        counts.append((page.total, page.total_is_exact))
    whole = await find(records, ANY, Paging())

    assert [(1, True), (10_000, False), (10_000, False)] == counts
    assert (15_001, True) == (whole.total, whole.total_is_exact)


async def test_a_cached_total_stays_current(records, database):
    """New images and deletions are reflected in the next total."""
    totals = []
    (first, *_) = await add_image(database, "可爱的猫", "可爱的猫")
    for change in (
        lambda: add_image(database, "可爱的猫", "狗"),
        lambda: records.delete([first.id]),
        lambda: add_image(database, "狗"),
    ):
        page = await find_hits(records, SearchQuery(words=("可爱的猫",)), SearchMode.CONTAINS, ANY, Paging())
        totals.append(page.total)
        await change()
    page = await find_hits(records, SearchQuery(words=("可爱的猫",)), SearchMode.CONTAINS, ANY, Paging())

    assert [2, 3, 2, 2] == [*totals, page.total]


async def test_a_missing_index_is_reported(records, database):
    """A search without an index is refused with a remedy, and the remedy works."""
    await add_image(database, "可爱的猫")
    await database.writer.execute("UPDATE search_generations SET state = 'leaving'")
    await add_image(database, "猫")

    with pytest.raises(Unavailable, match="imagegen reindex"):
        await search(records, "猫")
    missing = await index_state(database, simplify)
    await reindex(database, simplify)

    assert (IndexState.MISSING, IndexState.CURRENT) == (missing, await index_state(database, simplify))
    assert ["猫", "可爱的猫"] == await search(records, "猫")


async def test_a_changed_folding_is_detected(records, database):
    """The index records the folding it was built with; rebuilt, it uses the new one."""
    await add_image(database, "貓")

    def other(text):
        return text.replace("貓", "犬").replace("猫", "犬")

    before = await index_state(database, other)
    await reindex(database, other)

    assert (IndexState.STALE, IndexState.CURRENT) == (before, await index_state(database, other))
    assert ["貓"] == await search(sqlite_gallery(database), "犬")


async def test_what_is_restored_during_a_reindexing_is_in_the_new_index_once(records, database, monkeypatch):
    """Whether the new index has passed its id already or not."""
    monkeypatch.setattr("imagegen_adapters.stores.sqlite.search.IMAGES_PER_BATCH", 2)
    trash = SqlTrash(SqliteSql(database), SqliteIndex(), simplify)
    images = await add_image(database, *(f"猫 {number}" for number in range(6)))
    ids = [image.id for image in images]
    await trash.add([ids[0], ids[4]], later(0))

    async def restore(reached, _):
        if ids[0] < reached < ids[4]:
            await trash.restore([ids[0], ids[4]])

    await reindex(database, simplify, restore)

    assert [f"猫 {number}" for number in reversed(range(6))] == await search(records, "猫")
    await records.delete(ids[:1])
    assert 5 == len(await search(records, "猫"))


async def test_an_interrupted_reindexing_is_resumed(records, database):
    """Interrupted, while images are added and deleted, it ends with exactly the stored images."""
    stored = [*(await add_image(database, *(f"猫{n}" for n in range(1200))))]
    reached = []

    def stop(done, until):
        reached.append(done)
        if len(reached) == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await reindex(database, simplify, stop)
    for image in (stored[3], stored[700]):
        await records.delete([image.id])
    await add_image(database, "新猫")
    assert (
        1199
        == (await find_hits(records, SearchQuery(words=("猫",)), SearchMode.CONTAINS, ANY, Paging())).total
    )
    await reindex(database, simplify, stop)

    assert [500, 1001, 1200] == reached  # id 701 was deleted
    assert (
        1199
        == (await find_hits(records, SearchQuery(words=("猫",)), SearchMode.CONTAINS, ANY, Paging())).total
    )
    assert [] == await search(records, "猫700")
    tables = await database.read(lambda c: c.execute("SELECT name FROM sqlite_master").fetchall())
    assert not [row["name"] for row in tables if row["name"].startswith(("image_texts_1", "image_index_1"))]


async def test_a_search_that_takes_too_long_is_refused(records, database, monkeypatch):
    """The error says what to do."""
    await add_image(database, *["可爱的猫"] * 3000)
    monkeypatch.setattr("imagegen_adapters.stores.gallery.SEARCH_SECONDS", 0.0)

    with pytest.raises(Unavailable):
        await search(records, "爱的猫")


def test_a_facet_is_never_a_token_of_a_prompt():
    """Tokens of filter values differ from those of prompts in length."""
    assert 3 < len(facet("model", "")) < len(facet("model", "m"))


@pytest.mark.parametrize("page_size", [3, 100])
async def test_pages_far_down_are_the_same_as_by_skipping(database, records, page_size):
    """Whatever was added, deleted and read before, and however unevenly ids were assigned."""
    sequence = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'images'"
    changes = [
        lambda c: None,
        lambda c: c.execute(sequence, (1000,)).rowcount,
        lambda c: c.execute("DELETE FROM images WHERE id % 7 = 0 OR id BETWEEN 5 AND 300").rowcount,
        lambda c: c.execute(sequence, (5000,)).rowcount,
        lambda c: c.execute("DELETE FROM images WHERE id = (SELECT max(id) FROM images)").rowcount,
    ]
    for change in changes:
        await add_image(database, *["猫"] * 1100)
        await database.writer.write(change)
        rows = await database.read(lambda c: c.execute("SELECT id FROM images ORDER BY id DESC").fetchall())
        ids = [row["id"] for row in rows]
        numbers = range(1, len(ids) // page_size + 3)
        for oldest_first in (False, True):
            order = {"page_size": page_size, "oldest_first": oldest_first}
            pages = [await find(records, ANY, Paging(page=number, **order)) for number in numbers]
            expected = ids[::-1] if oldest_first else ids

            assert expected == [image.id for page in pages for image in page.items]
            assert [len(ids)] * len(pages) == [page.total for page in pages]
            assert [number * page_size < len(ids) for number in numbers] == [page.has_more for page in pages]
    assert len(ids) > 2 * IDS_PER_BLOCK


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_no_page_sorts_what_it_does_not_show(database, oldest_first):
    """From either end, SQLite reads entries in their order, and stops when the page is full."""
    await add_image(database, *["一只猫"] * 200)
    reader, index = open_reader(database.path), SqliteIndex()
    days = ImageFilter(created_from=later(-1), created_to=later(86_400))
    marked = ImageFilter(provider_name="p", tag="猫", favourite=False)
    try:
        for criteria in (ANY, days, marked, ImageFilter(favourite=True)):
            for words in ((), ("猫",), ("一只猫",), ("只猫", "x")):
                lookup = runner(index.lookup(criteria, words))(reader)
                steps = lookup.ids(limit=20, offset=20, above=9, below=190, oldest_first=oldest_first)
                statement, values = next(steps)
                plan = reader.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
                assert [] == [row["detail"] for row in plan if "B-TREE" in row["detail"]], statement
    finally:
        reader.close()


async def test_a_page_in_an_older_snapshot_is_that_of_the_snapshot(database):
    """A reader that began before new images came, or before others were deleted, may read after another."""
    index = SqliteIndex()
    await add_image(database, *["猫"] * 1500)
    earlier, later = open_reader(database.path), open_reader(database.path)
    try:
        earlier.execute("BEGIN")
        before = runner(index.start(1450))(earlier)
        await add_image(database, *["猫"] * 1500)
        starts = [
            runner(index.start(10))(later),
            runner(index.start(1450))(earlier),
            runner(index.start(1450))(later),
        ]
    finally:
        earlier.close()
        later.close()

    assert (51, 0) == before
    assert [(3072, 10), (51, 0), (1551, 0)] == starts


@pytest.mark.parametrize(
    ("newest", "oldest"), [(30_000_007, (2, 3)), (3 * IDS_PER_BLOCK + 9, (2, 2)), (7, (0, 0))]
)
async def test_the_newest_images_are_counted_across_a_gap(database, monkeypatch, newest, oldest):
    """By blocks of ids, which a restore leaves a gap in."""
    monkeypatch.setattr("imagegen_adapters.stores.search.SEARCHED_IMAGES", (40, 8))
    blocks = [(0, 20), (2, 40), (3, 5), (30_000_000 // IDS_PER_BLOCK, 5)]
    await database.writer.write(
        lambda c: c.executemany("INSERT INTO image_blocks (block, images) VALUES (?, ?)", blocks).rowcount
    )
    counted = await SqliteSql(database).read(SqliteIndex().oldest_of_newest(newest))

    assert tuple(block * IDS_PER_BLOCK for block in oldest) == counted
