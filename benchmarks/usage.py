"""How fast usage is added up over a filled database: ``python benchmarks/usage.py``.

The database of SQLite has that many tasks, each with its attempt, spread over a year, two providers and three
models, and the totals that a task adds to when it ends.
"""

import asyncio
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
from reports import Report, option_parser

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.stores.sqlite.tasks import ADD_USAGE, SqliteTasks
from imagegen_core import ImageGen
from imagegen_core.costs import UsageGrouping

COLUMNS = {"work": "work", "tasks": "tasks", "rows": "rows of totals", "ms": "ms"}
UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
YEAR_SECONDS = 365 * 86_400

TASKS = """
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :tasks)
INSERT INTO tasks (
    task_id, operation, prompt, params, inputs, provider_name, model_id, status, config_snapshot,
    max_retries, attempts, retries, rescues, warnings, cancel_requested, epoch, created_at, completed_at
)
SELECT printf('%08x', n), 'generate', 'a cat', '{}', '{}', iif(n % 3, 'a', 'b'), 'model-' || n % 3,
    'completed', '{}', 3, 1, 0, 0, '[]', 0, 1, moment, moment
FROM (
    SELECT n, strftime('%Y-%m-%dT%H:%M:%fZ', :first + n * :seconds, 'unixepoch') AS moment FROM numbers
)
"""

ATTEMPTS = """
INSERT INTO attempts (
    attempt_id, task_id, number, part, phase, charge, cost_basis, cost_currency, cost_ticks,
    created_at, updated_at
)
SELECT task_id, task_id, 1, 0, 'stored', 'certain', 'estimated', 'CNY', 2000000000, created_at, completed_at
FROM tasks
"""

ENDS = "SELECT task_id, CAST(strftime('%s', completed_at) AS INTEGER) / 900 AS quarter FROM tasks"


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    report = Report("usage", COLUMNS)
    for tasks in options.tasks:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "imagegen.db"
            rows = fill(path, tasks)
            report.add(work="end of a task", tasks=tasks, rows=rows, ms=end_seconds(path) * 1000)
            for work, milliseconds in asyncio.run(read(path, options.runs)):
                report.add(work=work, tasks=tasks, rows=rows, ms=milliseconds)
    report.publish(options.json)


def fill(path, tasks):
    """Make a database of tasks that have ended; return how many rows their totals have."""
    Database.open(path).close_now()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        seconds = YEAR_SECONDS / tasks
        first = UNTIL.timestamp() - YEAR_SECONDS
        connection.execute("BEGIN")
        connection.execute(TASKS, {"tasks": tasks, "first": first, "seconds": seconds})
        connection.execute(ATTEMPTS)
        ends = [{"task_id": task_id, "quarter": quarter} for task_id, quarter in connection.execute(ENDS)]
        connection.executemany(ADD_USAGE, ends)
        connection.execute("COMMIT")
        return connection.execute("SELECT count(*) FROM usage_totals").fetchone()[0]


def end_seconds(path, tasks=1_000):
    """Return the seconds that a task which ends takes to be added, in a transaction of many."""
    with closing(sqlite3.connect(path)) as connection:
        ids = [row[0] for row in connection.execute("SELECT task_id FROM tasks LIMIT ?", [tasks])]
        values = [{"task_id": task_id, "quarter": 10**6} for task_id in ids]
        seconds, _ = timed(lambda: connection.executemany(ADD_USAGE, values))
        connection.rollback()
    return seconds / len(ids)


async def read(path, runs):
    """Return the milliseconds of each way to read, the least of several runs."""
    database = Database.open(path)
    try:
        show = ImageGen(
            attrs.evolve(memory_adapters(), tasks=SqliteTasks(database, simplify=str))
        ).tasks.usage
        month = {"since": UNTIL - timedelta(days=30), "until": UNTIL}
        ways = {
            **{f"by {grouping}": {"grouping": grouping} for grouping in UsageGrouping},
            "by day, of a month": {"grouping": UsageGrouping.DAY, **month},
            "by model, of a month": {"grouping": UsageGrouping.MODEL, **month},
        }
        return [(work, await least(runs, show, query) * 1000) for work, query in ways.items()]
    finally:
        await database.close()


async def least(runs, show, query):
    fastest = float("inf")
    for _ in range(runs):
        started = time.perf_counter()
        await show(**query)
        fastest = min(fastest, time.perf_counter() - started)
    return fastest


def timed(act):
    started = time.perf_counter()
    result = act()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main()
