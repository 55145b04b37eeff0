"""Evaluates 2,000 costly expressions and 2,000 costly templates, and prints the longest and the largest.

::

    python benchmarks/document_limits.py [--number 2000] [--seconds 0.05] [--megabytes 64] [--json FILE]

What runs is what a call runs on the event loop for one response, or one request. The generators are those of
the tests. Processor time is the least of three runs, since other programs disturb it. Exits with 1 if
anything takes more than ``--seconds`` or ``--megabytes``.
"""

import collections
import gc
import sys
import time
import tracemalloc

from hypothesis import HealthCheck, Phase, given, settings
from reports import MIB, Report, option_parser  # makes the checkout importable

from tests.costly_documents import COSTLY, expressions, read, save, templates, write

RUNS = 3
SHOWN_CHARS = 100


def examples(strategy, number):
    """Return so many values that a strategy generates, the same each time."""
    values = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value):
        values.append(value)

    collect()
    return values


def seconds_of(function, value):
    """Return the processor time of a call, the least of some, and how it ended."""
    least = float("inf")
    for _ in range(RUNS):
        start = time.thread_time()
        end = function(value)
        least = min(least, time.thread_time() - start)
    return least, end


def bytes_of(function, value):
    """Return the memory that a call had at most, beyond what was there."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    function(value)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def measure(report, name, function, values):
    """Add a row about all calls, and print which was the longest."""
    gc.collect()
    gc.freeze()  # the values are not those of a service
    timed = [(*seconds_of(function, value), value) for value in values]
    worst_seconds, _, longest = max(timed, key=lambda row: row[0])
    report.add(
        work=name,
        number=len(values),
        worst_ms=worst_seconds * 1000,
        worst_mb=max(bytes_of(function, value) for value in values) / MIB,
        ends=", ".join(f"{end} {n}" for end, n in collections.Counter(end for _, end, _ in timed).items()),
    )
    print(f"{name}, longest: {str(longest)[:SHOWN_CHARS]!r}")


def main() -> int:
    """Print what was measured, and return the exit status."""
    parser = option_parser(__doc__)
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--megabytes", type=float, default=64)
    options = parser.parse_args()
    generated = [*COSTLY, *examples(expressions(), options.number)]
    columns = {
        "work": "work",
        "number": "number",
        "worst_ms": "longest, ms",
        "worst_mb": "largest, MB",
        "ends": "how they ended",
    }
    report = Report("document-limits", columns)
    measure(report, "expressions, on a response", read, generated)
    measure(report, "expressions, when saved", save, generated)
    measure(report, "templates, of a request", write, examples(templates, options.number))
    report.publish(options.json)
    is_good = all(
        row["worst_ms"] <= options.seconds * 1000 and row["worst_mb"] <= options.megabytes
        for row in report.rows
    )
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
