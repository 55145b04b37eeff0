"""All sealed tokens in PostgreSQL: secrets of providers, of pending tasks and of calls in progress."""

from collections.abc import AsyncIterator

from imagegen_adapters.databases.postgresql import Database
from imagegen_adapters.secret_boxes.rotation import SealedRow

_ALL = """
SELECT 'api_key/' || provider_name AS place, api_key AS token
FROM provider_configs WHERE api_key IS NOT NULL
UNION ALL
SELECT 'sealed_extra/' || provider_name, sealed_extra FROM provider_configs WHERE sealed_extra IS NOT NULL
UNION ALL
SELECT 'override/' || task_id, override FROM tasks WHERE override IS NOT NULL
UNION ALL
SELECT 'sealed_config/' || attempt_id, sealed_config FROM attempts WHERE sealed_config IS NOT NULL
"""

_REPLACE = {
    "api_key": "UPDATE provider_configs SET api_key = $3 WHERE provider_name = $1 AND api_key = $2",
    "sealed_extra": """
        UPDATE provider_configs SET sealed_extra = $3 WHERE provider_name = $1 AND sealed_extra = $2
    """,
    "override": "UPDATE tasks SET override = $3 WHERE task_id = $1 AND override = $2",
    "sealed_config": "UPDATE attempts SET sealed_config = $3 WHERE attempt_id = $1 AND sealed_config = $2",
}


class PostgresqlSealedRows:
    """The `SealedRows` of an open database; a row's place is ``column/key``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> AsyncIterator[SealedRow]:
        for row in await self._database.rows(_ALL):
            yield SealedRow(place=row["place"], token=row["token"])

    async def replace(self, row: SealedRow, token: str) -> None:
        column, _, key = row.place.partition("/")
        await self._database.rows(_REPLACE[column], key, row.token, token)

    async def sample(self) -> str | None:
        """Return any token, or None if there is none."""
        row = await self._database.row(f"{_ALL} LIMIT 1")
        return None if row is None else str(row["token"])
