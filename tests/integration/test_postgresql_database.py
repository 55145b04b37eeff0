"""A PostgreSQL database is migrated or refused as a whole, and its errors are storage errors."""

import asyncio
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagegen_adapters.stores import DatabaseCode, SchemaTooNew, SchemaUnusable
from imagegen_adapters.stores.configs import SqlProviderConfigs
from imagegen_adapters.stores.postgresql.database import BASELINE, ConnectionPolicy, Database, migrations
from imagegen_adapters.stores.postgresql.installation import PostgresqlMasterKey
from imagegen_adapters.stores.postgresql.search import postgresql_gallery
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue
from imagegen_adapters.stores.rows import from_timestamp, to_json, to_timestamp
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_adapters.system import simplify
from imagegen_core.errors import StorageBroken, StorageError, StorageUnreachable
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import NOW, find_hits
from tests.fakes.postgresql import Cluster, at_port, free_port
from tests.schemas.directories import MASTER_KEY, SAVED_KEY

pytestmark = pytest.mark.anyio

OLD_SCHEMA = Path(__file__).parents[1] / "schemas" / "postgresql" / "0015_settings.sql"

TABLES = "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'"

ADD_EVENT = "INSERT INTO events (task_id, kind, at, data) VALUES ('a', 'b', now(), '1')"


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


async def refused(dsn, kind):
    """Return why it cannot be opened."""
    with pytest.raises(kind) as caught:
        await Database.open(dsn)
    return caught.value.reason.code


async def test_a_new_database_gets_the_schema_once(postgresql):
    """However many processes start at the same time, and again at the next start."""
    dsn = postgresql.create_database("begun_together")
    opened = await asyncio.gather(*(Database.open(dsn) for _ in range(5)))
    opened.append(await Database.open(dsn))
    for database in opened:
        await database.close()

    assert list(migrations()) == postgresql.run("SELECT name FROM schema_migrations", "begun_together")


async def test_migrations_are_numbered_without_a_gap():
    """So that two releases cannot add the same one."""
    first, *later = [int(name.partition("_")[0]) for name in migrations()]

    assert [*range(first + 1, first + 1 + len(later))] == later


@pytest.fixture
async def old_dsn(postgresql, request):
    """Return the address of a database as it was before the first fifteen migrations became one schema."""
    name = f"old_{request.node.name.split('[')[0]}"[:60]
    dsn = postgresql.create_database(name)
    connection = await asyncpg.connect(dsn)
    await connection.execute(OLD_SCHEMA.read_text("utf-8"))
    await connection.close()
    return dsn


def name_of(dsn):
    return dsn.split("?")[0].rpartition("/")[2]


async def rows_of(dsn):
    """Return all rows of all tables."""
    connection = await asyncpg.connect(dsn)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = {name: await connection.fetch(f"SELECT * FROM {name} ORDER BY {name}::text") for (name,) in tables}  # noqa: S608 - names of the schema
    await connection.close()
    return rows


async def test_an_old_database_is_opened_with_nothing_lost(old_dsn, postgresql, postgresql_template):
    """It is what a new one is, and goes on where it was."""
    before = await rows_of(old_dsn)
    database = await Database.open(old_dsn)
    box = await PostgresqlMasterKey(database, environment_keys=MASTER_KEY).open_box()
    saved = await SqlProviderConfigs(PostgresqlSql(database), box).get("kept")
    hits = await find_hits(
        postgresql_gallery(database),
        SearchQuery.parse("貓", simplify),
        SearchMode.CONTAINS,
        ImageFilter(),
        Paging(),
    )
    (waiting,) = await PostgresqlQueue(database).claim("a", limit=9, now=NOW, provider_limits={"demo": 9})
    await database.close()

    after = await rows_of(old_dsn)
    failed = sum(row["failed"] for row in after["usage_totals"])
    after["usage_totals"] = [row[:-1] for row in map(tuple, after["usage_totals"]) if any(row[4:-1])]
    before["usage_totals"] = [*map(tuple, before["usage_totals"])]
    own = {"tasks": len(before["tasks"]), "schema_migrations": None}
    assert before | {**own, "tasks": 4} == {name: after[name] for name in before} | own
    assert failed == sum(row["status"] == "failed" for row in before["tasks"])
    assert postgresql.schema(postgresql_template) == postgresql.schema(name_of(old_dsn))
    assert (SAVED_KEY, 3, "等待的任务") == (saved.api_key.reveal(), len(hits.items), waiting.request.prompt)


async def test_a_database_older_than_the_baseline_is_refused(old_dsn, postgresql):
    """In one sentence; nothing is written."""
    postgresql.run("DELETE FROM schema_migrations WHERE name > '0014'", name_of(old_dsn))
    before = await rows_of(old_dsn)

    for migrating in (True, False):
        with pytest.raises(SchemaUnusable, match=f"too old for this one .before {BASELINE}.") as caught:
            await Database.open(old_dsn, migrating=migrating)
        assert "\n" not in str(caught.value)
    assert before == await rows_of(old_dsn)


async def test_a_newer_schema_is_refused(postgresql, postgresql_template):
    """Nothing is written."""
    dsn = postgresql.create_database("newer", f"TEMPLATE {postgresql_template}")
    postgresql.run("INSERT INTO schema_migrations (name) VALUES ('9999_future')", "newer")
    before = postgresql.run("SELECT name FROM schema_migrations", "newer")

    assert DatabaseCode.SCHEMA_TOO_NEW is await refused(dsn, SchemaTooNew)
    assert before == postgresql.run("SELECT name FROM schema_migrations", "newer")


async def test_missing_rights_are_reported(postgresql):
    """A user that may not create tables leaves the database as it is."""
    postgresql.create_database("foreign_to_user")
    postgresql.run("CREATE ROLE guest LOGIN")

    assert DatabaseCode.SERVER_DENIES_SCHEMA is await refused(
        postgresql.dsn("foreign_to_user", user="guest"), SchemaUnusable
    )
    assert ["0"] == postgresql.run(TABLES, "foreign_to_user")


async def test_another_encoding_is_refused(postgresql):
    """It could not hold every prompt."""
    dsn = postgresql.create_database("latin", "ENCODING LATIN1 TEMPLATE template0")

    assert DatabaseCode.ENCODING_NOT_UTF8 is await refused(dsn, SchemaUnusable)
    assert ["0"] == postgresql.run(TABLES, "latin")


async def test_a_standby_is_refused(postgresql):
    """Whether or not its schema is current."""
    postgresql.create_database("empty_primary")
    with postgresql.standby() as standby:
        code = await refused(standby.dsn("empty_primary"), StorageUnreachable)

    assert DatabaseCode.SERVER_READ_ONLY is code


async def test_a_migration_that_fails_leaves_nothing(postgresql, monkeypatch):
    """The earlier ones of the same start are rolled back, too."""
    dsn = postgresql.create_database("half_migrated")
    broken = {**migrations(), "9999_broken": "CREATE TABLE x (y nonsense)"}
    monkeypatch.setattr("imagegen_adapters.stores.postgresql.database.migrations", lambda: broken)

    assert DatabaseCode.DATABASE_REFUSED is await refused(dsn, StorageError)
    assert ["0"] == postgresql.run(TABLES, "half_migrated")


@pytest.mark.parametrize(
    ("dsn", "kind"),
    [
        ("postgresql://imagegen:secret@127.0.0.1:9/x", StorageUnreachable),
        ("mysql://imagegen:secret@127.0.0.1/x", StorageBroken),
        ("postgresql://imagegen:secret@/x?host=/nowhere", StorageUnreachable),
    ],
)
async def test_an_unusable_address_is_reported_without_its_password(dsn, kind):
    """Whatever is wrong with it."""
    with pytest.raises(kind) as caught:
        await Database.open(dsn)

    assert "secret" not in str(caught.value)


async def test_a_server_without_tls_is_reported():
    """It does answer, and the URL demands what it does not have."""
    with Cluster.start(**at_port(free_port())) as cluster:
        dsn = f"postgresql://imagegen@127.0.0.1:{cluster.port}/postgres?sslmode=require"

        assert DatabaseCode.SERVER_WITHOUT_TLS is await refused(dsn, StorageUnreachable)


async def test_an_unknown_database_is_reported(postgresql):
    """It may be made while a service waits for it."""
    assert DatabaseCode.SERVER_DENIES_ACCESS is await refused(postgresql.dsn("nowhere"), StorageUnreachable)


async def test_the_server_has_the_time_outs_too(database):
    """A request to cancel may be lost, or its client be frozen."""
    names = ("statement_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval")

    values = [(await database.row("SELECT current_setting($1)", name))[0] for name in names]

    assert ["10s", "5s", "1s"] == values


async def test_a_statement_that_takes_too_long_is_cancelled(postgresql_dsn):
    """The caller hears of it, and the next one gets a connection."""
    database = await Database.open(postgresql_dsn, ConnectionPolicy(command_timeout_seconds=2))

    with pytest.raises(StorageUnreachable) as caught:
        await database.rows("SELECT pg_sleep(60)")
    answer = await database.row("SELECT 1")
    await database.close()

    assert (DatabaseCode.DATABASE_TOO_SLOW, 1) == (caught.value.reason.code, answer[0])


async def test_a_client_that_is_silent_in_a_transaction_loses_it(postgresql_dsn, database):
    """Its locks are released, its changes rolled back, and the pool replaces the connection."""
    quick = await Database.open(
        postgresql_dsn, ConnectionPolicy(idle_in_transaction_seconds=1, max_connections=1)
    )

    async def fall_silent():
        async with quick.transaction() as connection:
            await connection.execute(ADD_EVENT)
            await database.rows("TRUNCATE events")  # waits until the server has ended that transaction
            await connection.execute("SELECT 1")

    with pytest.raises(StorageError):
        await fall_silent()

    assert [] == [tuple(row) for row in await quick.rows("SELECT * FROM events")]
    await quick.close()


@pytest.mark.parametrize("seconds", ["command_timeout_seconds", "idle_in_transaction_seconds"])
def test_no_time_out_can_be_switched_off(seconds):
    """Zero would mean forever."""
    with pytest.raises(ValueError, match=seconds):
        ConnectionPolicy(**{seconds: 0})


async def test_an_interrupted_caller_returns_its_connection(postgresql_dsn, database):
    """Whenever it is cancelled; what it changed is rolled back, and its locks are released."""
    only = await Database.open(postgresql_dsn, ConnectionPolicy(max_connections=1))

    async def hold(started):
        async with only.transaction() as connection:
            await connection.execute(ADD_EVENT)
            started.set()
            await connection.execute("SELECT pg_sleep(60)")

    for _ in range(20):
        started = asyncio.Event()
        holding = asyncio.create_task(hold(started))
        await started.wait()
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        assert 0 == (await only.row("SELECT count(*) FROM events"))[0]
    await only.close()
    await database.rows("TRUNCATE events")


async def test_a_lost_connection_is_replaced(database):
    """The statement that notices it fails; the next one has another connection."""

    async def lose_connection():
        async with database.connection() as connection:
            await database.rows("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await connection.fetch("SELECT 1")

    with pytest.raises(StorageError) as caught:
        await lose_connection()

    assert (True, 1) == (
        isinstance(caught.value, StorageUnreachable),
        (await database.row("SELECT 1"))[0],
    )


async def test_a_closed_database_says_so(postgresql_dsn):
    """It may be closed twice."""
    database = await Database.open(postgresql_dsn)
    await database.close()
    await database.close()

    with pytest.raises(StorageError) as caught:
        await database.rows("SELECT 1")
    assert DatabaseCode.DATABASE_CLOSED is caught.value.reason.code


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES, moment=st.datetimes(timezones=st.just(from_timestamp("2026-01-01T00:00:00Z").tzinfo)))
async def test_values_come_back_as_from_sqlite(database, value, moment):
    """JSON with its numbers and the order of its keys, times in milliseconds."""
    json, timestamp = to_json(value), to_timestamp(moment)

    row = await database.row("SELECT $1::json AS json, $2::timestamptz(3) AS moment", json, timestamp)

    assert (json, from_timestamp(timestamp)) == (row["json"], from_timestamp(row["moment"]))


def test_one_box_never_loads_the_driver():
    """Neither the service nor any adapter outside the modules of PostgreSQL and of the move there."""
    program = """
import importlib, pathlib, sys
import imagegen_adapters, imagegen_http.server.server, imagegen_http.service
folder = pathlib.Path(imagegen_adapters.__file__).parent
for path in folder.rglob("*.py"):
    if not {"postgresql", "move"} & set(path.relative_to(folder).with_suffix("").parts):
        importlib.import_module(".".join(path.relative_to(folder.parent).with_suffix("").parts))
print(*(name for name in sys.modules if "asyncpg" in name or "postgresql" in name))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "" == done.stdout.strip()
