"""What several nodes can do on one PostgreSQL: accept tasks, claim them and store their ends.

All of it goes through the adapters, in this process, without HTTP. The limits are measured beside it: to
accept, a plain INSERT of the same row by each caller through the same pool; to claim and save, an UPDATE of a
row by its key, twice. A node's callers who wait for a task are served by one claim, as its worker claims for
all its free places. Every transaction is durable before its caller goes on (``synchronous_commit=on``). The
server is one of its own, or that of ``--dsn``, in whose database a schema is created and dropped.
"""

import asyncio
import contextlib
import itertools
import time

import asyncpg
import attrs
from reports import Report, add_load_options, option_parser

from imagegen_adapters.stores.postgresql.database import ConnectionPolicy, Database
from imagegen_adapters.stores.postgresql.tasks import PostgresqlQueue, PostgresqlTasks
from imagegen_adapters.stores.rows import task_to_row
from imagegen_adapters.system import simplify
from tests.contracts.samples import NOW, a_task, an_attempt, an_image
from tests.fakes.postgresql import Cluster
from tests.processes import cpu_seconds

SCHEMA = "imagegen_benchmark"
QUEUE_SIZE = 10_000_000
LIMITS = {"demo": QUEUE_SIZE}
COLUMNS = {
    "work": "work",
    "nodes": "nodes",
    "callers": "callers",
    "rate": "a second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "processor_ms": "processor ms of the nodes",
    "server_ms": "of PostgreSQL",
    "ratio": "of the limit",
}
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}


@attrs.define
class Node:
    """What a process has: connections, the adapters over them, and claimed tasks that nobody runs yet."""

    database: Database
    repository: PostgresqlTasks
    queue: PostgresqlQueue
    claimed: list = attrs.field(factory=list)
    idle: int = 0
    claiming: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    @classmethod
    async def open(cls, dsn, connections):
        database = await Database.open(dsn, ConnectionPolicy(max_connections=connections))
        return cls(database, PostgresqlTasks(database, simplify=simplify), PostgresqlQueue(database))

    async def add(self, _number):
        await self.repository.add(a_task(), queue_size=QUEUE_SIZE)

    async def insert(self, _number):
        """Insert the row of a task, and nothing else."""
        row = task_to_row(a_task())
        row |= {name: bool(row[name]) for name in ("cancel_requested", "locked")}
        places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
        statement = f"INSERT INTO tasks ({', '.join(row)}) VALUES ({places})"  # noqa: S608 - names of columns
        await self.database.rows(statement, *row.values())

    async def run(self, _number):
        """Claim a task, and store its end with an attempt and an image."""
        self.idle += 1
        async with self.claiming:
            if not self.claimed:
                self.claimed += await self.queue.claim(
                    "node", limit=self.idle, now=NOW, provider_limits=LIMITS
                )
            assert self.claimed, "give it more --tasks"
            task = self.claimed.pop()
            self.idle -= 1
        attempt = an_attempt(task)
        await self.repository.save(
            task.fence, task=task.complete(NOW), attempts=(attempt,), images=(an_image(attempt),)
        )

    async def update(self, number):
        """Change a row of this caller's own, twice."""
        for _ in range(2):
            await self.database.rows("UPDATE tasks SET progress = 0.5 WHERE seq = $1", number)


@attrs.frozen
class Work:
    """What is measured, and the statement beside it that is its limit, as methods of `Node`."""

    title: str
    limit: str
    limit_title: str


WORK = {
    "add": Work("accept", "insert", "plain insert"),
    "run": Work("claim and save", "update", "two updates"),
}


async def load(nodes, work, *, callers, seconds, server_pid=None):
    """Let callers, spread over the nodes, do the work again and again; return what it took.

    What the server took is known only of one here.
    """
    latencies, ends = [], time.perf_counter() + seconds

    async def caller(number):
        act = getattr(nodes[number % len(nodes)], work)
        while (started := time.perf_counter()) < ends:
            await act(number + 1)
            latencies.append(time.perf_counter() - started)

    server = 0 if server_pid is None else cpu_seconds(server_pid)
    started, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*map(caller, range(callers)))
    elapsed, processor = time.perf_counter() - started, time.process_time() - processor
    server = None if server_pid is None else cpu_seconds(server_pid) - server
    latencies.sort()
    return {
        "nodes": len(nodes),
        "callers": callers,
        "rate": len(latencies) / elapsed,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
        "processor_ms": processor * 1000 / len(latencies),
        "server_ms": None if server is None else server * 1000 / len(latencies),
    }


async def prepare(nodes, waiting):
    """Leave so many tasks in the database, and nothing else."""
    for node in nodes:
        node.claimed.clear()
    await nodes[0].database.rows(
        "TRUNCATE tasks, queue_counts, images, image_texts, events RESTART IDENTITY CASCADE"
    )
    await asyncio.gather(*(nodes[0].add(each) for each in range(waiting)))


async def measure(options, dsn, server_pid=None):
    """Return the report; a limit is measured before and after the work, since the machine may be busy."""
    report = Report("cluster", COLUMNS)
    async with contextlib.AsyncExitStack() as stack:
        nodes = [await Node.open(dsn, options.connections) for _ in range(max(options.nodes))]
        for node in nodes:
            stack.push_async_callback(node.database.close)
        for callers, number, work in itertools.product(options.callers, options.nodes, options.work):
            costs = []
            for act in (work, WORK[work].limit, work, WORK[work].limit):
                await prepare(nodes, max(callers, options.waiting if act == "add" else options.tasks))
                shape = {"callers": callers, "seconds": options.seconds, "server_pid": server_pid}
                costs.append(await load(nodes[:number], act, **shape))
            ratio = sum(cost["rate"] for cost in costs[::2]) / sum(cost["rate"] for cost in costs[1::2])
            best, limit = (max(these, key=lambda cost: cost["rate"]) for these in (costs[::2], costs[1::2]))
            report.add(work=WORK[work].title, **best, ratio=ratio)
            report.add(work=WORK[work].limit_title, **limit)
    return report


async def measured_elsewhere(options):
    """Return the report of another server, which gets a schema for as long as it is measured."""
    connection = await asyncpg.connect(options.dsn)
    await connection.execute(f"CREATE SCHEMA {SCHEMA}")
    try:
        separator = "&" if "?" in options.dsn else "?"
        return await measure(options, f"{options.dsn}{separator}search_path={SCHEMA}")
    finally:
        await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        await connection.close()


def main():
    parser = option_parser(__doc__)
    add_load_options(parser, callers=[1, 10, 100])
    parser.add_argument("--nodes", type=int, nargs="+", default=[1], metavar="N", help="sets of connections")
    parser.add_argument("--connections", type=int, default=8, metavar="N", help="of each node")
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--waiting", type=int, default=0, metavar="N", help="before tasks are accepted")
    parser.add_argument("--tasks", type=int, default=20_000, metavar="N", help="that wait to be claimed")
    parser.add_argument("--dsn", help="of a database on another server")
    options = parser.parse_args()
    if options.dsn:
        report = asyncio.run(measured_elsewhere(options))
    else:
        with Cluster.start(work_dir=options.work_dir, **DURABLE) as cluster:
            report = asyncio.run(measure(options, cluster.create_database("benchmark"), cluster.pid))
    report.publish(options.json)


if __name__ == "__main__":
    main()
