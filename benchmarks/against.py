"""What reads take of the processors beside another installation, in turn on one machine.

::

    ./run bench against --other PROGRAM --data-dir D --prompts FILE

``PROGRAM`` is the other one's ``bin/imagegen``. ``D`` was filled by ``fill.py`` of the older of the two with
the lines of ``FILE``; each gets a copy. No request is asked twice, so that no answer is a kept one. A ratio
below 1 says that this installation takes less.
"""

import random
import shutil
import statistics
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from reports import Report, option_parser
from stage import stage

from tests.chaos.service import IMAGEGEN
from tests.processes import cpu_seconds

COLUMNS = {
    "work": "work",
    "other_us": "other, µs",
    "own_us": "this one, µs",
    "ratio": "ratio",
    "from": "middle half, from",
    "to": "to",
}
DEEPEST_PAGE = 2000


def keyword(chance, lines):
    """Return one to three characters of a prompt."""
    line = chance.choice(lines)
    start = chance.randrange(max(1, len(line) - 3))
    return line[start : start + chance.choice((1, 2, 3))].strip() or "猫"


def search(mode, chance, lines):
    return "/api/v1/images/search", {"keyword": keyword(chance, lines), "mode": mode}


def page(chance, lines):
    return "/api/v1/images", {"page": chance.randrange(1, min(DEEPEST_PAGE, len(lines) // 20))}


def record(chance, lines):
    return f"/api/v1/images/{chance.randrange(1, len(lines) + 1)}", {}


WORK = {
    "search, contains": (partial(search, "contains"), 300),
    "search, relevant": (partial(search, "relevant"), 300),
    "a page": (page, 400),
    "a record": (record, 1000),
}
"""A title, what makes a request, and how many a round has."""


def cost(each, requests):
    """Return the processor time of a request in microseconds."""
    with each.service.client() as client:
        before = cpu_seconds(each.service.pid)
        for path, parameters in requests:
            client.get(path, params=parameters).raise_for_status()
        return (cpu_seconds(each.service.pid) - before) * 1e6 / len(requests)


def measure(options, folder):
    """Return the report of all rounds; the first of each work is not counted."""
    report, chance = Report("against", COLUMNS), random.Random(options.seed)
    lines = options.prompts.read_text("utf-8").splitlines()
    with ExitStack() as stack:
        sides = {}
        for name, program in {"other": options.other, "own": IMAGEGEN}.items():
            data_dir = folder / name
            shutil.copytree(options.data_dir, data_dir)
            sides[name] = stack.enter_context(stage(folder, program=program, data_dir=data_dir))
        for title, (request, number) in WORK.items():
            rounds = []
            for turn in range(options.rounds + 1):
                requests = [request(chance, lines) for _ in range(number)]
                order = ("other", "own") if turn % 2 else ("own", "other")
                rounds.append({name: cost(sides[name], requests) for name in order})
            report.add(work=title, **summary(rounds[1:]))
    return report


def summary(rounds):
    """Return the medians of both, and the quartiles of their ratio."""
    ratios = [each["own"] / each["other"] for each in rounds]
    low, middle, high = statistics.quantiles(ratios)
    medians = {f"{name}_us": statistics.median(each[name] for each in rounds) for name in ("other", "own")}
    return {**medians, "ratio": middle, "from": low, "to": high}


def main():
    parser = option_parser(__doc__)
    parser.add_argument(
        "--other", metavar="PROGRAM", required=True, help="bin/imagegen of another installation"
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="filled by the older of the two")
    parser.add_argument("--prompts", type=Path, required=True, help="what it was filled with")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-", dir=options.work_dir) as folder:
        measure(options, Path(folder)).publish(options.json)


if __name__ == "__main__":
    main()
