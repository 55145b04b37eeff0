"""All sealed tokens in PostgreSQL: secrets of providers, of pending tasks and of calls in progress."""

from collections.abc import AsyncIterator

from imagegen_adapters.secrets import (
    FernetSecretBox,
    MasterKeyRefused,
    SealedRow,
    is_valid_key,
    parse_keys,
    reseal,
)
from imagegen_adapters.stores.messages import KeyCode
from imagegen_adapters.stores.postgresql.database import Database

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


_WITNESS = "SELECT token FROM master_key_witness"
_ADD_WITNESS = "INSERT INTO master_key_witness (token) VALUES ($1) ON CONFLICT DO NOTHING"
_REPLACE_WITNESS = "UPDATE master_key_witness SET token = $1"


class PostgresqlMasterKey:
    """Opens the box of a node whose key is that of the others, and rotates the key.

    No node makes a key, which would have to get to the others, and none begins with a locked box: what it
    seals, the others have to open.

    Args:
        database: an open database.
        environment_keys: separated by commas; the first one seals, and each opens.
    """

    def __init__(self, database: Database, *, environment_keys: str | None) -> None:
        self._database = database
        self._rows = PostgresqlSealedRows(database)
        self._keys = parse_keys(environment_keys or "")

    async def open_box(self, *, create: bool = True) -> FernetSecretBox:
        """Return the box; the first node to do so leaves the witness, unless it may not ``create`` one.

        Raises:
            MasterKeyRefused: there is no key, or it is not that of the other nodes; nothing was written.
        """
        box = self._unchecked_box()
        witness = await self._witness()
        _check(box, witness or await self._rows.sample())
        if create and witness is None:
            await self._database.rows(_ADD_WITNESS, box.new_witness())
            _check(box, await self._witness())  # another node may have been the first
        return box

    async def rotate(self) -> int:
        """Seal every token with the first key; return how many were not sealed with it before.

        Nodes may run meanwhile if all of them have both keys, the new one first: what another seals with the
        old key after this has returned does not open without it.

        Raises:
            MasterKeyRefused: there is only one key, or none of them is that of the nodes.
            KeysLocked: no key opens one of the tokens.
        """
        if len(self._keys) == 1:
            raise MasterKeyRefused(KeyCode.ONE_KEY_ONLY())
        box = await self.open_box()
        count = await reseal(box, self._rows)
        await self._database.rows(_REPLACE_WITNESS, box.new_witness())
        return count

    def _unchecked_box(self) -> FernetSecretBox:
        if not self._keys:
            raise MasterKeyRefused(KeyCode.SHARED_KEY_MISSING())
        if not all(map(is_valid_key, self._keys)):
            raise MasterKeyRefused(KeyCode.MASTER_KEY_MALFORMED())
        return FernetSecretBox(self._keys)

    async def _witness(self) -> str | None:
        row = await self._database.row(_WITNESS)
        return None if row is None else str(row["token"])


def _check(box: FernetSecretBox, token: str | None) -> None:
    if token is not None and not box.opens(token):
        raise MasterKeyRefused(KeyCode.OTHER_MASTER_KEY())
