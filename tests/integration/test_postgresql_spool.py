"""The spool in PostgreSQL keeps the contract, and its files outlive the node that put them."""

import asyncio

import pytest

from imagegen_adapters.files.cache import LocalCopies
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.files import CHUNK_BYTES, Files, PostgresqlSpool
from imagegen_adapters.system import SystemClock
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable
from imagegen_core.ports.blobs import SpoolOverflow
from tests.contracts.clock import ManualClock
from tests.contracts.samples import pieces

pytestmark = [pytest.mark.anyio, pytest.mark.one_python]

LARGE = bytes(range(256)) * (3 * CHUNK_BYTES // 256) + b"the end"


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


@pytest.fixture
def clock():
    return ManualClock(SystemClock().now())


@pytest.fixture
def spool(database, tmp_path, clock):
    return PostgresqlSpool(database, tmp_path / "spool", clock=clock)


@pytest.fixture
async def another_node(postgresql_dsn, tmp_path, clock):
    """Return a spool of another process, with connections and a directory of its own."""
    database = await Database.open(postgresql_dsn)
    yield PostgresqlSpool(database, tmp_path / "another", clock=clock)
    await database.close()


async def count(database, table):
    return (await database.row(f"SELECT count(*) FROM {table}"))[0]  # noqa: S608 - the name of a table


def content(spool, folder, name):
    with spool.open(folder, name) as file:
        return file.read()


async def test_another_node_brings_what_was_put(spool, another_node):
    """Its own disk has a copy then; until then it has none."""
    await spool.put("folder", "answer", pieces(LARGE), max_bytes=len(LARGE))
    with pytest.raises(BlobMissing):
        another_node.open("folder", "answer")

    await another_node.fetch("folder")

    assert LARGE == content(another_node, "folder", "answer")


async def test_another_node_reads_what_was_put(spool, another_node):
    """Without a copy: inputs are sent in pieces."""
    await spool.put("folder", "input", pieces(LARGE), max_bytes=len(LARGE))

    assert LARGE == b"".join([chunk async for chunk in another_node.chunks("folder", "input")])


async def test_a_file_that_another_node_replaced_is_brought_again(spool, another_node):
    """A copy of the earlier one is outdated."""
    await spool.put("folder", "answer", pieces(b"old"), max_bytes=9)
    await another_node.put("folder", "answer", pieces(b"new"), max_bytes=9)

    await spool.fetch("folder")

    assert b"new" == content(spool, "folder", "answer")


async def test_a_file_that_another_node_removed_is_gone_once_brought(spool, another_node):
    """So the disk does not keep what no task needs."""
    await spool.put("folder", "answer", pieces(b"x"), max_bytes=1)
    await another_node.remove("folder")

    await spool.fetch("folder")

    with pytest.raises(BlobMissing):
        spool.open("folder", "answer")


async def test_a_copy_that_was_lost_is_brought_again(spool, tmp_path):
    """Somebody may have cleaned the directory."""
    await spool.put("folder", "answer", pieces(b"x"), max_bytes=1)
    for path in (tmp_path / "spool").iterdir():
        path.unlink()
    with pytest.raises(BlobMissing):
        spool.open("folder", "answer")

    await spool.fetch("folder")

    assert b"x" == content(spool, "folder", "answer")


async def test_a_disk_that_refuses_the_copy_does_not_lose_the_answer(spool, another_node, tmp_path):
    """It is paid for, and stored; the copy can be made later."""
    (tmp_path / "spool").write_bytes(b"in the way of the directory")

    size = await spool.put("folder", "answer", pieces(b"paid"), max_bytes=4)

    with pytest.raises(BlobMissing):
        spool.open("folder", "answer")
    await another_node.fetch("folder")
    assert (4, b"paid") == (size, content(another_node, "folder", "answer"))


async def test_a_disk_that_refuses_what_is_brought_is_an_error(spool, another_node, tmp_path):
    """Whoever wants to open the file learns why it cannot."""
    await another_node.put("folder", "answer", pieces(b"paid"), max_bytes=4)
    (tmp_path / "spool").write_bytes(b"in the way of the directory")

    with pytest.raises(StorageError):
        await spool.fetch("folder")


async def test_copies_are_private(spool, tmp_path):
    """Answers and inputs are nobody else's business."""
    await spool.put("folder", "answer", pieces(b"x"), max_bytes=1)

    (file,) = (tmp_path / "spool").iterdir()
    assert (0o600, 0o700) == (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777)


async def test_who_runs_no_tasks_keeps_no_copies(database, another_node, tmp_path, clock):
    """What it puts is in the database alone, and any node brings it."""
    spool = PostgresqlSpool(database, tmp_path / "spool", clock=clock, copies_puts=False)
    size = await spool.put("a", "input", pieces(LARGE), max_bytes=len(LARGE))
    await another_node.fetch("a")

    assert (len(LARGE), LARGE) == (size, content(another_node, "a", "input"))
    assert not (tmp_path / "spool").exists()
    with pytest.raises(SpoolOverflow):
        await spool.put("a", "input", pieces(LARGE), max_bytes=len(LARGE) - 1)


async def test_copies_have_a_bounded_size(database, tmp_path, clock):
    """The oldest folder's go; they can be fetched again."""
    spool = PostgresqlSpool(database, tmp_path / "spool", clock=clock, max_copied_bytes=5)
    for folder in ("one", "two", "three"):
        await spool.put(folder, "answer", pieces(b"xx"), max_bytes=2)
    with pytest.raises(BlobMissing):
        spool.open("one", "answer")
    remaining = [content(spool, folder, "answer") for folder in ("two", "three")]

    await spool.fetch("one")

    assert ([b"xx", b"xx"], b"xx") == (remaining, content(spool, "one", "answer"))
    assert 2 == len(list((tmp_path / "spool").iterdir()))


@pytest.mark.parametrize("act", ["replace", "remove", "overflow", "break", "cancel"])
async def test_the_disk_keeps_no_copy_in_vain(spool, tmp_path, act):
    """Neither of what was replaced or removed, nor of what was never finished."""
    await spool.put("folder", "kept", pieces(b"x"), max_bytes=1)

    async def breaking():
        yield b"x" * CHUNK_BYTES
        if act == "cancel":
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        raise ConnectionError

    if act == "replace":
        await spool.put("folder", "kept", pieces(b"y"), max_bytes=1)
    elif act == "remove":
        await spool.put("another", "answer", pieces(b"y"), max_bytes=1)
        await spool.remove("another")
    elif act == "overflow":
        with pytest.raises(SpoolOverflow):
            await spool.put("folder", "answer", pieces(b"x" * CHUNK_BYTES, b"y"), max_bytes=CHUNK_BYTES)
    else:
        putting = asyncio.create_task(spool.put("folder", "answer", breaking(), max_bytes=10**6))
        (outcome,) = await asyncio.gather(putting, return_exceptions=True)
        assert {"cancel": asyncio.CancelledError, "break": ConnectionError}[act] is type(outcome)

    assert 1 == len(list((tmp_path / "spool").iterdir()))


async def test_a_copy_that_is_cancelled_at_its_end_is_removed(spool, tmp_path, monkeypatch):
    """Its file is closed, too, though no thread had begun to finish it."""

    async def cancelled(*_, **__):
        raise asyncio.CancelledError

    monkeypatch.setattr(LocalCopies, "keep", cancelled)
    with pytest.raises(asyncio.CancelledError):
        await spool.put("folder", "answer", pieces(b"x"), max_bytes=1)

    assert [] == list((tmp_path / "spool").iterdir())


async def test_what_an_earlier_process_copied_is_removed(spool, tmp_path):
    """At the start; a directory that is not there yet is no error."""
    before = await spool.sweep_temporary()
    await spool.put("folder", "answer", pieces(b"x"), max_bytes=1)

    assert (0, 1, []) == (before, await spool.sweep_temporary(), list(tmp_path.glob("spool/*")))


async def test_an_unfinished_put_is_seen_by_nobody_and_leaves_nothing(spool, another_node, database):
    """Not even its chunks, once it has failed."""
    visible = []

    async def breaking():
        yield b"x" * CHUNK_BYTES
        yield b"y"
        visible.append(await another_node.folders(older_than_seconds=-60))
        await another_node.fetch("folder")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await spool.put("folder", "answer", breaking(), max_bytes=10**6)

    assert ([()], 0, 0) == (visible, await count(database, "files"), await count(database, "file_chunks"))


async def test_a_slow_source_keeps_no_transaction_open(spool, database):
    """Nor a connection: as many puts wait at once as there are tasks."""
    arrived, more = asyncio.Event(), asyncio.Event()
    waiting = 0

    async def slow():
        nonlocal waiting
        yield b"x" * CHUNK_BYTES
        waiting += 1
        if waiting == 20:
            arrived.set()
        await more.wait()
        yield b"y"

    puts = [
        asyncio.create_task(spool.put(f"folder{number}", "answer", slow(), max_bytes=10**6))
        for number in range(20)
    ]
    await arrived.wait()
    ((open_transactions,),) = await database.rows(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL "
        "AND pid <> pg_backend_pid()"
    )
    more.set()
    await asyncio.gather(*puts)

    assert (0, 20) == (open_transactions, await count(database, "files"))


async def test_what_a_dead_node_was_writing_is_removed_a_day_later(spool, database):
    """By whoever looks for leftovers next; what was begun since then stays."""
    begin = (
        "INSERT INTO files (store, written_at) VALUES ('spool', now() - $1::text::interval) RETURNING file_id"
    )
    dead, running = [(await database.row(begin, age))[0] for age in ("25 hours", "23 hours")]
    for file_id in (dead, running):
        await database.rows("INSERT INTO file_chunks VALUES ($1, 0, 'half of')", file_id)

    await spool.folders(older_than_seconds=0)

    assert [running] == [row[0] for row in await database.rows("SELECT file_id FROM file_chunks")]


async def test_a_reader_of_a_replaced_file_reads_it_to_its_end(spool):
    """Its chunks stay for a day."""
    new = bytes(reversed(LARGE))
    await spool.put("folder", "answer", pieces(LARGE), max_bytes=len(LARGE))
    reading = spool.chunks("folder", "answer")
    first = await anext(reading)
    await spool.put("folder", "answer", pieces(new), max_bytes=len(new))

    rest = b"".join([chunk async for chunk in reading])

    assert LARGE == first + rest
    assert new == b"".join([chunk async for chunk in spool.chunks("folder", "answer")])


async def test_a_reader_of_a_removed_file_is_told(spool):
    """It does not take the beginning for the whole."""
    await spool.put("folder", "answer", pieces(LARGE), max_bytes=len(LARGE))
    reading = spool.chunks("folder", "answer")
    await anext(reading)
    await spool.remove("folder")

    with pytest.raises(BlobMissing):
        await anext(reading)


async def test_equal_names_put_at_the_same_time_leave_one_of_them(spool, another_node, database):
    """On whichever nodes, neither fails, and neither gets the other's bytes."""
    contents = [bytes([number]) * (CHUNK_BYTES + number) for number in range(8)]

    await asyncio.gather(
        *(
            node.put("folder", "answer", pieces(data), max_bytes=len(data))
            for node, data in zip([spool, another_node] * 4, contents, strict=True)
        )
    )

    assert b"".join([chunk async for chunk in spool.chunks("folder", "answer")]) in contents
    assert [(1,)] == [
        tuple(r) for r in await database.rows("SELECT count(*) FROM files WHERE key IS NOT NULL")
    ]


async def test_an_answer_survives_a_server_that_is_away_for_a_while(database, postgresql, tmp_path):
    """It accepts nobody in the middle of the put; what was written before is not written again."""
    name = (await database.row("SELECT current_database()"))[0]

    def accept_connections(accepts):
        postgresql.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {accepts}")

    class Operator(ManualClock):
        """Brings the server back while a writer waits."""

        async def sleep(self, seconds):
            accept_connections(True)
            await super().sleep(seconds)

    async def interrupted():
        yield b"x" * CHUNK_BYTES
        accept_connections(False)
        postgresql.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 - as above
        yield b"y" * CHUNK_BYTES

    clock = Operator()
    spool = PostgresqlSpool(database, tmp_path / "spool", clock=clock)
    size = await spool.put("folder", "answer", interrupted(), max_bytes=2 * CHUNK_BYTES)

    stored = b"".join([chunk async for chunk in spool.chunks("folder", "answer")])
    assert b"x" * CHUNK_BYTES + b"y" * CHUNK_BYTES == content(spool, "folder", "answer") == stored
    assert (2 * CHUNK_BYTES, True) == (size, clock.monotonic() > 0)


async def test_each_write_may_be_made_twice(database):
    """As it is if the server had written it, and its answer was lost."""

    async def twice(write):
        await write()
        return await write()

    files = Files(database, "spool", retry=twice)
    await files.put("folder/answer", pieces(b"old"))
    await files.put("folder/answer", pieces(LARGE))

    assert LARGE == b"".join([chunk async for chunk in files.open("folder/answer")])


async def test_a_part_that_the_server_lost_is_noticed(spool, database):
    """As after a failover to a standby that had not got it: half an answer is none."""

    async def interrupted():
        yield b"x" * CHUNK_BYTES
        yield b"y"
        await database.rows("DELETE FROM file_chunks WHERE starts_at = 0")

    with pytest.raises(StorageUnreachable):
        await spool.put("folder", "answer", interrupted(), max_bytes=10**6)

    assert 0 == await count(database, "files")
