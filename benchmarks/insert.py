"""What the search index costs the service: ``python benchmarks/insert.py --prompts FILE``.

A real server, whose data directory already has a number of images, ends tasks whose images the upstream
releases at the same moment, alternately with and without a search index. Tasks per second are measured from
the release to the last image that is on disk, recorded and searchable.
"""

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fill import fill

from tests.chaos.service import Service, UpstreamProcess, post_task, wait_until

MAX_INDEX_COST = 0.3
SETTINGS = {"queue": {"workers": 100}, "providers": {"chaos": {"timeout_seconds": 300}}}


def rate(folder, upstream, prompts, tasks, *, index):
    """Return the tasks per second of a new server over one of the two data directories."""
    service = Service(folder, folder / ("with" if index else "without"), upstream, settings=SETTINGS)
    upstream.be(hold=True)
    try:
        service.start()
        before = image_count(service)
        with service.client() as client:
            for prompt in prompts:
                post_task(client, prompt=prompt).raise_for_status()
        upstream.has_calls(SETTINGS["queue"]["workers"])
        started = time.perf_counter()
        upstream.be(hold=False)
        wait_until(lambda: image_count(service) - before == tasks, awaited="the last image", seconds=600)
        return tasks / (time.perf_counter() - started)
    finally:
        service.kill()


def image_count(service):
    return service.rows("SELECT value FROM counters WHERE name = 'images'")[0][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=Path, required=True, help="one prompt a line, UTF-8")
    parser.add_argument("--images", type=int, default=100_000, help="stored beforehand")
    parser.add_argument("--tasks", type=int, default=1000, help="a run")
    parser.add_argument("--runs", type=int, default=3, help="with and without an index each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imagegen-insert-") as name:
        folder = Path(name)
        for index, directory in ((True, "with"), (False, "without")):
            filled = fill(folder / directory, options.prompts, index=index, limit=options.images)
            print(f"{directory} an index: filled with {filled:,.0f} records a second")
        upstream = UpstreamProcess(folder / "ledger").start()
        rates = {True: [], False: []}
        try:
            with options.prompts.open(encoding="utf-8") as lines:
                for index in (True, False) * options.runs:
                    prompts = [line.strip() for line in itertools.islice(lines, options.tasks)]
                    rates[index].append(rate(folder, upstream, prompts, len(prompts), index=index))
        finally:
            upstream.end()
    best = {index: max(some) for index, some in rates.items()}
    for index, some in rates.items():
        figures = ", ".join(f"{one:.0f}" for one in some)
        print(f"{'with' if index else 'without'} an index: {figures} tasks a second")
    lost = 1 - best[True] / best[False]
    print(f"the index costs {lost:.0%} of the best rate")
    assert lost < MAX_INDEX_COST, f"the index costs {lost:.0%}"


if __name__ == "__main__":
    main()
