"""What one process alone knows, another node can ask for."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from imagegen_adapters.memory import in_memory
from imagegen_adapters.stores.postgresql.cluster import PostgresqlCluster
from imagegen_core.ports.tasks import IdempotencyClaim
from imagegen_http.api.retries import DERIVED_KEY_SCOPE, Call, ClientRetries, Peers
from tests.contracts.samples import a_task
from tests.integration.test_postgresql_listener import node

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def two_nodes(dsn, database, *, answer_seconds):
    """Yield what asks, and another node."""
    async with node(dsn) as first, node(dsn) as second:
        clusters = [PostgresqlCluster(database, listener) for listener in (first, second)]
        yield [Peers(cluster, answer_seconds=answer_seconds) for cluster in clusters]


async def test_another_node_says_yes(postgresql_dsn, postgresql_database):
    """Of the subject that it is asked about."""
    async with two_nodes(postgresql_dsn, postgresql_database, answer_seconds=60) as (asking, other):
        other.answer("a task".__eq__)

        assert await asking.ask("a task")


async def test_silence_means_no(postgresql_dsn, postgresql_database):
    """Of a node to whose knowledge it is not so; and who asks does not hear itself."""
    async with two_nodes(postgresql_dsn, postgresql_database, answer_seconds=1) as (asking, other):
        asking.answer("a task".__eq__)
        other.answer("another task".__eq__)

        assert not await asking.ask("a task")


async def test_what_a_busy_node_reads_a_moment_later_counts(postgresql_dsn, postgresql_database):
    """It hears the question first, and then that its caller is gone."""
    async with two_nodes(postgresql_dsn, postgresql_database, answer_seconds=1) as (asking, other):
        looks = iter([True])
        other.answer(lambda _: next(looks, False))

        assert not await asking.ask("a task")


async def test_a_response_that_another_node_has_delivered_is_no_lost_one(postgresql_dsn, postgresql_database):
    """Although its mark is not stored yet, and its caller has closed the connection."""
    imagegen = in_memory()

    async def add(key):
        expiry = imagegen.parts.clock.now() + timedelta(days=1)
        scope = f"{DERIVED_KEY_SCOPE}:generate"
        claim = IdempotencyClaim(scope=scope, key=key, body_sha256="", expires_at=expiry)
        return await imagegen.parts.tasks.add(a_task(), queue_size=9, claim=claim)

    async with two_nodes(postgresql_dsn, postgresql_database, answer_seconds=5) as peers:
        near, far = (ClientRetries(time.monotonic, each) for each in peers)
        first, second = (
            Call(digest="d1", operations=("generate",), disconnect=asyncio.Future()) for _ in range(2)
        )
        await near.accept(imagegen, first, add, numbered=False)
        near.answered(first)
        first.disconnect.set_result(None)
        near.leave(first)

        assert await far.claim(imagegen, second, numbered=False) is None
