"""``imagegen migrate``: a data directory moves to PostgreSQL and a bucket, whenever it is killed."""

import asyncio
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import datetime

import pytest
import yaml

from imagegen_adapters.archives.prefix import OWNER_MARK
from imagegen_adapters.secrets import new_key
from imagegen_adapters.stores import MoveUnfinished
from imagegen_adapters.stores.directory import DataDirectory
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.installation import PostgresqlMasterKey
from imagegen_adapters.stores.postgresql.search import PostgresqlIndex, postgresql_gallery
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_adapters.stores.sqlite import database as sqlite
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_adapters.stores.transfer import TABLES
from imagegen_adapters.system import simplify
from imagegen_core.attempt import Phase
from imagegen_core.images import Marks
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import NOW, find, find_hits
from tests.fakes.images import png
from tests.fakes.oss import FakeOss, StoredObject
from tests.integration.api.live_server import clean_environ, imagegen
from tests.integration.cli.conftest import files_below
from tests.integration.cli.outcomes import failed
from tests.schemas.directories import MASTER_KEY, NAMES, unpack

DERIVED = {
    *("_sqlite_migrations", "sqlite_sequence", "counters", "instances", "image_days", "image_blocks"),
    *("image_quarters", "task_changes", "image_lineage"),
    *("search_generations", "image_texts_1", "image_index_1"),
}
"""What else a data directory holds: counts, an order of changes, the search index, and what nothing reads."""

ODD_JSON = '{"seed": 1e300, "big": 12345678901234567890, "b":1, "b":2, "nul": "a\\u0000", "half": "\\ud83d"}'
RESPONSE = b"\x00\xff and a response that was kept"
UNRECORDED = "ff/an-image-without-a-record.png"
TRASHED = "ff/an-image-of-the-trash.png"

KILLED_AT = """
import os, signal, sys
place, count = sys.argv[1], int(sys.argv[2])
def watch(frame, event, _):
    global count
    if event == "call" and frame.f_code.co_qualname == place:
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["imagegen", "migrate", "--to", sys.argv[3]]
from imagegen_http.cli import main
sys.setprofile(watch)
main()
"""


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A data directory that a killed server has left, with values that other versions stored."""
    folder = tmp_path_factory.mktemp("used")
    data_dir = unpack(NAMES[-1], folder / "data")
    with closing(sqlite3.connect(data_dir / "imagegen.db")) as connection, connection:
        _add_odd_values(connection)
        ((task_id, attempt_id),) = connection.execute("SELECT task_id, attempt_id FROM attempts LIMIT 1")
    write(data_dir / "images" / UNRECORDED, png(5, (8, 8)))
    write(data_dir / "images" / TRASHED, png(6, (8, 8)))
    write(data_dir / "spool" / f"{task_id}.{attempt_id}" / "response", b"x" * 700_000)
    write(data_dir / "spool" / "of-a-dead-submission" / "image", b"y")
    write(data_dir / "inputs" / task_id / "image", b"z" * 700_000)
    return data_dir


def _add_odd_values(connection):
    change = "UPDATE tasks SET {} WHERE seq = (SELECT seq FROM tasks ORDER BY seq LIMIT 1 OFFSET ?)"
    connection.execute(change.format("params = ?"), (ODD_JSON, 0))
    connection.execute(change.format("config_snapshot = '{\"timeout_seconds\":NaN}'"), (1,))
    connection.execute(change.format("prompt = 'a' || char(0) || '猫'"), (2,))
    connection.execute(change.format("not_before = '9999-12-31T23:59:59.999Z'"), (3,))
    _add_marks(connection)
    _add_webhooks(connection)
    _add_trash(connection)
    connection.execute("INSERT INTO settings VALUES ('default_provider', 'demo')")
    connection.execute("UPDATE outbox SET last_error = 'words of an earlier version' WHERE id = 1")
    response = "UPDATE attempts SET response = ?, response_name = 'response' WHERE phase = 'failed'"
    assert connection.execute(response, (RESPONSE,)).rowcount
    connection.execute("UPDATE sqlite_sequence SET seq = seq + 40 WHERE name = 'images'")


def _add_marks(connection):
    """Put on images what nothing of the service has indexed; triggers count it."""
    images = [image_id for (image_id,) in connection.execute("SELECT id FROM images ORDER BY id")]
    connection.execute("UPDATE images SET favourite = 1 WHERE id = ?", images[:1])
    connection.execute("INSERT INTO tags (id, name, folded) VALUES (5, 'Cat', 'cat'), (9, '猫', '猫')")
    connection.execute("INSERT INTO collections (name, folded, created_at) VALUES ('gone', 'gone', '')")
    connection.execute("DELETE FROM collections")
    night = "INSERT INTO collections (name, folded, created_at) VALUES ('Night', 'night', ?)"
    connection.execute(night, ("2026-11-27T08:00:00.000Z",))
    for position, tag in enumerate((9, 5)):
        for image_id in images[:2]:
            connection.execute("INSERT INTO image_tags VALUES (?, ?, ?)", (image_id, tag, position))
    for image_id in images[1:3]:
        connection.execute("INSERT INTO collection_images VALUES (2, ?)", (image_id,))


def _add_trash(connection):
    """Put an image into the trash whose file nothing else has."""
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(images)") if name != "id"]
    names, at = ", ".join(columns), "2026-11-27T08:00:00.000Z"
    connection.execute(
        f"INSERT INTO trash (id, {names}, tags, collections, trashed_at) "  # noqa: S608 - our own names
        f"SELECT 20, {names}, '[\"Cat\"]', '[2]', ? FROM images ORDER BY id LIMIT 1",
        (at,),
    )
    connection.execute("UPDATE trash SET blob_key = ?", (TRASHED,))
    connection.execute("INSERT INTO trash_lineage VALUES (20, 1, 0)")


def _add_webhooks(connection):
    """An endpoint whose token the master key opens, a delivery that is claimed and one that has ended."""
    at = "2026-11-27T08:00:00.000Z"
    connection.execute(
        "INSERT INTO webhooks (url, events, enabled, secret, created_at, disabled_reason) "
        "SELECT 'https://r.example/', '[\"task.failed\"]', 0, api_key, ?, '\"words of a receiver\"' "
        "FROM provider_configs WHERE api_key IS NOT NULL LIMIT 1",
        (at,),
    )
    columns = "event_id, type, webhook_id, url, target, status, next_try_at, claimed, answer, created_at"
    for row in (
        ("evt_1", "task.failed", 1, None, "1", "pending", at, 1, "", at),
        (
            "evt_2",
            "task.completed",
            None,
            "https://own.example/",
            "https://own.example",
            "failed",
            None,
            0,
            "好",
            at,
        ),
    ):
        connection.execute(
            f"INSERT INTO webhook_deliveries ({columns}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608 - our own names
            row,
        )


def write(path, content):
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.fixture
def oss():
    with FakeOss() as oss:
        yield oss


@pytest.fixture
def desk(used, oss, postgresql, request, tmp_path):
    shutil.copytree(used, tmp_path / "data")
    name = f"moved_{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]}"
    return Desk(tmp_path, oss, postgresql, name)


class Desk:
    """A data directory, a database and a bucket."""

    def __init__(self, folder, oss, cluster, name):
        self.folder, self.data_dir, self.oss, self.cluster, self.name = (
            folder,
            folder / "data",
            oss,
            cluster,
            name,
        )
        self.dsn = cluster.create_database(name)
        bucket = {"endpoint": oss.endpoint, "region": oss.region, "bucket": oss.bucket}
        bucket |= {"access_key_id": oss.key_id, "access_key_secret": oss.secret}
        self.configure({"oss": bucket})

    def configure(self, storage):
        allowed = {"allow_private_upstreams": [f"127.0.0.1:{self.oss.port}"]}
        text = yaml.safe_dump({"storage": storage, "security": allowed})
        (self.folder / "config.yaml").write_text(text)

    def migrate(self, *options, environ=None):
        return imagegen("migrate", "--to", self.dsn, *options, cwd=self.folder, environ=environ)

    def moved(self, *options):
        """Return what a move prints that finishes."""
        result = self.migrate(*options)
        assert 0 == result.returncode, result
        return result.stdout

    def query(self, act):
        """Return what ``act`` returns, given the database that nodes would open."""

        async def ask():
            database = await Database.open(self.dsn)
            try:
                return await act(database)
            finally:
                await database.close()

        return asyncio.run(ask())

    def rows(self, table):
        """Return the rows of a table of the database, as SQLite has them."""
        key = ", ".join(table.key)
        rows = self.query(lambda database: database.rows(f"SELECT * FROM {table.name} ORDER BY {key}"))  # noqa: S608 - a table's name
        return [{n: _plain(value) for n, value in row.items() if n not in _OF_POSTGRESQL} for row in rows]

    def source_rows(self, table):
        with closing(sqlite3.connect(self.data_dir / "imagegen.db")) as connection:
            connection.row_factory = sqlite3.Row
            query = f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}"  # noqa: S608 - as above
            return [dict(row) for row in connection.execute(query)]

    def image(self):
        """Return the file of an image that only the disk has."""
        with closing(sqlite3.connect(self.data_dir / "imagegen.db")) as connection:
            query = "SELECT blob_key FROM images WHERE storage = 'local' ORDER BY id DESC LIMIT 1"
            return self.data_dir / "images" / connection.execute(query).fetchone()[0]


_OF_POSTGRESQL = frozenset({"lane", "changed_by"})
"""Columns that only PostgreSQL has, since several processes write there."""


def _plain(value):
    if isinstance(value, bool):
        return int(value)
    try:
        moment = datetime.fromisoformat(value) if len(value) > 19 else None  # a time of PostgreSQL
    except (TypeError, ValueError):
        return value
    return value if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def expected_rows(table, rows):
    """Return rows as they should be in the target: what it cannot hold is replaced as it is when read."""
    for row in rows:
        if table.name in {"images", "trash"}:
            row["storage"] = "oss"
        if table.name == "tasks":
            row["prompt"] = row["prompt"].replace("\x00", "\ufffd")
            row["config_snapshot"] = row["config_snapshot"].replace("NaN", "null")
        if table.name == "outbox" and row["last_error"] == "words of an earlier version":
            row["last_error"] = '"words of an earlier version"'
    return rows


def spooled(database):
    """Return all files of the spool of a database, and those that it keeps."""
    query = """
    SELECT store || '/' || key AS key, string_agg(content, ''::bytea ORDER BY starts_at) AS content
    FROM files JOIN file_chunks USING (file_id) WHERE key IS NOT NULL GROUP BY store, key
    """
    return database.rows(query)


def check_moved(desk):
    """Check that nothing is missing, nothing twice and nothing changed."""
    for table in TABLES:
        assert expected_rows(table, desk.source_rows(table)) == desk.rows(table)
    blobs = files_below(desk.data_dir / "images")
    assert blobs == {key: item.data for key, item in desk.oss.objects.items() if key != OWNER_MARK}
    files = {
        name: content
        for name, content in files_below(desk.data_dir).items()
        if name.startswith(("spool/", "inputs/"))
    }
    del files["spool/of-a-dead-submission/image"]
    assert files == {row["key"]: row["content"] for row in desk.query(spooled)}


def test_everything_is_moved(desk):
    """Rows with their ids, images, thumbnails, inputs, responses; the data directory is only read."""
    before = files_below(desk.data_dir)

    output = desk.moved()

    check_moved(desk)
    assert before == files_below(desk.data_dir)
    assert f"IMAGEGEN_MASTER_KEY=$(cat {desk.data_dir / 'master.key'})" in output
    assert MASTER_KEY not in output


def test_all_tables_are_moved_or_derived(desk):
    """A new table has to be one or the other, and a new column has to be in both databases."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'image_index_1_*'"
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection:
        names = {name for (name,) in connection.execute(query)}

    assert names == {table.name for table in TABLES} | DERIVED


def test_new_rows_get_higher_ids(desk):
    """Also than those of rows that were deleted, since ids are never used again."""
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection:
        sequences = dict(connection.execute("SELECT name, seq FROM sqlite_sequence"))
        tasks = connection.execute("SELECT max(seq) FROM tasks").fetchone()[0]
    desk.moved()

    def next_of(name, column):
        return desk.cluster.run(f"SELECT nextval(pg_get_serial_sequence('{name}', '{column}'))", desk.name)

    names = [("images", "id"), ("outbox", "id"), ("events", "id"), ("tasks", "seq")]
    highest = [*(sequences[name] for name, _ in names[:-1]), tasks]
    assert [[str(number + 1)] for number in highest] == [next_of(*name) for name in names]


def test_the_prefix_of_the_bucket_stays_ours(desk):
    """The nodes go on under the id by which the directory owns it."""
    (desk.data_dir / "installation").write_text("an-id\n")
    desk.moved()

    assert ["an-id"] == desk.cluster.run("SELECT id FROM installation", desk.name)


@pytest.mark.parametrize(("options", "tables"), [((), "moves, tasks, images"), (("--dry-run",), None)])
def test_a_prefix_of_another_installation_is_left_alone(desk, options, tables):
    """Nothing is written there, nor into the database; the line says whose it is."""
    (desk.data_dir / "installation").write_text("an-id\n")
    desk.oss.objects[OWNER_MARK] = StoredObject(b"another-id", "", "")

    assert "another installation (another-id)" in failed(desk.migrate(*options))
    assert [OWNER_MARK] == list(desk.oss.objects)
    of_schema = "pg_tables WHERE schemaname = 'public'"
    assert ["0"] == desk.cluster.run(f"SELECT count(*) FROM {tables or of_schema}", desk.name)  # noqa: S608 - from above


def test_a_move_claims_the_prefix_for_the_nodes(desk):
    """Whether or not the data directory has ever used a bucket."""
    desk.moved()

    (owner,) = desk.cluster.run("SELECT id FROM installation", desk.name)
    assert owner == desk.oss.objects[OWNER_MARK].data.decode()


def test_the_schema_is_that_of_a_new_database(desk, postgresql_template):
    """With the index that was not there while images came."""
    desk.moved()

    query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    assert desk.cluster.run(query, postgresql_template) == desk.cluster.run(query, desk.name)


def test_search_finds_the_same_as_before(desk):
    """Words of any length, in both scripts, and lists by model."""
    desk.moved()

    async def answers(records):
        queries = [
            SearchQuery.parse(word, simplify) for word in ("猫", "貓在雨中", "a", "light", "檐", "狗 and")
        ]
        hits = [
            await find_hits(records, query, mode, ImageFilter(), Paging())
            for query in queries
            for mode in SearchMode
        ]
        lists = [await find(records, ImageFilter(model_id=m), Paging()) for m in (None, "direct", "x")]
        return [[getattr(item, "image", item).id for item in page.items] for page in (*hits, *lists)]

    async def answers_of_source():
        database = sqlite.Database.open(desk.data_dir / "imagegen.db", read_only=True)
        try:
            return await answers(sqlite_gallery(database))
        finally:
            await database.close()

    expected = asyncio.run(answers_of_source())
    assert any(expected[0])
    assert expected == desk.query(lambda d: answers(postgresql_gallery(d)))


def test_marks_are_shown_and_found(desk):
    """Favourites, tags in their order, collections; a new one gets a higher id than all before."""
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection:
        first, second, third, *_ = [i for (i,) in connection.execute("SELECT id FROM images ORDER BY id")]
    desk.moved()

    async def ask(database):
        records, marks = (
            postgresql_gallery(database),
            SqlMarks(PostgresqlSql(database), PostgresqlIndex()),
        )
        filters = (
            ImageFilter(favourite=True),
            ImageFilter(tag="CAT"),
            ImageFilter(collection=2),
            ImageFilter(favourite=False, collection=2, tag="猫"),
        )
        pages = [await find(records, criteria, Paging()) for criteria in filters]
        shown = (await records.get(second)).marks
        return (
            [[image.id for image in page.items] for page in pages],
            shown,
            (
                [(use.name, use.count) for use in await marks.tags("", 9)],
                [(one.id, one.count, one.cover) for one in await marks.collections()],
                (await marks.add_collection("new", NOW)).id,
            ),
        )

    ids, shown, marks = desk.query(ask)
    assert [[first], [second, first], [third, second], [second]] == ids
    assert Marks(tags=("猫", "Cat"), collections=(2,)) == shown
    assert ([("Cat", 2), ("猫", 2)], [(2, 2, third)], 3) == marks


async def unfinished(tasks, queue):
    """Return what a start finds: tasks of dead owners, the queue in its order, and the attempts of these."""
    orphans = await tasks.orphans(alive=frozenset(), running=frozenset())
    limits = dict.fromkeys(("demo", "chaos"), 1000)
    claimed = await queue.claim("a-node", limit=1000, now=NOW, provider_limits=limits)
    return orphans, claimed, [await tasks.attempts(task.task_id) for task in (*orphans, *claimed)]


def test_unfinished_tasks_are_resumed_as_before(desk):
    """A node finds the same owners, epochs and phases as the next start, and claims in the same order."""
    desk.moved()

    async def source():
        database = sqlite.Database.open(desk.data_dir / "imagegen.db")
        try:
            tasks = SqliteTasks(database, simplify=simplify)
            return await unfinished(tasks, SqliteQueue(database))
        finally:
            await database.close()

    def target(database):
        tasks = PostgresqlTasks(database, simplify=simplify)
        return unfinished(tasks, PostgresqlQueue(database))

    expected = asyncio.run(source())
    phases = {attempt.phase for attempts in expected[2] for attempt in attempts}
    assert {Phase.RESERVED, Phase.SUBMITTING, Phase.ACCEPTED, Phase.RECEIVED} <= phases
    assert len(expected[1]) > 1
    assert expected == desk.query(target)


@pytest.mark.one_python
@pytest.mark.parametrize(
    ("place", "count"),
    [
        *(("Target.begin", 3), ("Target.insert", 4), ("Target.continue_at", 2), ("Target.index_images", 1)),
        *(
            ("Origin._copy_image", 2),
            ("Target.set_storage", 6),
            ("_copy_to_spool", 9),
            ("Target.finish", 2),
        ),
        *(
            pytest.param(place, count, marks=pytest.mark.long)
            for place, count in (
                *(("Target.insert", 1), ("Target.insert", 15), ("Origin.copy_file", 4)),
                *(("Target.set_storage", 1), ("_copy_to_spool", 1), ("Target.finish", 1)),
            )
        ),
    ],
)
def test_a_killed_move_is_resumed(desk, place, count):
    """Nothing is lost, nothing is there twice, and what the bucket had already is not sent again."""
    command = [sys.executable, "-c", KILLED_AT, place, str(count), desk.dsn]
    killed = subprocess.run(command, cwd=desk.folder, env=clean_environ(), capture_output=True, check=False)
    assert -signal.SIGKILL == killed.returncode, killed
    keys = list(desk.oss.objects)

    desk.moved()

    check_moved(desk)
    assert not [key for key in keys if desk.oss.calls("put").count(key) > 1]


def test_no_node_starts_on_a_part(desk):
    """Until the move has finished, opening the database says so."""
    desk.image().unlink()

    assert "are in neither store" in desk.migrate().stderr
    with pytest.raises(MoveUnfinished):
        desk.query(spooled)


def test_a_missing_image_is_named_and_can_come_back(desk):
    """The rest is moved meanwhile."""
    path = desk.image()
    content = path.read_bytes()
    path.write_bytes(b"damaged")
    first = desk.migrate()
    path.write_bytes(content)
    desk.moved()

    assert 1 == first.returncode
    assert f"in neither store: images/{path.relative_to(desk.data_dir / 'images')}" in first.stderr
    check_moved(desk)


def test_a_missing_image_can_be_accepted(desk):
    """Its record is moved; verifying the storage will name it again."""
    desk.image().unlink()
    desk.migrate()
    desk.moved("--accept-missing")

    states = desk.cluster.run("SELECT DISTINCT storage FROM images", desk.name)
    assert ["oss"] == states


def test_a_finished_move_says_so(desk):
    """And does nothing."""
    desk.moved()
    calls = len(desk.oss.ledger)

    assert "was moved to this database before" in desk.moved()
    assert calls + 2 == len(desk.oss.ledger)  # whether it answers, and whose the prefix is


def test_a_bucket_that_lists_late_gets_everything_once(desk):
    """What is there is asked for by its name."""
    desk.oss.lists_late = True
    desk.image().write_bytes(b"damaged")
    desk.migrate()
    puts = desk.oss.calls("put")
    desk.moved("--accept-missing")

    assert puts == desk.oss.calls("put")


def test_a_dry_run_writes_nothing(desk):
    """It counts what is there, and finds what is missing."""
    desk.image().unlink()
    before = files_below(desk.data_dir)
    result = desk.migrate("--dry-run")

    assert (1, True) == (result.returncode, "images\t5 row(s)" in result.stdout)
    assert "1 image(s) are in neither store; a move would not finish" in result.stderr
    assert ["0"] == desk.cluster.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", desk.name)
    assert (before, {}) == (files_below(desk.data_dir), desk.oss.objects)


def test_a_bucket_that_stops_answering_stops_the_move(desk):
    """The next run goes on from there."""
    desk.oss.fail("denied", "put", times=20)
    first = desk.migrate()
    desk.oss.faults.clear()
    desk.moved()

    assert 1 == first.returncode
    check_moved(desk)


def test_a_directory_in_use_is_not_moved(desk):
    """A service would go on changing it."""
    directory = DataDirectory.open(desk.data_dir)
    try:
        line = failed(desk.migrate())
    finally:
        directory.close()

    assert "another imagegen process is using this data directory" in line


def test_without_a_bucket_nothing_is_moved(desk):
    """Nodes share no disk."""
    desk.configure({})

    assert "the settings name no bucket" in failed(desk.migrate())


def test_keys_that_do_not_open_stop_the_move(desk):
    """Before anything is written."""
    (desk.data_dir / "master.key").unlink()
    line = failed(desk.migrate(environ={"IMAGEGEN_MASTER_KEY": MASTER_KEY.swapcase()}))

    assert "saved keys are locked" in line
    assert [] == desk.cluster.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", desk.name)


def test_a_database_with_data_is_refused(desk):
    """It is not overwritten, and not mixed."""
    desk.query(
        lambda d: d.rows("INSERT INTO events (task_id, kind, at, data) VALUES ('a', 'b', now(), '{}')")
    )

    assert "holds data already" in failed(desk.migrate())


def test_a_database_that_nodes_use_is_refused(desk):
    """They would claim tasks of which only a part is there."""
    node = "INSERT INTO nodes (node, heard_at, can_tell_from) VALUES ('a', now(), now())"
    desk.query(lambda database: database.rows(node))

    assert "nodes have worked on the database" in failed(desk.migrate())


def test_a_database_with_another_master_key_is_refused(desk):
    """Its nodes could not open the keys that would be moved there."""
    desk.query(lambda database: PostgresqlMasterKey(database, environment_keys=new_key()).open_box())

    assert "the master key is not the one" in failed(desk.migrate())


def test_a_directory_that_was_used_since_is_refused(desk):
    """What was copied may be outdated."""
    desk.image().unlink()
    desk.migrate()
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
        connection.execute("INSERT INTO events (task_id, kind, at, data) VALUES ('a', 'b', '2026', '{}')")

    assert "has been used since it began" in failed(desk.migrate())


def test_a_value_that_no_column_holds_is_named(desk):
    """With its table and key."""
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
        connection.execute("UPDATE events SET at = 'once' WHERE id = 3")

    assert "events, 3: the column at holds a value" in desk.migrate().stderr


def test_changed_rows_are_noticed(desk):
    """All rows are compared, also those that an earlier run has copied."""
    desk.image().unlink()
    desk.migrate()
    desk.cluster.run("UPDATE tasks SET params = '{}' WHERE seq = 1", desk.name)

    assert "tasks: the rows that were copied differ from the source" in desk.migrate().stderr


def test_json_is_moved_character_by_character(desk):
    """Numbers that no float holds, keys twice, escaped NUL and halves of a pair."""
    desk.moved()

    assert [ODD_JSON] == desk.cluster.run("SELECT params FROM tasks ORDER BY seq LIMIT 1", desk.name)
    assert json.loads(ODD_JSON)["nul"] == "a\x00"
