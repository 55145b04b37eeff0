"""The database keeps what it acknowledged, and one caller's failure is nobody else's."""

import asyncio
import contextlib
import resource
import signal
import stat
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from imagegen_adapters.databases.instances import register_instance
from imagegen_adapters.databases.sqlite import Database, SchemaTooNew, SchemaTooOld
from imagegen_adapters.databases.sqlite.engine import sqlite3
from imagegen_adapters.databases.sqlite.errors import DatabaseUnusable
from imagegen_adapters.databases.sqlite.watchdog import WalLimits
from imagegen_adapters.testing.samples import NOW
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


def note(owner, size=1):
    """Return an operation that adds a row."""
    return lambda c: c.execute("INSERT INTO instances VALUES (?, ?)", (str(owner), "x" * size)).rowcount


def rejected(connection):
    """Write something and fail."""
    note("rejected")(connection)
    raise KeyError("rejected")


def owners(path):
    """Return the rows through another door."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return {row[0] for row in connection.execute("SELECT owner FROM instances").fetchall()}


@contextlib.asynccontextmanager
async def held_writer(database):
    """Keep the writer busy, so that what is asked meanwhile shares the next transaction."""
    started, release = threading.Event(), threading.Event()

    def hold(_):
        started.set()
        release.wait(60)

    holding = asyncio.ensure_future(database.write_alone(hold))
    await asyncio.to_thread(started.wait, 60)
    try:
        yield holding
    finally:
        release.set()


async def at_once(database, *operations):
    """Run operations in one transaction and return results or exceptions."""
    async with held_writer(database) as holding:
        waiting = [asyncio.ensure_future(database.write(operation)) for operation in operations]
        await asyncio.sleep(0)
    await holding
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_is_acknowledged_is_there(database, path):
    """After a write another connection sees the row."""
    result = await database.write(note("a"))

    assert (1, {"a"}) == (result, owners(path))


async def test_a_read_sees_every_earlier_write(database):
    """No reader lags behind what was acknowledged."""
    for number in range(50):
        await database.write(note(number))
        counted = await database.read(lambda c: c.execute("SELECT count(*) FROM instances").fetchone()[0])

        assert number + 1 == counted


async def test_concurrent_writes_share_commits(database, path):
    """A thousand operations take far fewer transactions, none larger than 256."""
    await asyncio.gather(*(database.write(note(number)) for number in range(1000)))

    assert 1000 == len(owners(path))
    assert 4 <= database.commits <= 500


async def test_a_failing_operation_harms_no_other(database, path):
    """Its own writes are taken back, its exception reaches its caller, the batch goes through."""
    duplicate = note("a")

    outcomes = await at_once(database, note("a"), rejected, duplicate, note("b"))

    assert [1, "KeyError", "StorageError", 1] == [
        outcome if outcome == 1 else type(outcome).__name__ for outcome in outcomes
    ]
    assert {"a", "b"} == owners(path)
    assert database.healthy


async def test_a_failing_commit_reaches_everybody(database, path):
    """Nothing of that batch is kept or acknowledged, and later ones work again."""

    def orphaned(connection):
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute(
            "INSERT INTO idempotency_keys (scope, key, body_sha256, task_id, expires_at)"
            " VALUES ('s', 'k', 'aa', 'nobody', '2026')"
        )

    outcomes = await at_once(database, note("a"), orphaned, note("b"))
    was_healthy = database.healthy
    await database.write(note("c"))

    assert [StorageError] * 3 == [type(outcome) for outcome in outcomes]
    assert (False, True) == (was_healthy, database.healthy)
    assert {"c"} == owners(path)


async def test_a_full_disk_is_survived(database, path):
    """The batch that finds the disk full fails as a whole; when there is room again, writing goes on."""
    pages = await database.write_alone(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    limit = f"PRAGMA max_page_count={pages + 10}"
    await database.write_alone(lambda c: c.execute(limit).fetchall())

    outcomes = await at_once(database, note("a"), note("big", size=1_000_000), note("b"))
    was_healthy = database.healthy
    await database.write_alone(lambda c: c.execute("PRAGMA max_page_count=1000000").fetchall())
    await database.write(note("c"))

    assert [StorageFull] * 3 == [type(outcome) for outcome in outcomes]
    assert (False, True) == (was_healthy, database.healthy)
    assert {"c"} == owners(path)


async def test_an_input_output_error_ends_all_acknowledging(path):
    """After a write that the disk refused nothing is taken any more; a fresh start has all that was."""
    database = Database.open(path)
    await database.write(note("a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(StorageError):
            await database.write(note("big", size=3_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with pytest.raises(StorageBroken):
        await database.write(note("b"))
    healthy = database.healthy
    read = await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone()[0])
    await database.close()
    again = Database.open(path)
    await again.write(note("c"))
    await again.close()

    assert (False, "a", {"a", "c"}) == (healthy, read, owners(path))


async def test_what_was_queued_before_an_input_output_error_is_not_acknowledged_after_it(path):
    """It was asked for while the disk seemed well, and comes to be written when it no longer does."""
    database = Database.open(path)

    def broken(_):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    async with held_writer(database) as holding:
        breaking = asyncio.ensure_future(database.write_alone(broken))
        late = asyncio.ensure_future(database.write(note("late")))
        await asyncio.sleep(0)
    await holding
    outcomes = await asyncio.gather(breaking, late, return_exceptions=True)
    await database.close()

    assert [StorageBroken, StorageBroken] == [type(outcome) for outcome in outcomes]
    assert set() == owners(path)


async def test_a_damaged_database_stays_one_whoever_writes_next(path):
    """Each later write is told the same: trying again changes nothing."""
    database = Database.open(path)

    def damaged(_):
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    outcomes = await at_once(database, damaged)
    for _ in range(2):
        outcomes += await asyncio.gather(database.write(note("late")), return_exceptions=True)
        await database.close()

    assert [DatabaseUnusable] * 3 == [type(outcome) for outcome in outcomes]


async def test_a_reader_that_cannot_be_opened_breaks_nothing(path):
    """For want of files, say: the same read goes well as soon as there are some."""
    database = Database.open(path)
    await database.write(note("a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(StorageError) as raised:
            await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone()[0])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    later = await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone()[0])
    await database.close()

    assert (StorageError, "a") == (raised.type, later)


async def test_cancelled_callers_leave_the_writer_alone(database, path):
    """Some give up before their turn and some during it; the others get their answers."""
    async with held_writer(database) as holding:
        waiting = [asyncio.ensure_future(database.write(note(number))) for number in range(10)]
        await asyncio.sleep(0)
        leaving = [holding, *waiting[::2]]
        for one in leaving:
            one.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
    assert [1] * 5 == await asyncio.gather(*waiting[1::2])
    await database.write(note("last"))

    assert {"1", "3", "5", "7", "9", "last"} == owners(path)


async def test_a_spoilt_text_is_read_without_slowing_other_reads(database):
    """Only a read that meets it decodes in the slow way, which shows what is no UTF-8 replaced."""
    await database.write(lambda c: c.execute("INSERT INTO instances VALUES (CAST(x'61ff' AS TEXT), '')"))

    for _ in range(2):
        row = await database.read(lambda c: c.execute("SELECT owner FROM instances").fetchone())
        decoding = await database.read(lambda c: c.text_factory)

        assert ("a\N{REPLACEMENT CHARACTER}", str) == (row["owner"], decoding)


async def test_a_read_has_a_deadline(database):
    """An endless statement is stopped, and its reader serves the next."""
    for _ in range(6):
        with pytest.raises(Unavailable):
            await database.read(lambda c: c.execute(ENDLESS).fetchall(), deadline_seconds=0.02)

    assert 1 == await database.read(lambda c: c.execute("SELECT 1").fetchone()[0])


async def test_searches_keep_nobody_from_reading(database):
    """However many search for however long, a read is answered; searches in a queue count the wait."""
    searches = [
        asyncio.create_task(database.search(lambda c: c.execute(ENDLESS).fetchall(), deadline_seconds=1))
        for _ in range(10)
    ]
    await asyncio.sleep(0)
    read = await database.read(lambda c: c.execute("SELECT 1").fetchone()[0])
    searching = [search for search in searches if not search.done()]
    ended = await asyncio.gather(*searches, return_exceptions=True)

    assert (1, 10) == (read, len(searching))
    assert all(isinstance(error, Unavailable) for error in ended)


async def test_a_probe_is_answered_however_many_reads_wait(database):
    """A supervisor's question does not wait for what hundreds of callers look up."""
    held = threading.Event()
    reads = [asyncio.create_task(database.read(lambda _: held.wait(30))) for _ in range(50)]
    try:
        told = await database.probe(lambda c: c.execute("SELECT 1").fetchone()[0])
        waiting = sum(not read.done() for read in reads)
    finally:
        held.set()
        await asyncio.gather(*reads)

    assert (1, 50) == (told, waiting)


async def test_readers_cannot_write(database):
    """A statement that would change something fails on a reader."""
    with pytest.raises(StorageError):
        await database.read(note("a"))


async def test_a_pinned_log_is_cut_back(path):
    """A read that never ends is stopped when the write-ahead log has grown too large behind it."""
    limits = WalLimits(warn_bytes=100_000, truncate_bytes=1_000_000, old_read_seconds=0)
    database = Database.open(path, wal_limits=limits)
    started = threading.Event()

    def endless(connection):
        connection.execute("SELECT count(*) FROM instances").fetchall()
        started.set()
        connection.execute(ENDLESS).fetchall()

    reading = asyncio.ensure_future(database.read(endless, deadline_seconds=60))
    await asyncio.to_thread(started.wait, 60)
    for number in range(12):
        await database.write(note(number, size=200_000))

    with pytest.raises(Unavailable):
        await reading
    await database.write(note("last"))
    size = path.with_name("imagegen.db-wal").stat().st_size
    await database.close()

    assert size < 2_000_000


async def test_files_are_for_their_owner_only(database, path):
    """Database, log and index have mode 0600, whatever the umask."""
    await database.write(note("a"))

    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert {0o600} == modes


async def test_closing_leaves_one_whole_file(path):
    """What was waiting is written, the log is folded in; a closed database takes nothing more."""
    database = Database.open(path)
    waiting = [asyncio.ensure_future(database.write(note(number))) for number in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await database.close()
    await asyncio.gather(*waiting)

    assert [path.name] == [file.name for file in path.parent.iterdir()]
    assert 20 == len(owners(path))
    with pytest.raises(StorageError):
        await database.write(note("late"))
    with pytest.raises(StorageError):
        await database.read(lambda c: c.execute("SELECT 1").fetchall())


async def test_a_second_program_can_read_beside(database, path):
    """Opened read-only, the file can be read while it is written to, and not be changed."""
    await database.write(note("a"))
    beside = Database.open(path, read_only=True)
    await database.write(note("b"))

    counted = await beside.read(lambda c: c.execute("SELECT count(*) FROM instances").fetchone()[0])
    with pytest.raises(StorageError):
        await beside.write(note("c"))
    await beside.close()

    assert 2 == counted


async def test_a_newer_schema_is_refused(path):
    """A database with a migration that we do not know is left alone."""
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
    """A reader does not bring the schema up to date, so it says what to do."""
    await Database.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_instances'")

    with pytest.raises(SchemaTooOld):
        Database.open(path, read_only=True)


async def test_what_is_no_database_is_refused(path):
    """A damaged file or a missing one is a clear error, without its path."""
    with pytest.raises(StorageError) as missing:
        Database.open(path, read_only=True)
    path.write_bytes(b"no database at all" * 100)

    with pytest.raises(StorageError, match="not a database") as damaged:
        Database.open(path)
    assert str(path) not in f"{missing.value} {damaged.value}"


async def test_the_settings_hold(database):
    """Every commit is synced, deleted secrets are overwritten, nothing is mapped."""
    names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "mmap_size", "trusted_schema")

    values = await database.write_alone(
        lambda c: [c.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    )

    assert ["wal", 2, 1, 1, 0, 0] == values


WRITER = """
import asyncio, sys
from pathlib import Path
from imagegen_adapters.databases.sqlite import Database

async def work(database, worker):
    for number in range(100_000):
        name = f"{worker}-{number}"
        await database.write(lambda c: c.execute("INSERT INTO instances VALUES (?, 'x')", (name,)).rowcount)
        print(name, flush=True)

async def main():
    database = Database.open(Path(sys.argv[1]))
    await asyncio.gather(*(work(database, worker) for worker in range(8)))

asyncio.run(main())
"""


def test_a_killed_process_loses_nothing_acknowledged(path):
    """After SIGKILL in the middle of it, every row that was acknowledged is there."""
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


async def test_each_start_is_noted(database, path):
    """An instance is registered by its owner id; only the latest hundred are remembered."""
    for number in range(103):
        await register_instance(database, f"owner {number:03}", NOW + timedelta(seconds=number))

    assert {f"owner {number:03}" for number in range(3, 103)} == owners(path)


def test_importing_it_does_not_load_the_schema_tools():
    """The command line answers without waiting for what only opening a database needs."""
    program = (
        "import sys, imagegen_adapters.databases.sqlite, imagegen_adapters.provider_configs.sqlite; "
        "print('sqlite_utils' in sys.modules)"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "False" == result.stdout.strip()
