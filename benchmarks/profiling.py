"""Which parts of the service hold the interpreter's lock, and what its threads take.

While callers accept tasks, get images of 10 kB and read what nobody read before, py-spy samples which thread
holds the lock; a sample counts for the innermost of its modules that has a group. Beside the shares is the
processor time by thread, with and without that in the system. Needs py-spy (``pip install py-spy`` somewhere)
and the right to trace; ``--program`` names it if it is not on the PATH.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from end_to_end import GENERATIONS, KINDS, NUMBERED
from load import Callers, get, post
from reads import NEW, shuffled
from reports import Report, option_parser
from stage import GENERATE, stage, task

from tests.chaos.service import wait_until
from tests.processes import cpu_seconds

WORKERS = 100
SAMPLES_A_SECOND = 250
_LOOP = "asyncio/runners.py"
TICKS = os.sysconf("SC_CLK_TCK")
OTHERS = "event loop, and what else Python does"
GROUPS = {
    "guard": r"imagegen_http/guard/",
    "request log": r"structlog/|imagegen_http/server/logs\.py|imagegen_core/secrets\.py",
    "server: heads, connections, responses": r"uvicorn/|httptools/|imagegen_http/server/",
    "Litestar, routes, answers": r"litestar/|msgspec/|imagegen_http/",
    "core": r"imagegen_core/",
    "outbound call": r"httpx/|httpcore2?/|h11/|imagegen_adapters/(?:outbound|providers)/",
    "image: decoder, files, spool": r"imagegen_adapters/(?:images|files)/",
    "threads: waking and waiting": r"imagegen_adapters/threads\.py",
    "SQLite: statements and rows": r"imagegen_adapters/stores/",
    "other adapters": r"imagegen_adapters/",
}
"""Paths of modules by group; the first that matches counts."""

_PATHS = {group: re.compile(rf"/(?:{path})") for group, path in GROUPS.items()}


def measure(options):
    """Return the report: a column for each kind of work."""
    columns = {}
    with stage(options.work_dir, workers=WORKERS) as each:
        title = f"{GENERATIONS}, 10 kB"
        body = {"model": f"instant/{KINDS[0]}", "prompt": NUMBERED}
        columns[title] = sampled(each, [post(GENERATIONS, body)], options)
        records = [get(f"/api/v1/images/{number}?{NEW}") for number in shuffled(each.stored())]
        columns["record by id"] = sampled(each, records, options)
        columns["list, page 1"] = sampled(each, [get(f"/api/v1/images?{NEW}")], options)
        each.upstream.hold()
        with Callers.connected(each.service.url, [post(GENERATE, task(KINDS[0]))], callers=1) as some:
            some.run(number=WORKERS)
        wait_until(lambda: each.upstream.running() == WORKERS, awaited="the calls of all workers")
        columns["accept"] = sampled(each, [post(GENERATE, task(KINDS[0]))], options)
    columns = {"accept": columns.pop("accept"), **columns}
    report = Report("profiling", {"work": "what", **{title: title for title in columns}})
    for row in columns["accept"]:
        report.add(work=row, **{title: column[row] for title, column in columns.items()})
    return report


def sampled(each, requests, options):
    """Return the rows of one kind of work by their titles."""
    pid = each.service.pid
    command = [options.program, "record", "--gil", "--format", "raw", "--full-filenames", "--nolineno"]
    command += ["--rate", SAMPLES_A_SECOND, "--duration", max(1, round(options.seconds)), "--pid", pid]
    with (
        tempfile.TemporaryDirectory(prefix="imagegen-bench-") as folder,
        Callers.connected(each.service.url, requests, callers=options.callers) as some,
    ):
        samples = Path(folder, "samples")
        before = processor_seconds(pid)
        some.begin(seconds=options.seconds)
        subprocess.run([*map(str, command), "--output", samples], capture_output=True, check=True)
        result = some.result()
        seconds = {title: max(0.0, after - before[title]) for title, after in processor_seconds(pid).items()}
        counts = group_counts(samples.read_text("utf-8").splitlines())
    shares = {f"{group}, % of samples": 100 * counts[group] / counts.total() for group in (*GROUPS, OTHERS)}
    return shares | {f"{title}, ms each": 1000 * value / result.number for title, value in seconds.items()}


def group_counts(lines):
    """Return the number of samples of each group; a line is a stack from its root, and a number."""
    counts = Counter()
    for line in lines:
        stack, _, number = line.rpartition(" ")
        counts[group_of(stack.split(";"))] += int(number)
    return counts


def group_of(frames):
    """Return the group of the innermost frame that has one; frames around the event loop are everybody's."""
    while any(_LOOP in frame for frame in frames):
        frames = frames[1:]
    for frame in reversed(frames):
        for group, path in _PATHS.items():
            if path.search(frame):
                return group
    return OTHERS


def processor_seconds(pid):
    """Return the seconds of the main thread, the other threads and the decoding children so far."""
    times = Counter()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        user, system = (thread / "stat").read_text().rpartition(")")[2].split()[11:13]
        name = "main thread" if thread.name == str(pid) else "other threads"
        times[f"{name}, user"] += int(user) / TICKS
        times[f"{name}, system"] += int(system) / TICKS
    times["children"] = cpu_seconds(pid) - times.total()
    return times


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--callers", type=int, default=100, metavar="N", help="at once")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    parser.add_argument("--program", default=shutil.which("py-spy"), help="py-spy of another environment")
    options = parser.parse_args()
    if options.program is None:
        parser.error("py-spy is not on the PATH: pip install py-spy, and name it by --program")
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
