"""How fast tasks are accepted, and what that costs.

Callers post tasks to a service whose upstream holds every call, so that only acceptance is measured, each
synced before its 202; and ask for ``/health/live``, which costs little but the server itself. The limits are
a bare route that answers a constant 202, and inserts into SQLite that are synced, as many rows in one
transaction as there are callers. ``--other PROGRAM`` measures another installation in turn with this one.
"""

import contextlib

from bare_route import Answer, BareRoutes
from disk_limits import inserts
from load import get, post
from reports import Report, add_load_options, option_parser
from stage import GENERATE, LOAD_COLUMNS, Cost, stage, task

from tests.chaos.service import IMAGEGEN, wait_until

COLUMNS = {"work": "work", "callers": "callers", **LOAD_COLUMNS, "ratio": "of the bare route"}
BODY = task("inline-small")
LIVE = "/health/live"
WORK = (("accept", post(GENERATE, BODY), post("/0", BODY)), (LIVE, get(LIVE), get("/1")))
"""A title, its request to the service, and that to the bare route."""


def measure(options):
    """Return the report of all rounds."""
    report = Report("accept", COLUMNS)
    programs = {"": IMAGEGEN} | ({", other": options.other} if options.other else {})
    for _ in range(options.rounds):
        with contextlib.ExitStack() as stack:
            stages = {
                name: stack.enter_context(stage(options.work_dir, workers=1, program=program))
                for name, program in programs.items()
            }
            measure_round(report, stages, options)
    return report


def measure_round(report, stages, options):
    """Measure the services in turn, and the limits, with each number of callers."""
    answers, *_ = [busy(each) for each in stages.values()]
    with BareRoutes(answers) as bare:
        for callers in options.callers:
            load = {"callers": callers, "seconds": options.seconds}
            for at, (title, request, bare_request) in enumerate(WORK):
                limit = Cost.measured(bare.url, bare.pid, [bare_request], **load)
                for name, each in stages.items():
                    cost = Cost.measured(each.service.url, each.service.pid, [request], **load)
                    ratio = cost.result.rate / limit.result.rate
                    report.add(work=title + name, callers=callers, **cost.row(), ratio=ratio)
                report.add(work=f"bare route, {answers[at].status}", callers=callers, **limit.row())
            rate = inserts(seconds=options.seconds, work_dir=options.work_dir, rows=callers)
            report.add(work="synced insert", callers=callers, **rate.row())


def busy(each):
    """Let the only worker wait for the upstream; return what the service answers to each request."""
    each.upstream.hold()
    with each.service.client() as client:
        answers = [Answer.recorded(client.post(GENERATE, json=BODY)), Answer.recorded(client.get(LIVE))]
    wait_until(each.upstream.running, awaited="the call of the worker")
    return answers


def main():
    parser = option_parser(__doc__)
    add_load_options(parser, callers=[1, 10, 100])
    parser.add_argument("--rounds", type=int, default=1, help="each with services of its own")
    parser.add_argument("--other", metavar="PROGRAM", help="bin/imagegen of another installation")
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
