"""Rows of images that are asked for at the same moment are one query, which begins after that."""

import asyncio

import pytest

from imagegen_adapters.stores.sql import SharedReads

pytestmark = pytest.mark.anyio


class Table:
    """A table in place of the database; a read begins at once, and ends later, when it may."""

    def __init__(self):
        self._rows = {}
        self.reads, self.errors = 0, []
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.insert(1, 2, 3)

    def insert(self, *ids):
        self._rows |= {image_id: (image_id, f"image {image_id}") for image_id in ids}

    async def read(self, ids):
        self.reads += 1
        rows, error = (
            [self._rows[i] for i in self._rows if i in ids],
            self.errors.pop(0) if self.errors else None,
        )
        await asyncio.sleep(0)
        await self.may_end.wait()
        if error is not None:
            raise error
        return rows


@pytest.fixture
def table():
    return Table()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_those_who_ask_together_share_a_query(table):
    """The first has begun already; each gets their own rows, or none, and two may ask for the same."""
    reads = SharedReads(table.read, key=0)

    rows = await asyncio.gather(*(reads.rows(i) for i in (2, 3, 1, 9, 3)))

    assert [[(2, "image 2")], [(3, "image 3")], [(1, "image 1")], [], [(3, "image 3")]] == rows
    assert 2 == table.reads


async def test_one_after_the_other_each_is_read_when_asked_for(table):
    reads = SharedReads(table.read, key=0)
    rows = [await reads.rows(4)]
    table.insert(4)
    rows.append(await reads.rows(4))

    assert [[], [(4, "image 4")]] == rows


async def test_who_asks_while_a_batch_is_read_gets_what_was_written_since(table):
    """They share the next one, which does not begin before that has ended."""
    reads = SharedReads(table.read, key=0)
    table.may_end.clear()
    first = asyncio.create_task(reads.rows(4))
    await settle()
    table.insert(4)
    later = [asyncio.create_task(reads.rows(i)) for i in (4, 1)]
    await settle()
    begun = table.reads
    table.may_end.set()

    assert [[], [(4, "image 4")], [(1, "image 1")]] == await asyncio.gather(first, *later)
    assert (1, 2) == (begun, table.reads)


@pytest.mark.parametrize(
    ("errors", "failed"),
    [([KeyError()], [True, False, False]), ([None, KeyError()], [False, True, True])],
    ids=["alone", "in a batch"],
)
async def test_a_failure_is_that_of_those_who_were_read_together(table, errors, failed):
    """Neither those who wait for the next batch nor those who ask later fail with them."""
    reads = SharedReads(table.read, key=0)
    table.errors = errors

    results = await asyncio.gather(*(reads.rows(i) for i in (1, 2, 3)), return_exceptions=True)

    assert failed == [isinstance(result, KeyError) for result in results]
    assert [(1, "image 1")] == await reads.rows(1)


@pytest.mark.parametrize("leaves", [0, 1], ids=["who was read alone", "one of a batch"])
async def test_the_others_get_their_rows_although_one_was_cancelled(table, leaves):
    reads = SharedReads(table.read, key=0)
    table.may_end.clear()
    tasks = [asyncio.create_task(reads.rows(i)) for i in (1, 2, 3)]
    await settle()
    tasks.pop(leaves).cancel()
    await settle()
    table.may_end.set()

    numbers = [i for i in (1, 2, 3) if i != leaves + 1]
    assert [[(i, f"image {i}")] for i in numbers] == await asyncio.gather(*tasks)
    assert [(1, "image 1")] == await reads.rows(1)
