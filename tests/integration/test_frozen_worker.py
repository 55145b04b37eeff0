"""A frozen worker and its successor, each with a database of its own over one file."""

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from tests.frozen_worker import TwoWorkers

pytestmark = pytest.mark.anyio


@pytest.fixture
async def open_adapters(tmp_path):
    """Return adapters over the same file, each time through a new connection; blobs and spool are shared."""
    databases, shared = [], []

    def open_(provider):
        if not shared:
            shared.append(memory_adapters(providers={"scripted": provider}))
        database = Database.open(tmp_path / "imagegen.db")
        databases.append(database)
        return attrs.evolve(
            shared[0],
            tasks=SqliteTasks(database, simplify=str),
            queue=SqliteQueue(database),
            images=sqlite_gallery(database),
        )

    yield open_
    for database in databases:
        await database.close()


@pytest.mark.parametrize("is_claimed_again", [True, False])
@pytest.mark.parametrize("step", ["submits", "polls", "collects"])
async def test_a_thawed_worker_changes_nothing(open_adapters, step, is_claimed_again):
    """Wherever in its call it was frozen, and whether another has claimed or ended its task meanwhile."""
    async with TwoWorkers.with_frozen(open_adapters, step) as workers:
        if is_claimed_again:
            await workers.run_by_other()
        before = await workers.stored()

        await workers.thaw()

        assert before == await workers.stored()
        assert 1 == workers.provider.charged
