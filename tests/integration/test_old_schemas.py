"""A database of every schema since the baseline is opened with nothing lost, and so is a backup of its
time."""

import re
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime

import pytest

from imagegen_adapters.backup import BackupError, restore_backup, write_backup
from imagegen_adapters.secrets import FernetSecretBox
from imagegen_adapters.stores import SchemaUnusable
from imagegen_adapters.stores.configs import SqlProviderConfigs
from imagegen_adapters.stores.outbox import SqlOutbox
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import BASELINE, Database, migrations
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_adapters.system import simplify
from imagegen_core.attempt import Phase
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.ports.tasks import TaskFilter
from imagegen_core.search import Paging, SearchQuery
from imagegen_core.task import TaskStatus
from imagegen_core.values import quarter_of
from tests.contracts.samples import NOW, find_hits
from tests.integration.api.live_server import imagegen
from tests.integration.cli.outcomes import failed
from tests.schemas.directories import NAMES, SAVED_KEY, SECRET_HEADER, unpack

pytestmark = pytest.mark.anyio

BLANKS = re.compile(r"\s*([(),;])\s*")

UPGRADE = """
import sys
from pathlib import Path
from imagegen_adapters.stores.sqlite.database import Database
sys.stdin.readline()
Database.open(Path(sys.argv[1])).close_now()
"""


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def old(name, tmp_path):
    """The data directory of a schema, as its version left it."""
    return unpack(name, tmp_path / "data")


@pytest.fixture
async def database(old):
    database = Database.open(old / "imagegen.db")
    yield database
    await database.close()


def quiet(done, total):
    """Nobody watches."""


def rows_of(path):
    """Return all rows of all tables, SQLite's own too; the full-text index is in its shadow tables."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        tables = [row[0] for row in connection.execute(query)]
        return {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM '{table}'")]  # noqa: S608 - names of the schema
            for table in tables
            if table != "_sqlite_migrations"
        }


def schema_of(path):
    """Return what a database consists of; white space says nothing."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    return {
        (kind, name): (table, BLANKS.sub(r"\1", " ".join((sql or "").split())))
        for kind, name, table, sql in rows
    }


def complaints(path):
    with closing(sqlite3.connect(path)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall()
        return [row for row in whole if row != ("ok",)] + connection.execute(
            "PRAGMA foreign_key_check"
        ).fetchall()


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_schema_has_a_data_directory():
    """After a new migration: ``.venv/bin/python -m tests.schemas.make``, and commit what it made."""
    assert tuple(migrations()) == NAMES


@pytest.mark.parametrize("newest", ["m024_lineage", "m001_provider_configs"])
def test_what_is_older_than_the_baseline_is_refused(tmp_path, newest):
    """In one sentence, with nothing written."""
    path = unpack(BASELINE, tmp_path / "data") / "imagegen.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name > ?", [newest])
    before = files_of(tmp_path / "data")

    for is_read_only in (False, True):
        with pytest.raises(SchemaUnusable, match=f"too old for this one .before {BASELINE}.") as caught:
            Database.open(path, read_only=is_read_only)
        assert "\n" not in str(caught.value)
    assert before["imagegen.db"] == files_of(tmp_path / "data")["imagegen.db"]


def test_what_is_upgraded_has_the_schema_of_a_new_one(old, tmp_path):
    """Table by table, index by index, trigger by trigger; and nothing in it is damaged."""
    Database.open(old / "imagegen.db").close_now()
    Database.open(tmp_path / "new.db").close_now()

    assert schema_of(tmp_path / "new.db") == schema_of(old / "imagegen.db")
    assert [] == complaints(old / "imagegen.db")


def test_no_row_is_lost_or_changed(old):
    """Whatever the migrations since have added."""
    before = rows_of(old / "imagegen.db")
    Database.open(old / "imagegen.db").close_now()
    after = rows_of(old / "imagegen.db")

    columns = {table: rows[0].keys() for table, rows in before.items() if rows}
    assert before == {
        table: [{column: row[column] for column in columns.get(table, row)} for row in after[table]]
        for table in before
    }


def test_tasks_are_counted_by_status(old):
    """Those that ended before they were counted, too."""
    tasks = rows_of(old / "imagegen.db")["tasks"]
    Database.open(old / "imagegen.db").close_now()
    counters = {row["name"]: row["value"] for row in rows_of(old / "imagegen.db")["counters"]}

    numbers = Counter(row["status"] for row in tasks)
    assert {status: numbers[status] for status in TaskStatus} == {s: counters[s] for s in TaskStatus}


def test_images_are_counted_by_quarters(old):
    """Those that were made before they were counted, too."""
    images = rows_of(old / "imagegen.db")["images"]
    Database.open(old / "imagegen.db").close_now()
    counts = rows_of(old / "imagegen.db")["image_quarters"]

    names = ("provider_name", "model_id", "operation")
    expected = Counter(
        (quarter_of(datetime.fromisoformat(image["created_at"])), *(image[name] for name in names))
        for image in images
    )
    assert expected == {(row["quarter"], *(row[name] for name in names)): row["images"] for row in counts}


async def test_tasks_and_attempts_are_read(database):
    """Every status and every phase."""
    repository = SqliteTasks(database, simplify=simplify)
    tasks = (await repository.find(TaskFilter(), Paging(page_size=100))).items
    attempts = [attempt for task in tasks for attempt in await repository.attempts(task.task_id)]

    assert set(TaskStatus) == {task.status for task in tasks}
    assert set(Phase) == {attempt.phase for attempt in attempts}


async def test_every_end_has_its_event(database):
    """Once, also where that version was killed between the one and the other."""
    query = """
        SELECT task_id, status, (SELECT group_concat(kind) FROM events
            WHERE events.task_id = tasks.task_id AND kind NOT IN ('image', 'progress')) AS kinds
        FROM tasks WHERE completed_at IS NOT NULL
    """
    ends = await database.read(lambda c: c.execute(query).fetchall())

    assert [row["status"] for row in ends] == [row["kinds"] for row in ends]
    assert {"completed", "failed", "cancelled"} == {row["status"] for row in ends}


@pytest.mark.parametrize(
    ("keyword", "number"), [("猫", 1), ("雨中", 1), ("LIGHTHOUSE", 1), ("狗", 2), ("鹿", 0)]
)
async def test_images_are_searched(database, keyword, number):
    """In both languages."""
    records = sqlite_gallery(database)
    query = SearchQuery.parse(keyword, simplify)
    page = await find_hits(records, query, SearchMode.CONTAINS, ImageFilter(), Paging())

    assert number == len(page.items)


async def test_the_oldest_task_comes_first(database):
    """What waited is claimed in its order, what was put off until then too."""
    claimed = await SqliteQueue(database).claim(
        "somebody", limit=10, now=datetime(2999, 1, 1, tzinfo=UTC), provider_limits={"chaos": 9, "demo": 9}
    )

    prompts = [task.request.prompt for task in claimed]
    waiting = ["waits with a key of its own", "waits with its picture", "等待的任务", "waits for a moment"]
    assert waiting == [prompt for prompt in prompts if prompt in waiting]


async def test_what_is_to_be_done_elsewhere_is_done(database):
    """An upload that OSS did not take, and a removal."""
    outbox = SqlOutbox(SqliteSql(database))
    await outbox.add_missing_uploads()
    counts = await outbox.counts()

    assert counts.removals >= 1
    assert counts.uploads >= 1


async def test_saved_configurations_open_with_the_key(database, old):
    """And say that they are locked without it."""
    with_key = FernetSecretBox.for_directory(old, environment_keys=None, sample=None)
    (old / "master.key").unlink()
    locked = FernetSecretBox.for_directory(old, environment_keys=None, sample="")
    opened = {c.provider_name: c for c in await SqlProviderConfigs(SqliteSql(database), with_key).all()}
    closed = {c.provider_name: c for c in await SqlProviderConfigs(SqliteSql(database), locked).all()}

    assert SAVED_KEY == opened["kept"].api_key.reveal()
    assert {"X-Api-Key": SECRET_HEADER, "X-Team": "a"} == dict(opened["headed"].extra_config["headers"])
    assert closed["kept"].api_key.locked


def test_programs_that_start_at_once_take_turns(name, tmp_path):
    """Each finds it up to date, whoever did it."""
    data_dir = unpack(name, tmp_path / "data")
    program = [sys.executable, "-c", UPGRADE, str(data_dir / "imagegen.db")]
    started = [subprocess.Popen(program, stdin=subprocess.PIPE, text=True) for _ in range(3)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    codes = [(process.wait(60), process.stdin.close())[0] for process in started]

    assert [0, 0, 0] == codes
    with closing(sqlite3.connect(data_dir / "imagegen.db")) as connection:
        applied = connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    assert [*migrations()] == [name for (name,) in applied if name >= BASELINE]


def test_a_backup_of_its_time_is_restored(old, tmp_path):
    """Up to date, with all files; the key was put apart."""
    before = files_of(old)
    write_backup(old, tmp_path / "it", now=NOW, force=False, progress=quiet)
    with (tmp_path / "it").open("rb") as file:
        report = restore_backup(file, tmp_path / "new", now=BEFORE_ALL, progress=quiet)
    Database.open(old / "imagegen.db").close_now()
    restored = files_of(tmp_path / "new")

    expected = {name for name in before if name.startswith(("images/", "spool/"))}
    assert {name: before[name] for name in expected} == {
        name: content for name, content in restored.items() if name.startswith(("images/", "spool/"))
    }
    assert (False, 0, True) == (report.has_master_key, report.missing, report.sealed >= 2)
    assert rows_of(old / "imagegen.db") == rows_of(tmp_path / "new" / "imagegen.db")
    assert {"imagegen.db", "lock"} == {path.name for path in (tmp_path / "new").iterdir() if path.is_file()}


BEFORE_ALL = datetime(2026, 1, 1, tzinfo=UTC)
"""Restored then, the next image has the id that it would have had."""


def refused(data_dir, tmp_path):
    """Return what is said of the backup of a data directory that must not be restored."""
    write_backup(data_dir, tmp_path / "it", now=NOW, force=False, progress=quiet)
    with (tmp_path / "it").open("rb") as file, pytest.raises(BackupError) as caught:
        restore_backup(file, tmp_path / "deep" / "new", now=NOW, progress=quiet)
    assert not (tmp_path / "deep").exists()
    return str(caught.value)


def test_a_backup_of_a_later_version_is_refused(tmp_path):
    """Before anything of it takes its place, not when the service starts."""
    data_dir = unpack(NAMES[-1], tmp_path / "data")
    make_newer(data_dir / "imagegen.db")

    assert "the backup was made by a newer version of imagegen" == refused(data_dir, tmp_path)


def make_newer(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE tasks ADD COLUMN of_the_future TEXT")
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('imagegen', 'm999_future', 'x')"
        )


@pytest.mark.parametrize(
    ("command", "code"),
    [("serve --port 0", 3), ("tasks list", 1), ("generate cat", 1), ("keys rotate", 1)],
)
def test_older_code_refuses_a_newer_database_and_writes_nothing(tmp_path, command, code):
    """In words, with an exit code after which no unit tries again."""
    data_dir = unpack(NAMES[-1], tmp_path / "data")
    make_newer(data_dir / "imagegen.db")
    before = files_of(data_dir)
    output = failed(imagegen(*command.split(), cwd=tmp_path), code)
    after = files_of(data_dir)

    assert f"{data_dir}: the database was made by a newer version of imagegen" in output
    assert before == {name: content for name, content in after.items() if name != "lock"}
