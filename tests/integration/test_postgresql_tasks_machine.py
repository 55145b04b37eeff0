"""The PostgreSQL adapters behave like the model of tasks, also when nodes come and go."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.system import simplify
from tests.task_machine import TaskMachine

pytestmark = pytest.mark.one_python


class PostgresqlTaskMachine(TaskMachine):
    """Each crash is that of a node, whose successor has connections of its own."""

    dsn = ""
    database = None

    def open(self):
        return self.run(self.opened(empty=True))

    def reopen(self):
        self.run(self.database.close())
        return self.run(self.opened(empty=False))

    async def opened(self, *, empty):
        self.database = await Database.open(self.dsn)
        if empty:
            await self.database.rows(
                "TRUNCATE tasks, queue_counts, idempotency_keys, attempts, events RESTART IDENTITY"
            )
        return PostgresqlTasks(self.database, simplify=simplify), PostgresqlQueue(self.database)

    def teardown(self):
        if self.database is not None:
            self.run(self.database.close())
        super().teardown()


def test_postgresql_behaves_like_the_model(postgresql_dsn):
    """Whatever happens to tasks, every answer is the model's."""

    class Machine(PostgresqlTaskMachine):
        dsn = postgresql_dsn

    run_state_machine_as_test(
        Machine, settings=settings(max_examples=25, stateful_step_count=30, deadline=None)
    )
