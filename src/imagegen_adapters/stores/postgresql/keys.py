"""The master key that all nodes on one PostgreSQL share, and the configurations that it seals."""

from collections.abc import Sequence

from imagegen_adapters.secrets import (
    FernetSecretBox,
    KeyCode,
    MasterKeyRefused,
    is_valid_key,
    parse_keys,
    reseal,
)
from imagegen_adapters.stores.configs import GET, SqlProviderConfigs, SqlSealedRows
from imagegen_adapters.stores.postgresql.database import Batches, Database, Row
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_core.ports.secrets import SecretBox
from imagegen_core.text import text_problem


class PostgresqlProviderConfigs(SqlProviderConfigs):
    """Reads the table each time, since another node may have changed it; concurrent reads are batched."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        super().__init__(PostgresqlSql(database), box)
        self._readings = Batches(self._read)

    async def _row(self, provider_name: str) -> Row | None:
        return None if text_problem(provider_name) is not None else await self._readings.call(provider_name)

    async def _read(self, provider_names: Sequence[str]) -> list[Row | None]:
        rows = await self._sql.rows(GET, provider_names=[*{*provider_names}])
        by_name = {row["provider_name"]: row for row in rows}
        return [by_name.get(name) for name in provider_names]


class PostgresqlMasterKey:
    """Opens the box of a node, whose key must be that of all nodes, and rotates the key.

    No node makes a key or starts with a locked box: the others must open what it seals. Of
    ``environment_keys``, separated by commas, the first one seals, and each opens.
    """

    def __init__(self, database: Database, *, environment_keys: str | None) -> None:
        self._database = database
        self._rows = SqlSealedRows(PostgresqlSql(database))
        self._keys = parse_keys(environment_keys or "")

    async def open_box(self, *, create: bool = True) -> FernetSecretBox:
        """Return the box; the first node may ``create`` the witness. A refused key writes nothing."""
        if not self._keys:
            raise MasterKeyRefused(KeyCode.SHARED_KEY_MISSING())
        if not all(map(is_valid_key, self._keys)):
            raise MasterKeyRefused(KeyCode.MASTER_KEY_MALFORMED())
        box = FernetSecretBox(self._keys)
        witness = await self._witness()
        _check(box, witness or await self._rows.sample())
        if create and witness is None:
            adding = "INSERT INTO master_key_witness (token) VALUES ($1) ON CONFLICT DO NOTHING"
            await self._database.rows(adding, box.new_witness())
            _check(box, await self._witness())  # another node may have been the first
        return box

    async def rotate(self) -> int:
        """Seal every token with the first key; return how many were sealed with another one.

        Nodes may run if all have both keys, the new one first. Otherwise a token that is sealed with the old
        key after this has returned does not open without it.
        """
        if len(self._keys) == 1:
            raise MasterKeyRefused(KeyCode.ONE_KEY_ONLY())
        box = await self.open_box()
        count = await reseal(box, self._rows)
        await self._database.rows("UPDATE master_key_witness SET token = $1", box.new_witness())
        return count

    async def _witness(self) -> str | None:
        row = await self._database.row("SELECT token FROM master_key_witness")
        return None if row is None else str(row["token"])


def _check(box: FernetSecretBox, token: str | None) -> None:
    if token is not None and not box.opens(token):
        raise MasterKeyRefused(KeyCode.OTHER_MASTER_KEY())
