"""Acknowledged writes are durable, and one caller's failure does not affect others."""

import asyncio
import contextlib
import os
import resource
import signal
import stat
import subprocess
import sys
import threading

import pytest

from imagegen_adapters.stores import SchemaTooNew, SchemaTooOld
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import DatabaseUnusable, open_reader, sqlite3
from imagegen_core.errors import StorageBroken, StorageError, StorageFull, Unavailable

pytestmark = pytest.mark.anyio

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "imagegen.db"


@pytest.fixture
async def database(path):
    database = Database.open(path)
    yield database
    await database.close()


def insert(owner, size=1):
    """Return an operation that inserts a row."""
    return lambda c: c.execute("INSERT INTO instances VALUES (?, ?)", (str(owner), "x" * size)).rowcount


def rejected(connection):
    """Insert a row and fail."""
    insert("rejected")(connection)
    raise KeyError("rejected")


def owners(path):
    """Return the inserted rows, read through a separate connection."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {row[0] for row in connection.execute("SELECT owner FROM instances").fetchall()}


@contextlib.asynccontextmanager
async def busy_writer(database, on_end=lambda: None):
    """Keep the writer busy, so that writes submitted meanwhile share the next transaction.

    ``on_end`` ends the operation that keeps it busy.
    """
    started, release = threading.Event(), threading.Event()

    def hold(_):
        started.set()
        release.wait(60)
        on_end()

    blocking = asyncio.ensure_future(database.writer.write(hold))
    await asyncio.to_thread(started.wait, 60)
    try:
        yield blocking
    finally:
        release.set()


async def in_one_transaction(database, *operations):
    """Run operations in one transaction and return their results or exceptions."""
    async with busy_writer(database) as blocking:
        waiting = [asyncio.ensure_future(database.writer.write(operation)) for operation in operations]
        await asyncio.sleep(0)
    await blocking
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_an_acknowledged_write_is_stored(database, path):
    """After a write, another connection sees the row."""
    result = await database.writer.write(insert("a"))

    assert (1, {"a"}) == (result, owners(path))


async def test_a_read_sees_every_earlier_write(database):
    """No reader lags behind acknowledged writes."""
    for number in range(50):
        await database.writer.write(insert(number))
        counted = await database.read(lambda c: c.execute("SELECT count(*) FROM instances").fetchone()[0])

        assert number + 1 == counted


async def test_concurrent_writes_share_commits(database, path):
    """A thousand operations take far fewer transactions, of at most 256 operations each."""
    await asyncio.gather(*(database.writer.write(insert(number)) for number in range(1000)))

    assert 1000 == len(owners(path))
    assert 4 <= database.writer.commits <= 500


async def test_a_failing_operation_affects_no_other(database, path):
    """Its writes are rolled back, its caller gets the exception, and the rest of the batch is committed."""
    duplicate = insert("a")

    outcomes = await in_one_transaction(database, insert("a"), rejected, duplicate, insert("b"))

    assert [1, "KeyError", "StorageError", 1] == [
        outcome if outcome == 1 else type(outcome).__name__ for outcome in outcomes
    ]
    assert {"a", "b"} == owners(path)
    assert database.healthy


async def test_an_operation_that_stops_an_iteration_fails_as_any_other(database, path):
    """No future accepts such an exception, and its caller would wait forever."""
    async with asyncio.timeout(10):
        results = await asyncio.gather(
            database.writer.write(lambda _: next(iter(()))),
            database.writer.write(insert("b")),
            return_exceptions=True,
        )

    assert [RuntimeError, 1] == [type(results[0]), results[1]]
    assert owners(path) == {"b"}


async def test_a_failing_statement_affects_no_other(database, path):
    """Of one that fails at its second row, nothing stays; the rest of the batch is committed."""
    add = "INSERT INTO instances SELECT value, '' FROM json_each(?)"
    async with busy_writer(database) as blocking:
        waiting = [
            asyncio.ensure_future(database.writer.execute(add, (rows,)))
            for rows in ('["a"]', '["b", "a"]', '["c", "d"]')
        ]
        await asyncio.sleep(0)
    await blocking

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [1, StorageError, 2] == [o if isinstance(o, int) else type(o) for o in outcomes]
    assert {"a", "c", "d"} == owners(path)
    assert database.healthy


async def test_a_failing_commit_fails_the_whole_batch(database, path):
    """Nothing of that batch is stored or acknowledged, and later ones succeed again."""

    def orphaned(connection):
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute(
            "INSERT INTO idempotency_keys (scope, key, body_sha256, task_id, expires_at)"
            " VALUES ('s', 'k', 'aa', 'nobody', '2026')"
        )

    outcomes = await in_one_transaction(database, insert("a"), orphaned, insert("b"))
    was_healthy = database.healthy
    await database.writer.write(insert("c"))

    assert [StorageError] * 3 == [type(outcome) for outcome in outcomes]
    assert (False, True) == (was_healthy, database.healthy)
    assert {"c"} == owners(path)


async def test_a_full_disk_is_survived(database, path):
    """The batch that meets the full disk fails as a whole; once there is space, writes succeed again."""
    pages = await database.writer.write(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    limit = f"PRAGMA max_page_count={pages + 10}"
    await database.writer.write(lambda c: c.execute(limit).fetchall())

    outcomes = await in_one_transaction(database, insert("a"), insert("big", size=1_000_000), insert("b"))
    was_healthy = database.healthy
    await database.writer.write(lambda c: c.execute("PRAGMA max_page_count=1000000").fetchall())
    await database.writer.write(insert("c"))

    assert [StorageFull] * 3 == [type(outcome) for outcome in outcomes]
    assert (False, True) == (was_healthy, database.healthy)
    assert {"c"} == owners(path)


async def test_after_an_input_output_error_no_write_is_acknowledged(path):
    """Later writes are refused until a restart, which finds all acknowledged rows."""
    database = Database.open(path)
    await database.writer.write(insert("a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(StorageError):
            await database.writer.write(insert("big", size=3_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with pytest.raises(StorageBroken):
        await database.writer.write(insert("b"))
    healthy = database.healthy
    read = await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone()[0])
    await database.close()
    again = Database.open(path)
    await again.writer.write(insert("c"))
    await again.close()

    assert (False, "a", {"a", "c"}) == (healthy, read, owners(path))


async def test_writes_queued_before_an_input_output_error_are_not_acknowledged_after_it(path):
    """They were submitted while the disk seemed intact, and would be written when it no longer is."""
    database = Database.open(path)

    def broken():
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    async with busy_writer(database, on_end=broken) as breaking:
        late = asyncio.ensure_future(database.writer.write(insert("late")))
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(breaking, late, return_exceptions=True)
    await database.close()

    assert [StorageBroken, StorageBroken] == [type(outcome) for outcome in outcomes]
    assert set() == owners(path)


async def test_a_damaged_database_stays_unusable(path):
    """Each later write gets the same error: retrying does not help."""
    database = Database.open(path)

    def damaged(_):
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    outcomes = await in_one_transaction(database, damaged)
    for _ in range(2):
        outcomes += await asyncio.gather(database.writer.write(insert("late")), return_exceptions=True)
        await database.close()

    assert [DatabaseUnusable] * 3 == [type(outcome) for outcome in outcomes]


async def test_a_reader_that_cannot_be_opened_is_a_temporary_error(path):
    """When file descriptors have run out, for example; the same read succeeds once there are some."""
    database = Database.open(path)
    await database.writer.write(insert("a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))  # at 0, poll() in other threads would fail
    try:
        with pytest.raises(StorageError) as raised:
            await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone()[0])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    later = await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone()[0])
    await database.close()

    assert (StorageError, "a") == (raised.type, later)


async def test_a_reader_that_is_opened_slowly_delays_no_other(database, monkeypatch):
    """A read ends, and the watchdog of the log goes on, while the disk lets another one wait."""
    started, opened, release = threading.Event(), threading.Event(), threading.Event()

    def read(_):
        started.set()
        return opened.wait(timeout=60)

    def open_slowly(*args, **kwargs):
        opened.set()
        release.wait(timeout=60)
        return open_reader(*args, **kwargs)

    running = asyncio.ensure_future(database.read(read))
    await asyncio.to_thread(started.wait, timeout=60)
    monkeypatch.setattr("imagegen_adapters.stores.sqlite.database.open_reader", open_slowly)
    slow = asyncio.ensure_future(database.read(lambda _: "slow"))
    try:
        async with asyncio.timeout(10):
            ended = await running
            interrupted = await asyncio.to_thread(database._pools["readers"].interrupt, older_than_seconds=9)
    finally:
        release.set()

    assert (True, 0, "slow") == (ended, interrupted, await slow)


async def test_cancelled_callers_do_not_disturb_the_writer(database, path):
    """Some are cancelled before their operation runs and some during it; the others get their results."""
    async with busy_writer(database) as blocking:
        waiting = [asyncio.ensure_future(database.writer.write(insert(number))) for number in range(10)]
        await asyncio.sleep(0)
        cancelled = [blocking, *waiting[::2]]
        for write in cancelled:
            write.cancel()
        await asyncio.gather(*cancelled, return_exceptions=True)
    assert [1] * 5 == await asyncio.gather(*waiting[1::2])
    await database.writer.write(insert("last"))

    assert {"1", "3", "5", "7", "9", "last"} == owners(path)


async def test_invalid_text_is_read_without_slowing_other_reads(database):
    """Only a read that meets text that is not UTF-8 uses the slow, lossy decoding."""
    await database.writer.write(
        lambda c: c.execute("INSERT INTO instances VALUES (CAST(x'61ff' AS TEXT), '')")
    )

    for _ in range(2):
        row = await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone())
        decoding = await database.read(lambda c: c.text_factory)

        assert ("a\N{REPLACEMENT CHARACTER}", str) == (row["owner"], decoding)


async def test_a_read_has_a_deadline(database):
    """An endless statement is interrupted, and its reader serves the next read."""
    for _ in range(6):
        with pytest.raises(Unavailable):
            await database.read(lambda c: c.execute(ENDLESS).fetchall(), deadline_seconds=0.02)

    assert 1 == await database.read(lambda c: c.execute("SELECT 1").fetchone()[0])


async def test_searches_do_not_block_reads(database):
    """Reads are served while long searches run; a search's deadline includes its time in the queue."""
    searches = [
        asyncio.create_task(database.search(lambda c: c.execute(ENDLESS).fetchall(), deadline_seconds=4))
        for _ in range(10)
    ]
    await asyncio.sleep(0)
    read = await database.read(lambda c: c.execute("SELECT 1").fetchone()[0])
    searching = [search for search in searches if not search.done()]
    errors = await asyncio.gather(*searches, return_exceptions=True)

    assert (1, 10) == (read, len(searching))
    assert all(isinstance(error, Unavailable) for error in errors)


async def test_a_probe_does_not_wait_for_reads(database):
    """A health check does not queue behind the reads of many callers."""
    released = threading.Event()
    reads = [asyncio.create_task(database.read(lambda _: released.wait(30))) for _ in range(50)]
    try:
        result = await database.probe(lambda c: c.execute("SELECT 1").fetchone()[0])
        waiting = sum(not read.done() for read in reads)
    finally:
        released.set()
        await asyncio.gather(*reads)

    assert (1, 50) == (result, waiting)


async def test_readers_cannot_write(database):
    """A statement that would modify the database fails on a reader."""
    with pytest.raises(StorageError):
        await database.read(insert("a"))


async def test_a_pinned_log_is_truncated(path, monkeypatch):
    """An endless read is interrupted once the write-ahead log has grown too large because of it."""
    limits = {"WAL_SIZE_LIMIT_BYTES": 100_000, "TRUNCATE_BYTES": 1_000_000, "OLD_READ_SECONDS": 0}
    for name, limit in limits.items():
        monkeypatch.setattr(f"imagegen_adapters.stores.sqlite.database.{name}", limit)
    database = Database.open(path)
    started = threading.Event()

    def endless(connection):
        connection.execute("SELECT count(*) FROM instances").fetchall()
        started.set()
        connection.execute(ENDLESS).fetchall()

    reading = asyncio.ensure_future(database.read(endless, deadline_seconds=60))
    await asyncio.to_thread(started.wait, 60)
    for number in range(12):
        await database.writer.write(insert(number, size=200_000))

    with pytest.raises(Unavailable):
        await reading
    await database.writer.write(insert("last"))
    size = path.with_name("imagegen.db-wal").stat().st_size
    await database.close()

    assert size < 2_000_000


async def test_files_are_private(database, path):
    """Database, ``-wal`` and ``-shm`` have mode 0600, whatever the umask."""
    await database.writer.write(insert("a"))

    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert {0o600} == modes


async def test_closing_leaves_one_complete_file(path):
    """Pending writes are committed and the log is checkpointed; afterwards reads and writes are refused."""
    database = Database.open(path)
    waiting = [asyncio.ensure_future(database.writer.write(insert(number))) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await database.close()
    await asyncio.gather(*waiting)

    assert [path.name] == [file.name for file in path.parent.iterdir()]
    assert 20 == len(owners(path))
    with pytest.raises(StorageError):
        await database.writer.write(insert("late"))
    with pytest.raises(StorageError):
        await database.read(lambda c: c.execute("SELECT 1").fetchall())


async def test_another_process_can_read_concurrently(database, path):
    """Opened read-only, the database can be read while it is written to, and not be modified."""
    await database.writer.write(insert("a"))
    read_only = Database.open(path, read_only=True)
    await database.writer.write(insert("b"))

    counted = await read_only.read(lambda c: c.execute("SELECT count(*) FROM instances").fetchone()[0])
    with pytest.raises(StorageError):
        await read_only.writer.write(insert("c"))
    await read_only.close()

    assert 2 == counted


async def test_a_newer_schema_is_refused(path):
    """A database with an unknown migration is left alone."""
    await Database.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('imagegen', 'm999', 'x')"
        )

    for read_only in (False, True):
        with pytest.raises(SchemaTooNew, match="m999"):
            Database.open(path, read_only=read_only)


async def test_an_older_schema_is_not_read(path):
    """Opening read-only does not migrate, so the error says what to do."""
    await Database.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM _sqlite_migrations")

    with pytest.raises(SchemaTooOld):
        Database.open(path, read_only=True)


async def test_a_file_that_is_not_a_database_is_refused(path):
    """A damaged or missing file is a clear error that does not contain its path."""
    with pytest.raises(StorageError) as missing:
        Database.open(path, read_only=True)
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(StorageError, match="not a database") as damaged:
        Database.open(path)
    assert str(path) not in f"{missing.value} {damaged.value}"


async def test_the_pragmas_are_in_effect(database):
    """Every commit is synced, deleted data is overwritten, and the file is not memory-mapped."""
    names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "mmap_size", "trusted_schema")

    values = await database.writer.write(
        lambda c: [c.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    )

    assert ["wal", 2, 1, 1, 0, 0] == values


WRITER = """
import asyncio, sys
from pathlib import Path
from imagegen_adapters.stores.sqlite.database import Database

async def work(database, worker):
    for number in range(100_000):
        name = f"{worker}-{number}"
        row = "INSERT INTO instances VALUES (?, 'x')", (name,)
        await database.writer.write(lambda c: c.execute(*row).rowcount)
        print(name, flush=True)

async def main():
    database = Database.open(Path(sys.argv[1]))
    await asyncio.gather(*(work(database, worker) for worker in range(8)))

asyncio.run(main())
"""


def test_a_killed_process_loses_nothing_acknowledged(path):
    """After SIGKILL during writes, every acknowledged row is stored."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        acknowledged = [child.stdout.readline().strip() for _ in range(500)]
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().splitlines(keepends=True)
    acknowledged += [line.strip() for line in rest if line.endswith("\n")]

    assert set(acknowledged) <= owners(path)
    Database.open(path).close_now()
    assert set(acknowledged) <= owners(path)


def test_importing_it_does_not_load_the_schema_tools():
    """Commands that open no database start faster."""
    program = (
        "import sys, imagegen_adapters.stores.sqlite.database, imagegen_adapters.stores.configs; "
        "print('sqlite_utils' in sys.modules)"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "False" == result.stdout.strip()
