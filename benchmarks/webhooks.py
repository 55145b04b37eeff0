"""What webhooks cost where nobody listens, and with an endpoint that answers at once.

One service does the same again and again: without an endpoint, once more so, without the trigger that adds
deliveries, and with one endpoint, in another order in each round. Each is compared with the first line's of
its round. Shown are the medians of these ratios, and the range of their middle half; how far two of the same
kind differ is the noise. First tasks are accepted while the workers are busy, then tasks get done, as in
``accept`` and ``end_to_end``. A receiver gets a bounded number of events a second, so the last row has those
that are sent once the tasks and their thumbnails are done, with the processor time of each event.
"""

import contextlib
import random
import statistics
import time
from functools import partial

import attrs
from end_to_end import KINDS, tasks
from instant_upstream import InstantUpstream
from load import post
from reports import Report, option_parser
from stage import GENERATE, Cost, stage, task

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.chaos.service import wait_until
from tests.processes import cpu_seconds

COLUMNS = {
    "work": "work",
    "rate": "a second",
    "processor_ms": "processor ms each",
    "more": "more processor time, %",
    "more_range": "middle half",
    "slower": "lower rate, %",
    "slower_range": "middle half ",
}
PENDING = "SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'"
TRIGGER = "SELECT sql FROM sqlite_master WHERE name = 'tasks_webhooks'"
WEBHOOKS = "/api/v1/webhooks"
DELIVERIES = """
INSERT INTO webhook_deliveries (event_id, type, task_id, webhook_id, target, created_at, next_try_at)
SELECT 'evt_' || replace(task_id, '-', ''), 'task.completed', task_id, webhooks.id, webhooks.id, completed_at,
    completed_at FROM tasks, webhooks WHERE status = 'completed'
"""
SENDING_SECONDS, SENDINGS = 5, 5
"""How long events are sent, and how often."""


@attrs.define
class Switches:
    """Puts a running service into one of four states, and measures how it sends what is left."""

    service: object
    trigger: str
    endpoint: str

    @classmethod
    def installed(cls, service, receiver):
        """Add an endpoint that is off."""
        with service.client() as client:
            answer = client.post(WEBHOOKS, json={"url": f"{receiver.url}/hook", "enabled": False})
        return cls(service, service.rows(TRIGGER)[0][0], f"{WEBHOOKS}/{answer.json()['data']['id']}")

    @contextlib.contextmanager
    def without_endpoint(self):
        yield

    @contextlib.contextmanager
    def without_trigger(self):
        self._execute("DROP TRIGGER tasks_webhooks")
        yield
        self._execute(self.trigger)

    @contextlib.contextmanager
    def with_endpoint(self):
        self._enable(True)
        yield
        self._enable(False)
        self._execute("DELETE FROM webhook_deliveries")

    def measure_sending(self):
        """Return rates and processor milliseconds of events while nothing else is done, several times."""
        wait_until(self._rests, awaited="the last thumbnail", seconds=600)
        self._enable(True)
        self._execute(DELIVERIES)
        pending = self._pending()
        wait_until(lambda: self._pending() < pending, awaited="the first event")
        return [self._measure_sending() for _ in range(SENDINGS) if self._pending()]

    def _rests(self):
        before = cpu_seconds(self.service.pid)
        time.sleep(2)
        return cpu_seconds(self.service.pid) - before < 0.1

    def _measure_sending(self):
        before, started = self._pending(), time.perf_counter()
        processor = cpu_seconds(self.service.pid)
        wait_until(
            lambda: not self._pending() or time.perf_counter() - started > SENDING_SECONDS,
            awaited="the last event",
            pause=0.2,
        )
        number, seconds = before - self._pending(), time.perf_counter() - started
        return number / seconds, (cpu_seconds(self.service.pid) - processor) * 1000 / number

    def _pending(self):
        return self.service.rows(PENDING)[0][0]

    def _execute(self, sql):
        path = self.service.data_dir / "imagegen.db"
        with contextlib.closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            connection.execute(sql)

    def _enable(self, enabled):
        with self.service.client() as client:
            client.patch(self.endpoint, json={"enabled": enabled}).raise_for_status()


STATES = {
    "no endpoint": Switches.without_endpoint,
    "no endpoint, again": Switches.without_endpoint,
    "no trigger": Switches.without_trigger,
    "one endpoint": Switches.with_endpoint,
}
BASE, *_ = STATES


def measure(options):
    """Return the report."""
    report = Report("webhooks", COLUMNS)
    with InstantUpstream() as receiver:
        settings = {"security": {"allow_webhooks": [receiver.url.removeprefix("http://")]}}
        with stage(options.work_dir, workers=1, settings=settings) as each:
            each.upstream.hold()
            request, load = post(GENERATE, task(KINDS[0])), {"callers": 10, "seconds": options.seconds}
            _in_turn(
                report,
                "accept",
                Switches.installed(each.service, receiver),
                lambda: Cost.measured(each.service.url, each.service.pid, [request], **load).row(),
                options.rounds,
            )
        with stage(options.work_dir, settings=settings) as each:
            switches = Switches.installed(each.service, receiver)
            run = partial(tasks, each, KINDS[0], number=options.number, callers=100)
            _in_turn(report, "tasks", switches, run, options.rounds)
        with stage(options.work_dir, settings=settings) as each:
            switches = Switches.installed(each.service, receiver)
            tasks(each, KINDS[0], number=options.number, callers=100)
            costs = switches.measure_sending()
    rate, processor = map(statistics.median, zip(*costs, strict=True))
    report.add(work="events, when nothing else is done", rate=rate, processor_ms=processor)
    return report


def _in_turn(report, work, switches, run, rounds):
    """Run each state once a round, and add a row for each."""
    run()  # what the first one alone pays for
    measured = {name: [] for name in STATES}
    for number in range(rounds):
        for name in random.Random(number).sample([*STATES], len(STATES)):
            with STATES[name](switches):
                measured[name].append(run())
    for name, rows in measured.items():
        figures = {key: statistics.median(row[key] for row in rows) for key in ("rate", "processor_ms")}
        more = _percent(rows, measured[BASE], "processor_ms")
        slower = [-each for each in _percent(rows, measured[BASE], "rate")]
        compared = {} if name == BASE else _ranges(more=more, slower=slower)
        report.add(work=f"{work}, {name}", **figures, **compared)


def _percent(rows, base, key):
    return [(row[key] / other[key] - 1) * 100 for row, other in zip(rows, base, strict=True)]


def _ranges(**percents):
    row = {key: statistics.median(values) for key, values in percents.items()}
    for key, values in percents.items():
        ordered, cut = sorted(values), len(values) // 4
        row[f"{key}_range"] = f"{ordered[cut]:.1f} to {ordered[-1 - cut]:.1f}"
    return row


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="each with all four in turn")
    parser.add_argument("--seconds", type=float, default=2.0, help="of accepting each time")
    parser.add_argument("--number", type=int, default=500, help="tasks done each time")
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
