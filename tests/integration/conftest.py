"""A server for one test, and the PostgreSQL server of a session."""

import asyncio

import pytest

from imagegen_adapters.stores.postgresql.database import Database
from tests.fakes.postgresql import Cluster
from tests.integration.api.live_server import LiveServer


@pytest.fixture
def start_server(tmp_path):
    """Return a function that starts a server for the test alone, in ``tmp_path`` or below it."""
    started = []

    def start(config=None, *, environ=None, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        started.append(LiveServer(folder, config or {}, environ or {}))
        return started[-1].start()

    yield start
    for server in started:
        server.end()


@pytest.fixture(scope="session")
def postgresql():
    """Return the server of this session, which the tests of this process share."""
    with Cluster.start() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgresql_template(postgresql):
    """Return the name of a database with the schema and nothing else."""

    async def migrate(dsn):
        await (await Database.open(dsn)).close()

    asyncio.run(migrate(postgresql.create_database("template_with_schema")))
    return "template_with_schema"


@pytest.fixture(scope="module")
def postgresql_dsn(postgresql, postgresql_template, request):
    """Return the address of a database of this module."""
    name = request.module.__name__.rpartition(".")[2]
    return postgresql.create_database(name, f"TEMPLATE {postgresql_template}")


@pytest.fixture
async def postgresql_database(postgresql_dsn):
    """Return the module's database, open and empty."""
    database = await Database.open(postgresql_dsn)
    try:
        tables = await database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = ", ".join({row["tablename"] for row in tables} - {"schema_migrations"})
        await database.rows(f"TRUNCATE {names} RESTART IDENTITY")
        yield database
    finally:
        await database.close()
