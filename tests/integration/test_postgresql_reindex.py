"""What was folded by other rules is indexed again in PostgreSQL, while nodes run."""

import asyncio
import json

import pytest

from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.search import (
    images_to_json,
    index_state,
    postgresql_gallery,
    reindex,
)
from imagegen_adapters.stores.search import IndexState
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import a_task, an_attempt, an_image, find, find_hits
from tests.fakes.postgresql import insert_images

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]


def old(text):
    return text.replace("貓", "猫")


def new(text):
    return text.replace("貓", "犬").replace("猫", "犬")


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@pytest.fixture
async def another_database(postgresql_dsn):
    database = await Database.open(postgresql_dsn)
    yield database
    await database.close()


async def add(database, *prompts, simplify=old):
    attempt = an_attempt(a_task())
    images = [an_image(attempt, position=number, prompt=prompt) for number, prompt in enumerate(prompts)]
    async with database.transaction() as connection:
        return await insert_images(connection, images, simplify)


async def total(records, word):
    """Return how many images a search finds, as its first page says."""
    page = await find_hits(records, SearchQuery(words=(word,)), SearchMode.CONTAINS, ImageFilter(), Paging())
    return page.total


async def foldings(database):
    """Return how many images were folded by each rule, the most frequent one first."""
    counts = "SELECT count(*) FROM image_texts GROUP BY folding ORDER BY 1 DESC"
    return [row[0] for row in await database.rows(counts)]


async def test_an_index_is_current_while_all_fold_alike(database):
    """Empty, too."""
    empty = await index_state(database, old)
    await add(database, "貓", "猫")

    assert (IndexState.CURRENT, IndexState.CURRENT) == (empty, await index_state(database, old))


@pytest.mark.parametrize("folding", ["'0-0'", "'9-9'", "NULL"])
async def test_one_image_that_another_version_folded_makes_it_stale(database, folding):
    """Whatever that version is called, or if it does not say."""
    await add(database, *["猫"] * 3)
    await database.rows(f"UPDATE image_texts SET folding = {folding} WHERE id = 2")  # noqa: S608 - from the list above

    assert IndexState.STALE is await index_state(database, old)


async def test_a_node_of_an_earlier_release_makes_it_stale(database):
    """It adds images without saying how it folds."""
    additions = json.loads(await images_to_json([an_image(an_attempt(a_task()))], old))
    for addition in additions:
        del addition["folding"]
    await database.rows("SELECT add_images($1)", json.dumps(additions))

    assert IndexState.STALE is await index_state(database, old)


async def test_reindexing_makes_it_current_and_searches_right(database):
    """Also the totals that a node remembers."""
    records = postgresql_gallery(database)
    await add(database, "貓", "猫", "犬")
    before = await index_state(database, new), await total(records, "犬"), await total(records, "猫")

    reached = await reindex(database, new)

    after = await index_state(database, new), await total(records, "犬"), await total(records, "猫")
    assert (IndexState.STALE, 1, 2) == before
    assert (3, IndexState.CURRENT, 3, 0) == (reached, *after)


async def test_reindexing_changes_nothing_that_is_counted(database):
    """The list of all images is as long as before, and what was current is not touched."""
    records = postgresql_gallery(database)
    await add(database, "猫", "犬")
    await add(database, "犬", simplify=new)
    current = "SELECT xmin FROM image_texts WHERE id = 3"
    before = await database.row(current)
    await reindex(database, new)

    page = await find(records, ImageFilter(), Paging())

    assert (3, before) == (page.total, await database.row(current))


async def test_an_interrupted_reindexing_is_resumed(database):
    """While images are added and deleted, by nodes that fold like this one or otherwise."""
    records = postgresql_gallery(database)
    stored = await add(database, *["猫"] * 1200)
    reached = []

    def stop(done, until):
        reached.append((done, until))
        if len(reached) == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await reindex(database, new, stop)
    for image in (stored[3], stored[700]):
        await records.delete([image.id])
    await add(database, "犬", simplify=new)
    halfway = await total(records, "犬")
    await reindex(database, new, stop)

    assert [(500, 1200), (1001, 1201), (1201, 1201)] == reached  # id 701 was deleted
    assert (500, 1199, [1199]) == (halfway, await total(records, "犬"), await foldings(database))


async def test_what_another_version_adds_meanwhile_stays_stale(database):
    """The next reindexing finds it."""
    await add(database, *["猫"] * 3)

    async def add_another(_reached, _until):
        await add(database, "猫")

    await reindex(database, new, add_another)
    before = await index_state(database, new), await foldings(database)
    await reindex(database, new)

    assert ((IndexState.STALE, [3, 1]), IndexState.CURRENT) == (before, await index_state(database, new))


async def test_two_nodes_divide_the_work(database, another_database):
    """Neither waits for what the other one holds, and nothing is indexed twice."""
    await add(database, *["猫"] * 2100)

    await asyncio.gather(reindex(database, new), reindex(another_database, new))
    await reindex(database, new)  # what one has passed over the other may not have ended with

    replaced = await database.row("SELECT sum(deleted)::bigint FROM image_buckets")
    assert (2100, [2100]) == (replaced[0], await foldings(database))


async def test_an_image_that_is_held_is_passed_over(database, another_database):
    """Somebody is deleting it, perhaps."""
    await add(database, *["猫"] * 3)
    async with another_database.transaction() as connection:
        await connection.execute("SELECT FROM image_texts WHERE id = 2 FOR UPDATE")
        await reindex(database, new)

    assert [2, 1] == await foldings(database)


async def test_a_deleted_image_does_not_come_back(database):
    """Not even its entry, whose page would lack the image."""
    records = postgresql_gallery(database)
    (image, _) = await add(database, "猫", "猫")
    await records.delete([image.id])

    await reindex(database, new)

    assert (1, 1) == (await total(records, "犬"), sum(await foldings(database)))
