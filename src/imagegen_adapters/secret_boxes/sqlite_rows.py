"""All sealed tokens in the database: secrets of providers, of pending tasks and of calls in progress."""

from collections.abc import AsyncIterator

from imagegen_adapters.secrets import SealedRow
from imagegen_adapters.stores.sqlite.database import Database

_ALL = """
SELECT 'provider_configs' AS kind, provider_name AS id, api_key AS token
FROM provider_configs WHERE api_key IS NOT NULL
UNION ALL
SELECT 'sealed_extra', provider_name, sealed_extra
FROM provider_configs WHERE sealed_extra IS NOT NULL
UNION ALL
SELECT 'tasks', task_id, override FROM tasks WHERE override IS NOT NULL
UNION ALL
SELECT 'attempts', attempt_id, sealed_config FROM attempts WHERE sealed_config IS NOT NULL
"""

_REPLACE = {
    "provider_configs": """
        UPDATE provider_configs SET api_key = :token WHERE provider_name = :id AND api_key = :before
    """,
    "sealed_extra": """
        UPDATE provider_configs SET sealed_extra = :token WHERE provider_name = :id AND sealed_extra = :before
    """,
    "tasks": "UPDATE tasks SET override = :token WHERE task_id = :id AND override = :before",
    "attempts": """
        UPDATE attempts SET sealed_config = :token WHERE attempt_id = :id AND sealed_config = :before
    """,
}


class SqliteSealedRows:
    """The `SealedRows` of an open database; a row's place is ``table/key``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> AsyncIterator[SealedRow]:
        rows = await self._database.read(lambda c: c.execute(_ALL).fetchall())
        for row in rows:
            yield SealedRow(place=f"{row['kind']}/{row['id']}", token=row["token"])

    async def replace(self, row: SealedRow, token: str) -> None:
        kind, _, key = row.place.partition("/")
        values = {"id": key, "before": row.token, "token": token}
        await self._database.writer.execute(_REPLACE[kind], values)
