"""What the search index costs the service: ``python benchmarks/insert.py --prompts FILE``.

A real server, whose data directory already has a number of images, ends tasks whose images the upstream
releases at the same moment, alternately with and without a search index. Tasks per second are measured from
the release to the last image that is on disk, recorded and searchable.
"""

import itertools
import tempfile
import time
from pathlib import Path

from fill import fill
from prompts import prompts
from reports import Report, option_parser
from stage import GENERATE, stage, task

from tests.chaos.service import wait_until
from tests.processes import cpu_seconds

MAX_INDEX_COST = 0.3
MIN_JUDGED = 100
"""Fewer tasks say nothing of rates."""

COLUMNS = {"work": "service", "run": "run", "rate": "tasks a second", "processor_ms": "processor ms each"}
TITLES = {True: "with an index", False: "without"}


def run(options, data_dir, lines):
    """Return the rate of a new service, and the processor time of each task, over one of the directories."""
    workers = min(100, len(lines))
    with stage(options.work_dir, workers=workers, data_dir=data_dir) as each:
        each.upstream.hold()
        before = each.stored()
        with each.service.client() as client:
            for prompt in lines:
                client.post(GENERATE, json=task("inline-small", prompt)).raise_for_status()
        wait_until(lambda: each.upstream.running() >= workers, awaited=f"{workers} calls at the upstream")
        started, processor = time.perf_counter(), cpu_seconds(each.service.pid)
        each.upstream.release()
        each.stores(before + len(lines))
        seconds = time.perf_counter() - started
        processor = cpu_seconds(each.service.pid) - processor
        return {"rate": len(lines) / seconds, "processor_ms": processor * 1000 / len(lines)}


def measure(options, folder, lines):
    """Return the report of all runs, each with prompts of its own."""
    report = Report("insert", COLUMNS)
    data_dirs = {index: folder / ("with" if index else "without") for index in TITLES}
    for index, data_dir in data_dirs.items():
        rate = fill(data_dir, lines, index=index, limit=options.images)
        report.add(work=f"filled {TITLES[index]}", rate=rate)
    with lines.open(encoding="utf-8") as some:
        for at, index in enumerate((True, False) * options.runs):
            batch = [line.strip() for line in itertools.islice(some, options.number)]
            report.add(work=TITLES[index], run=at // 2 + 1, **run(options, data_dirs[index], batch))
    return report


def main():
    parser = option_parser(__doc__)
    parser.add_argument(
        "--prompts", type=Path, help="one prompt a line, UTF-8; otherwise those of prompts.py"
    )
    parser.add_argument("--images", type=int, default=100_000, help="stored beforehand")
    parser.add_argument("--number", "--tasks", type=int, default=1000, help="tasks of a run")
    parser.add_argument("--runs", type=int, default=3, help="with and without an index each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imagegen-insert-", dir=options.work_dir) as name:
        lines = options.prompts or written_prompts(
            Path(name), max(options.images, 2 * options.runs * options.number)
        )
        report = measure(options, Path(name), lines)
    report.publish(options.json)
    best = {
        index: max(row["rate"] for row in report.rows if row["work"] == TITLES[index]) for index in TITLES
    }
    lost = 1 - best[True] / best[False]
    print(f"the index costs {lost:.0%} of the best rate")
    assert options.number < MIN_JUDGED or lost < MAX_INDEX_COST, f"the index costs {lost:.0%}"


def written_prompts(folder, number):
    path = folder / "prompts.txt"
    path.write_text("".join(f"{prompt}\n" for prompt in prompts(number)), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
