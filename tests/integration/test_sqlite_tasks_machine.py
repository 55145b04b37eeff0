"""The SQLite adapters behave like the model of tasks, also across restarts."""

import tempfile
from pathlib import Path

from hypothesis import settings

from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_adapters.system import simplify
from tests.task_machine import TaskMachine


class SqliteTaskMachine(TaskMachine):
    def open(self):
        self.directory = tempfile.TemporaryDirectory()
        return self.opened()

    def reopen(self):
        self.database.close_now()
        return self.opened()

    def opened(self):
        self.database = Database.open(Path(self.directory.name) / "imagegen.db")
        return SqliteTasks(self.database, simplify=simplify), SqliteQueue(self.database)

    def teardown(self):
        super().teardown()
        if hasattr(self, "database"):
            self.database.close_now()
            self.directory.cleanup()


TestSqliteTaskMachine = SqliteTaskMachine.TestCase
TestSqliteTaskMachine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
