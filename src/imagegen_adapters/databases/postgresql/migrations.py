"""The schema, as numbered SQL files; a released file never changes."""

from functools import cache
from pathlib import Path
from typing import Any

from imagegen_adapters.databases.messages import DatabaseCode
from imagegen_adapters.databases.schema_versions import SchemaTooNew, SchemaTooOld, SchemaUnusable
from imagegen_core.errors import StorageUnreachable

FOLDER = Path(__file__).with_name("schema")

MIN_SERVER_VERSION = 15
"""The oldest version that the tests run on."""

_LOCK = 0x696D6167656E
"""The key of the advisory lock that processes hold while they migrate: "imagen" in ASCII."""

_SERVER = """
SELECT current_setting('server_version_num')::int / 10000 AS version,
    current_setting('server_encoding') AS encoding,
    current_setting('transaction_read_only')::bool AS read_only,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS can_create,
    to_regclass('schema_migrations') IS NOT NULL AS has_schema
"""

_NAMES = "SELECT name FROM schema_migrations"

_CREATE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text COLLATE "C" PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

_ADD_NAME = "INSERT INTO schema_migrations (name) VALUES ($1)"


@cache
def migrations() -> dict[str, str]:
    """Return the SQL of all migrations of this version by their names, in their order."""
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.sql"))}


async def migrate(connection: Any) -> None:
    """Apply all pending migrations in one transaction; what is refused writes nothing.

    Raises:
        SchemaTooNew: the database has migrations that this version does not know.
        SchemaUnusable: its encoding, its server's version or this user's rights do not do.
        StorageUnreachable: the server is a standby, or otherwise read-only.
    """
    server = await _checked_server(connection)
    if server["has_schema"] and not await _pending(connection):
        return
    if not server["can_create"]:
        raise SchemaUnusable(DatabaseCode.SERVER_DENIES_SCHEMA())
    async with connection.transaction():
        # Serialises processes that start at the same time; until then, any of them may have migrated.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_CREATE)
        for name in await _pending(connection):
            await connection.execute(migrations()[name])
            await connection.execute(_ADD_NAME, name)


async def check_schema(connection: Any) -> None:
    """Check that there is nothing to migrate; nothing is written, also where it could be.

    Raises:
        SchemaTooOld: migrations are pending.
        SchemaTooNew, SchemaUnusable, StorageUnreachable: as for `migrate`.
    """
    server = await _checked_server(connection)
    if not server["has_schema"] or await _pending(connection):
        raise SchemaTooOld


async def _checked_server(connection: Any) -> Any:
    """Return what the server says of itself, which does for the schema."""
    server = await connection.fetchrow(_SERVER)
    if server["version"] < MIN_SERVER_VERSION:
        reason = DatabaseCode.SERVER_TOO_OLD(version=server["version"], minimum=MIN_SERVER_VERSION)
        raise SchemaUnusable(reason)
    if server["encoding"] != "UTF8":
        raise SchemaUnusable(DatabaseCode.ENCODING_NOT_UTF8(encoding=server["encoding"]))
    if server["read_only"]:
        raise StorageUnreachable(DatabaseCode.SERVER_READ_ONLY())
    return server


async def _pending(connection: Any) -> list[str]:
    """Return the names of the migrations that the database does not have."""
    applied = {row["name"] for row in await connection.fetch(_NAMES)}
    if unknown := applied - migrations().keys():
        raise SchemaTooNew(frozenset(unknown))
    return [name for name in migrations() if name not in applied]
