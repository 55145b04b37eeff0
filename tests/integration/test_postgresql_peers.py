"""What one process alone knows, another node can ask for."""

from contextlib import asynccontextmanager

import pytest

from imagegen_adapters.stores.postgresql.cluster import PostgresqlPeers
from tests.integration.test_postgresql_listener import node

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("postgresql_database")]

QUESTION = "waits-for"


@asynccontextmanager
async def two_nodes(dsn, *, answer_seconds):
    """Yield what asks, and another node."""
    async with node(dsn) as first, node(dsn) as second:
        yield [PostgresqlPeers(listener, answer_seconds=answer_seconds) for listener in (first, second)]


async def test_another_node_says_yes(postgresql_dsn):
    """Of the subject that it is asked about."""
    async with two_nodes(postgresql_dsn, answer_seconds=60) as (asking, other):
        other.answer(QUESTION, "a task".__eq__)

        assert await asking.ask(QUESTION, "a task")


async def test_silence_means_no(postgresql_dsn):
    """Of a node to whose knowledge it is not so; and who asks does not hear itself."""
    async with two_nodes(postgresql_dsn, answer_seconds=1) as (asking, other):
        asking.answer(QUESTION, "a task".__eq__)
        other.answer(QUESTION, "another task".__eq__)

        assert not await asking.ask(QUESTION, "a task")


async def test_what_a_busy_node_reads_a_moment_later_counts(postgresql_dsn):
    """It hears the question first, and then that its caller is gone."""
    async with two_nodes(postgresql_dsn, answer_seconds=1) as (asking, other):
        looks = iter([True])
        other.answer(QUESTION, lambda _: next(looks, False))

        assert not await asking.ask(QUESTION, "a task")
