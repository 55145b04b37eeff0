"""What callers cost who wait: memory and processor time of a hundred and a thousand waiting calls.

Each caller posts a task with ``Prefer: wait`` and the upstream holds its call, until all wait at both ends;
then the upstream answers them all at once. The limit beside it is a bare route whose callers wait as well.
"""

import time

from bare_route import Answer, BareRoutes
from load import Callers, post
from reports import Report, option_parser
from stage import GENERATE, memory_mb, stage, task

from tests.chaos.service import wait_until
from tests.processes import cpu_seconds

COLUMNS = {
    "work": "work",
    "calls": "waiting calls",
    "idle_mb": "MB before",
    "waiting_mb": "MB while they wait",
    "kb_each": "KB each",
    "processor_ms": "processor ms each",
    "seconds": "s until the last has its answer",
}
MODEL = "inline-small"
WAITING = post(GENERATE, task(MODEL), Prefer="wait=60")
MAX_CALLS = 1000
"""As many as workers; a service takes 1,024 connections."""


def measure(options):
    """Return the report; each number of calls has a service of its own."""
    report = Report("waiting", COLUMNS)
    for calls in options.number:
        with stage(options.work_dir, workers=calls) as each:
            with each.service.client() as client:
                answer = client.post(GENERATE, json=task(MODEL), headers={"Prefer": "wait=60"})
            each.upstream.hold()
            row = figures(each.service.url, each.service.pid, WAITING, calls, each.upstream)
            report.add(work="service", calls=calls, **row)
        with BareRoutes([Answer.recorded(answer)]) as bare:
            row = figures(bare.url, bare.pid, post("/held", task(MODEL)), calls, bare)
            report.add(work="bare route", calls=calls, **row)
    return report


def figures(url, pid, request, calls, holder):
    """Return what waiting calls cost a server; ``holder`` says how many wait, and lets them go."""
    idle_mb, processor = memory_mb(pid), cpu_seconds(pid)
    with Callers.connected(url, [request], callers=calls, warm=False) as some:
        some.begin(number=calls)
        wait_until(lambda: holder.running() >= calls, awaited=f"{calls} calls that wait")
        waiting_mb, released = memory_mb(pid), time.perf_counter()
        holder.release()
        assert some.result().number == calls
        seconds = time.perf_counter() - released
    return {
        "idle_mb": idle_mb,
        "waiting_mb": waiting_mb,
        "kb_each": (waiting_mb - idle_mb) * 1024 / calls,
        "processor_ms": (cpu_seconds(pid) - processor) * 1000 / calls,
        "seconds": seconds,
    }


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--number", type=int, nargs="+", default=[100, MAX_CALLS], metavar="N", help="calls")
    options = parser.parse_args()
    if max(options.number) > MAX_CALLS:
        parser.error(f"--number: at most {MAX_CALLS:,} calls")
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
