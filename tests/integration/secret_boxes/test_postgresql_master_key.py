"""All nodes on one PostgreSQL have the same master key, and get another one without a pause."""

import asyncio

import pytest

from imagegen_adapters.secrets import FernetSecretBox, KeyCode, MasterKeyRefused, new_key
from imagegen_adapters.stores.configs import SqlProviderConfigs, SqlSealedRows
from imagegen_adapters.stores.postgresql.installation import PostgresqlMasterKey
from imagegen_adapters.stores.postgresql.tasks import PostgresqlTasks
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_adapters.system import simplify
from imagegen_core.errors import KeysLocked
from tests.contracts.samples import NOW, ORIGIN, a_config, a_task, an_attempt

pytestmark = pytest.mark.anyio

OLD, NEW = new_key(), new_key()


@pytest.fixture
def database(postgresql_database):
    return postgresql_database


async def box_of(database, keys):
    return await PostgresqlMasterKey(database, environment_keys=keys).open_box()


async def refusal(database, keys):
    with pytest.raises(MasterKeyRefused) as caught:
        await PostgresqlMasterKey(database, environment_keys=keys).open_box()
    assert not keys or keys not in str(caught.value)
    return caught.value.reason.code


async def witnesses(database):
    return [row["token"] for row in await database.rows("SELECT token FROM master_key_witness")]


async def seal_everywhere(database, box):
    """Seal a secret in each column that holds one."""
    await SqlProviderConfigs(PostgresqlSql(database), box).save(a_config(), key_origin=ORIGIN)
    task = a_task(override=box.seal("override", context="task"))
    await PostgresqlTasks(database, simplify=simplify).add(task, queue_size=9)
    attempt = an_attempt(task)
    await database.rows(
        "INSERT INTO attempts (attempt_id, task_id, number, part, phase, charge, created_at, updated_at, "
        "sealed_config) VALUES ($1, $2, 1, 0, 'reserved', 'unknown', $3, $3, $4)",
        *(attempt.attempt_id, task.task_id, to_timestamp(NOW), box.seal("config", context="attempt")),
    )


async def tokens(database):
    return {row.place: row.token async for row in SqlSealedRows(PostgresqlSql(database)).all()}


async def test_another_node_opens_what_one_has_sealed(database):
    """Both were started with the same variable."""
    token = (await box_of(database, OLD)).seal("sk-1", context="a")

    assert "sk-1" == (await box_of(database, OLD)).open(token, context="a")


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (None, KeyCode.SHARED_KEY_MISSING),
        ("", KeyCode.SHARED_KEY_MISSING),
        ("short", KeyCode.MASTER_KEY_MALFORMED),
        ("short,shorter", KeyCode.MASTER_KEY_MALFORMED),
    ],
)
async def test_a_node_without_a_usable_key_is_refused(database, keys, code):
    """None is made, and nothing is written."""
    assert (code, []) == (await refusal(database, keys), await witnesses(database))


async def test_a_node_with_another_key_is_refused(database):
    """The witness of the first node stays."""
    await box_of(database, OLD)
    before = await witnesses(database)

    assert KeyCode.OTHER_MASTER_KEY is await refusal(database, NEW)
    assert before == await witnesses(database)


async def test_a_node_with_another_key_is_refused_by_what_was_sealed(database):
    """There is no witness yet where rows were copied from another database."""
    await seal_everywhere(database, FernetSecretBox([OLD]))

    assert KeyCode.OTHER_MASTER_KEY is await refusal(database, NEW)
    assert [] == await witnesses(database)


async def test_of_two_first_nodes_with_different_keys_one_starts(database):
    """Both have seen that there is no witness when one of them stores it."""
    async with database.transaction() as connection:
        await connection.execute("LOCK TABLE master_key_witness IN SHARE MODE")
        starting = [asyncio.create_task(box_of(database, keys)) for keys in (OLD, NEW)]
        while await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < len(starting):
            pass

    outcomes = await asyncio.gather(*starting, return_exceptions=True)
    assert {FernetSecretBox, MasterKeyRefused} == set(map(type, outcomes))
    assert 1 == len(await witnesses(database))


async def test_a_command_that_only_looks_leaves_no_witness(database):
    """It may have been given the wrong key."""
    await PostgresqlMasterKey(database, environment_keys=OLD).open_box(create=False)

    assert [] == await witnesses(database)


async def test_nodes_get_a_new_key_one_after_another(database):
    """Each restart finds the key that it needs: first all can open both, then the new one seals."""
    sealed = [(await box_of(database, OLD)).seal("first", context="a")]
    for keys in (f"{OLD},{NEW}", f"{NEW},{OLD}"):
        box = await box_of(database, keys)
        sealed.append(box.seal("more", context="a"))
        assert not (await box_of(database, OLD)).locked  # another node may still have to start with it
    last = [box.open(token, context="a") for token in sealed]
    await PostgresqlMasterKey(database, environment_keys=f"{NEW},{OLD}").rotate()

    assert ["first", "more", "more"] == last
    assert not (await box_of(database, NEW)).locked
    assert KeyCode.OTHER_MASTER_KEY is await refusal(database, OLD)


async def test_a_rotation_seals_every_token_with_the_first_key(database):
    """Those of providers, tasks and calls; the old key opens none of them."""
    await seal_everywhere(database, await box_of(database, OLD))
    before = await tokens(database)

    count = await PostgresqlMasterKey(database, environment_keys=f"{NEW},{OLD}").rotate()

    after = await tokens(database)
    columns = {"api_key", "sealed_extra", "override", "sealed_config"}
    assert (4, before.keys(), columns) == (count, after.keys(), {place.partition("/")[0] for place in after})
    assert all(FernetSecretBox([NEW]).opens(token) for token in after.values())
    assert not any(FernetSecretBox([OLD]).opens(token) for token in after.values())
    (config,) = await SqlProviderConfigs(PostgresqlSql(database), FernetSecretBox([NEW])).all()
    assert not config.api_key.locked


async def test_a_token_that_changed_meanwhile_is_not_replaced(database):
    """Somebody has saved another key."""
    box = await box_of(database, OLD)
    await seal_everywhere(database, box)
    rows = SqlSealedRows(PostgresqlSql(database))
    read = [row async for row in rows.all()]
    for row in read:
        await rows.replace(row, "newer")

    for row in read:
        await rows.replace(row, "outdated")

    assert {"newer"} == set((await tokens(database)).values())


async def test_a_rotation_that_nothing_opens_changes_no_witness(database):
    """All keys are still needed."""
    await box_of(database, OLD)
    await seal_everywhere(database, FernetSecretBox([new_key()]))
    before = await witnesses(database)

    with pytest.raises(KeysLocked):
        await PostgresqlMasterKey(database, environment_keys=f"{NEW},{OLD}").rotate()
    assert before == await witnesses(database)


async def test_there_is_nothing_to_rotate_to_with_one_key(database):
    """The new one is put before it."""
    await box_of(database, OLD)

    with pytest.raises(MasterKeyRefused) as caught:
        await PostgresqlMasterKey(database, environment_keys=OLD).rotate()
    assert KeyCode.ONE_KEY_ONLY is caught.value.reason.code
