"""What the promises cost: the service beside a plan in Go that makes none, `go_plan/main.go`.

It has Gin, SQLite that syncs nothing and a channel as its queue; it keeps an image as it came, and searches
with LIKE. Both take the same requests from the same callers, in turn, call the same upstream, write their
request logs, and have galleries of the same prompts. The plan is built from Debian's packages, or
``--program`` names one that is built already.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import attrs
from end_to_end import KINDS, TITLES, tasks
from fill import fill
from load import Callers, get, post
from prompts import prompts
from reads import COMMON_WORD, NEW, shuffled
from reports import Report, add_load_options, option_parser
from stage import GENERATE, LOAD_COLUMNS, Cost, Stage, stage, task

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.chaos.service import wait_until

COLUMNS = {
    "work": "what",
    "callers": "callers",
    **LOAD_COLUMNS,
    "plan_rate": "the plan, a second",
    "plan_p99_ms": "its p99 ms",
    "plan_processor_ms": "its processor ms",
    "ratio": "of its rate",
}
SOURCE = Path(__file__).parent / "go_plan" / "main.go"
GO_PATH = Path("/usr/share/gocode")
PACKAGES = "golang-go golang-github-gin-gonic-gin-dev golang-github-mattn-go-sqlite3-dev"
SYNCED = ("-synchronous", "FULL")
BOTH_SYNC = "rows synced by both"
NOWHERE = "无处可寻"
IMAGES = "/api/v1/images"


@attrs.frozen
class GoPlan:
    """The plan's process."""

    url: str
    pid: int
    data_dir: Path

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(self.data_dir / "imagegen.db")) as connection:
            return connection.execute(sql).fetchall()


@contextlib.contextmanager
def go_plan(program, upstream, options, *more):
    """Start the plan beside a service, whose upstream it calls, too."""
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-", dir=options.work_dir) as name:
        folder = Path(name)
        command = [program, "-data-dir", folder / "data", "-upstream", upstream.url, *more]
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
        ):
            try:
                port = process.stdout.readline()
                assert port, (folder / "log").read_text("utf-8", "replace")[-3000:]
                url = f"http://127.0.0.1:{int(port)}"
                yield Stage(GoPlan(url, process.pid, folder / "data"), upstream)
            finally:
                process.kill()


@contextlib.contextmanager
def built(options):
    """Yield the program, from source if none is named."""
    if options.program:
        yield options.program
        return
    if not is_buildable():
        raise SystemExit(f"needs Go and its packages (Debian: apt install {PACKAGES}), or --program")
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-") as folder:
        program = Path(folder, "go-plan")
        environ = os.environ | {"GOPATH": str(GO_PATH), "GO111MODULE": "off"}
        subprocess.run(["go", "build", "-o", program, SOURCE], env=environ, check=True)
        yield program


def is_buildable():
    sources = (GO_PATH / "src/github.com" / name for name in ("gin-gonic/gin", "mattn/go-sqlite3"))
    return shutil.which("go") is not None and all(source.is_dir() for source in sources)


@contextlib.contextmanager
def gallery(options):
    """Yield a filled data directory of the service, and the file of its prompts."""
    with tempfile.TemporaryDirectory(prefix="imagegen-gallery-", dir=options.work_dir) as name:
        data_dir, lines = Path(name, "data"), Path(name, "prompts.txt")
        lines.write_text("".join(f"{prompt}\n" for prompt in prompts(options.images)), encoding="utf-8")
        fill(data_dir, lines)
        yield data_dir, lines


def measure(options):
    """Return the report."""
    report = Report("go_plan", COLUMNS)
    with built(options) as program:
        with (
            stage(options.work_dir, workers=1) as service,
            go_plan(program, service.upstream, options, "-workers", "1") as plan,
            go_plan(program, service.upstream, options, "-workers", "1", *SYNCED) as synced,
        ):
            measure_acceptance(report, service, {"accept": plan, f"accept, {BOTH_SYNC}": synced}, options)
        with (
            stage(options.work_dir) as service,
            go_plan(program, service.upstream, options, *SYNCED) as plan,
        ):
            measure_tasks(report, f"tasks, {BOTH_SYNC}", service, plan, options)
        with (
            gallery(options) as (data_dir, lines),
            stage(options.work_dir, data_dir=data_dir) as service,
            go_plan(program, service.upstream, options, "-prompts", lines) as plan,
        ):
            measure_reads(report, service, plan, options)
            measure_tasks(report, "tasks", service, plan, options)
    return report


def measure_acceptance(report, service, plans, options):
    """Measure how fast tasks are accepted, while the only worker of each waits for the upstream."""
    service.upstream.hold()
    request = post(GENERATE, task(KINDS[0]))
    for each in (service, *plans.values()):
        with Callers.connected(each.service.url, [request], callers=1):
            pass  # it has sent one
    wait_until(lambda: service.upstream.running() == 1 + len(plans), awaited="the calls of all workers")
    for title, plan in plans.items():
        compare(report, title, [request], service, plan, options)


def measure_reads(report, service, plan, options):
    """Measure records, a page of the list, and searches: ours from memory, and such as nobody did before."""
    ids = shuffled(options.images)
    search = f"{IMAGES}/search?keyword={quote(COMMON_WORD)}"
    reads = {
        "record by id": [f"{IMAGES}/{number}" for number in ids],
        "record by id, not from memory": [f"{IMAGES}/{number}?{NEW}" for number in ids],
        "list, page 1": [IMAGES],
        "list, page 1, not from memory": [f"{IMAGES}?{NEW}"],
        "a common word": [search],
        "a common word, not from memory": [f"{search}&{NEW}"],
        "a word that is nowhere, not from memory": [f"{IMAGES}/search?keyword={quote(NOWHERE)}&{NEW}"],
    }
    for title, paths in reads.items():
        compare(report, title, [get(path) for path in paths], service, plan, options)


def compare(report, title, requests, service, plan, options):
    for callers in options.callers:
        load = {"callers": callers, "seconds": options.seconds}
        cost, limit = (
            Cost.measured(each.service.url, each.service.pid, requests, **load).row()
            for each in (service, plan)
        )
        add(report, title, callers, cost, limit)


def measure_tasks(report, title, service, plan, options):
    """Measure from the request to the image that is stored."""
    callers = max(options.callers)
    for kind, number in ((KINDS[0], options.number), ("inline-photograph", options.photographs)):
        cost, limit = (tasks(each, kind, number=number, callers=callers) for each in (service, plan))
        add(report, f"{title}, {TITLES[kind]}", callers, cost, limit)


def add(report, title, callers, cost, limit):
    theirs = {f"plan_{key}": value for key, value in limit.items() if key != "p50_ms"}
    report.add(work=title, callers=callers, **cost, **theirs, ratio=cost["rate"] / limit["rate"])


def main():
    parser = option_parser(__doc__)
    add_load_options(parser, callers=[1, 10, 100])
    parser.add_argument("--program", type=Path, help="the plan, built already")
    parser.add_argument("--images", type=int, default=100_000, help="records beforehand")
    parser.add_argument("--number", type=int, default=2000, help="tasks with small images")
    parser.add_argument("--photographs", type=int, default=300, help="tasks with images of 1 MB")
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
