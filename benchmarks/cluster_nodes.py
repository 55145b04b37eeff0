"""What nodes of a cluster do as processes: accept over HTTP, get done more together, wait for many calls.

Nodes, PostgreSQL, bucket and upstream are processes on this machine; only the bucket is a thread of this one.
Every transaction is durable before its caller goes on (``synchronous_commit=on``). Three kinds of work:

accept   tasks are posted to one node whose upstream holds every call. The limits beside it are a bare route
         that answers a constant 202, and a plain INSERT of the row of a task.
scale    the upstream takes a fixed time for each call, and each node has few workers. All tasks wait before
         the first call ends; the first ends are spread over that time. "of linear" compares the rate with
         that of one node, times their number; it says something until the cores are busy, which the last
         column tells.
waiting  the upstream holds all calls at once, spread over the nodes, and then answers all of them within the
         time of one. Every task has to complete, with one call each.
"""

import asyncio
import time

from bare_route import Answer, BareRoutes
from cluster import Node, load
from fleet import MODEL, PROMPT, Fleet
from load import post
from reports import Report, add_load_options, option_parser
from stage import GENERATE, Cost, task

BODY = task(MODEL, PROMPT)
COLUMNS = {
    "work": "work",
    "nodes": "nodes",
    "number": "callers, or calls at once",
    "rate": "a second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "ratio": "of the limit, or of linear",
    "idle_mb": "MB of a node before",
    "waiting_mb": "MB of a node while it waits",
    "processor_ms": "processor ms of the nodes, each",
    "database_ms": "of PostgreSQL",
    "cores": "cores busy",
    "statements": "statements a task",
}


def accept(report, options):
    """Measure how fast one node accepts, and the limits."""
    request = post(GENERATE, BODY)
    with Fleet.started(1, workers=1, work_dir=options.work_dir) as fleet:
        fleet.upstream.hold()
        with fleet.client() as client:
            answer = Answer.recorded(client.post(GENERATE, json=BODY))
        (node,) = fleet.nodes
        with BareRoutes([answer]) as bare:
            for callers in options.callers:
                shape = {"callers": callers, "seconds": options.seconds}
                limit = Cost.measured(bare.url, bare.pid, [post("/0", BODY)], **shape)
                insert = asyncio.run(_insert(fleet.dsn, **shape))
                before = fleet.processor()
                cost = Cost.measured(node.url, node.pid, [request], **shape)
                database = fleet.processor().since(before).database
                number = cost.result.number
                row = {**cost.row(), "database_ms": database * 1000 / number}
                report.add(work="accept", nodes=1, number=callers, ratio=_ratio(cost, limit), **row)
                report.add(work="bare route, 202", number=callers, **limit.row())
                report.add(work="plain insert", number=callers, **insert)


def _ratio(cost, limit):
    return cost.result.rate / limit.result.rate


async def _insert(dsn, *, callers, seconds):
    """Measure a plain INSERT of pending tasks, which are removed before the only worker is free for them."""
    node = await Node.open(dsn, connections=8)
    try:
        cost = await load([node], "insert", callers=callers, seconds=seconds)
        await node.database.rows("DELETE FROM tasks WHERE provider_name = 'demo'")
    finally:
        await node.database.close()
    return {key: cost[key] for key in ("rate", "p50_ms", "p99_ms")}


def scale(report, options):
    """Measure how much more several nodes get done while each waits for the upstream."""
    single = None
    for number in sorted(options.nodes):
        at_once = number * options.workers
        figures = run(number, options, workers=options.workers, tasks=at_once * options.waves)
        single = single or figures["rate"] / number
        report.add(
            work="tasks", nodes=number, number=at_once, ratio=figures["rate"] / number / single, **figures
        )


def waiting(report, options):
    """Measure what many calls cost that wait at the same time."""
    number = max(options.nodes)
    for calls in options.calls:
        figures = run(number, options, workers=-(-calls // number), tasks=calls)
        report.add(work="waiting calls", nodes=number, number=calls, **figures)


def run(number, options, *, workers, tasks):
    """Let nodes with so many workers each complete so many tasks; return what it took."""
    shape = {"workers": workers, "work_dir": options.work_dir, "counts_statements": options.statements}
    with Fleet.started(number, **shape) as fleet:
        idle_mb = fleet.memory_mb()
        fleet.upstream.hold()
        fleet.upstream.delay(options.upstream_seconds)
        if options.statements:
            fleet.forget_statements()
        fleet.post(tasks)
        fleet.has_calls(min(tasks, number * workers))
        waiting_mb = fleet.memory_mb()
        before, started = fleet.processor(), time.perf_counter()
        fleet.upstream.release()
        fleet.completes(tasks)
        elapsed = time.perf_counter() - started
        processor = fleet.processor().since(before)
        statements = _statements(fleet, tasks) if options.statements else None
        assert (tasks, tasks) == fleet.upstream.charged(), "calls, and prompts that they were for"
    return {
        "rate": tasks / elapsed,
        "idle_mb": sum(idle_mb) / number,
        "waiting_mb": sum(waiting_mb) / number,
        "processor_ms": processor.nodes * 1000 / tasks,
        "database_ms": processor.database * 1000 / tasks,
        "cores": processor.total / elapsed,
        "statements": statements,
    }


def _statements(fleet, tasks):
    """Return how many statements there were for each of so many tasks, and print which."""
    counts = fleet.statements()
    for text, calls in counts.items():
        if calls >= tasks / 100:
            print(f"{calls / tasks:6.2f}  {text}")
    return sum(counts.values()) / tasks


WORK = {"accept": accept, "scale": scale, "waiting": waiting}


def main():
    parser = option_parser(__doc__)
    add_load_options(parser, callers=[1, 10, 100])
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    parser.add_argument("--workers", type=int, default=16, metavar="N", help="of each node, to scale")
    parser.add_argument("--upstream-seconds", type=float, default=2.0, metavar="S", help="of a call")
    parser.add_argument("--waves", type=int, default=10, metavar="N", help="of calls, to scale")
    parser.add_argument("--calls", type=int, nargs="+", default=[5000], metavar="N", help="that wait at once")
    parser.add_argument(
        "--statements", action="store_true", help="count and print those of PostgreSQL; costs it a little"
    )
    options = parser.parse_args()
    report = Report("cluster_nodes", COLUMNS)
    for work in options.work:
        WORK[work](report, options)
    report.publish(options.json)


if __name__ == "__main__":
    main()
