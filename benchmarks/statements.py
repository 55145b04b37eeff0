"""What the database has of a task that gets done: the processor time of each statement, without a service.

Tasks go through the adapters over SQLite, some at once: each is accepted, claimed, and saved before its call,
after it, with a response of 13 kB, and with its image. Microseconds are those of the writing thread, which
runs statements, commits and the conversion between them; and of the event loop's, which makes the values.
"""

import asyncio
import collections
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from reports import Report, option_parser

from imagegen_adapters.stores.sqlite.database import Database, Readers, migrate
from imagegen_adapters.stores.sqlite.engine import Writer, open_writer
from imagegen_adapters.stores.sqlite.tasks import SqliteQueue, SqliteTasks
from imagegen_adapters.system import simplify
from imagegen_core.attempt import InlineResponse, Receipt, SentConfig
from tests.contracts.samples import a_task, an_attempt, an_image

COLUMNS = {"work": "what", "at_once": "tasks at once", "runs": "of a task", "processor_us": "processor µs"}
PROVIDER = "demo"
CONFIG = SentConfig(text='{"api_base": "https://example.com/v1", "kind": "http"}', sealed=False)
RESPONSE = InlineResponse(name="response", content=b"0123456789abcdef" * 832)


class Timed:
    """A connection that counts each statement's runs and nanoseconds; all else of it is the connection's."""

    def __init__(self, connection):
        self._connection = connection
        self.runs, self.nanoseconds = collections.Counter(), collections.Counter()

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, statement, *values):
        return self._timed(self._connection.execute, statement, *values)

    def executemany(self, statement, *values):
        return self._timed(self._connection.executemany, statement, *values)

    def _timed(self, run, statement, *values):
        started = time.thread_time_ns()
        cursor = run(statement, *values)
        self.runs[statement] += 1
        self.nanoseconds[statement] += time.thread_time_ns() - started
        return cursor


async def run_tasks(database, number, at_once):
    """Let so many tasks end, with the steps of a worker."""
    tasks, queue = SqliteTasks(database, simplify=simplify), SqliteQueue(database)
    claimed, added = collections.defaultdict(asyncio.get_running_loop().create_future), asyncio.Event()

    async def claim():
        while True:
            await added.wait()
            added.clear()
            now = datetime.now(UTC)
            await queue.demand(now=now, limit=at_once)
            for task in await queue.claim(
                "node", limit=at_once, now=now, provider_limits={PROVIDER: at_once}
            ):
                claimed[task.task_id].set_result(task)

    async def run():
        for _ in range(number // at_once):
            task = a_task(created_at=datetime.now(UTC))
            await tasks.add(task, queue_size=number)
            added.set()
            task = (await claimed[task.task_id]).count_attempt()
            attempt = an_attempt(task).submitting(datetime.now(UTC), config=CONFIG)
            await tasks.save(task.fence, task=task, attempts=(attempt,))
            attempt = attempt.received(datetime.now(UTC), Receipt(), RESPONSE)
            await tasks.save(task.fence, attempts=(attempt,))
            now = datetime.now(UTC)
            image = an_image(attempt, created_at=now)
            await tasks.save(
                task.fence, task=task.complete(now), attempts=(attempt.stored(now),), images=(image,)
            )

    claims = asyncio.create_task(claim())
    await asyncio.gather(*(run() for _ in range(at_once)))
    claims.cancel()


async def measure_round(report, options, folder, at_once):
    """Add the rows for so many tasks at once: the threads, and the statements that take most of one."""
    path = folder / f"{at_once}.db"
    connection = Timed(open_writer(path))
    migrate(connection)
    readers = Readers(path, threads=3, cache_kib=4000)
    ends = []
    writer = Writer(connection, after_batch=lambda _: ends.append(time.thread_time_ns()))
    database = Database(path, dict.fromkeys(("readers", "searchers", "probes"), readers), writer)
    await run_tasks(database, at_once, at_once)
    before, loop = ends[-1], time.thread_time_ns()
    connection.runs.clear()
    connection.nanoseconds.clear()
    number = options.number // at_once * at_once
    await run_tasks(database, number, at_once)
    loop = time.thread_time_ns() - loop
    rows = [("event loop's thread", None, loop), ("writing thread", None, ends[-1] - before)]
    for statement, nanoseconds in connection.nanoseconds.most_common(options.statements):
        words = [*statement.split()[:3], *(["RETURNING"] if "RETURNING" in statement else [])]
        rows.append((" ".join(words), connection.runs[statement] / number, nanoseconds))
    for work, runs, nanoseconds in rows:
        report.add(work=work, at_once=at_once, runs=runs, processor_us=nanoseconds / number / 1000)
    await database.close()


def measure(options):
    """Return the report."""
    report = Report("statements", COLUMNS)
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-", dir=options.work_dir) as name:
        for at_once in options.at_once:
            asyncio.run(measure_round(report, options, Path(name), at_once))
    return report


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--number", type=int, default=1000, help="tasks")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 100], metavar="N")
    parser.add_argument("--statements", type=int, default=10, help="how many are listed")
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
