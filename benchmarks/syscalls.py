"""What one task asks of the system: commits, syncs, wake-ups, and the other system calls.

Tasks come to a service one after the other, each with one image that comes by URL, while ``strace -f -c``
counts the calls of all its threads and children; each figure is the mean of a task. Commits are counted in
the write-ahead log. Beside them is what the service asks for in the same time when it has nothing to do.
The 256 directories of images are there, as after some thousand tasks; a new one costs another sync.
Needs strace, and the right to trace.
"""

import itertools
import struct
import time
from collections import Counter
from pathlib import Path

from reports import Report, option_parser
from stage import GENERATE, UNENDED, stage, task

from tests.chaos.injection import attached
from tests.chaos.service import wait_until
from tests.processes import family

COLUMNS = {"work": "what", "of_a_task": "of a task", "idle": "idle, in the same time"}
SYNCS = ("fsync", "fdatasync")
CALLS = ("futex", *SYNCS)
MODEL = "linked-small"
WARM_UP = 5
HEX_DIGITS = "0123456789abcdef"
_WAL_HEADER, _FRAME_HEADER = struct.Struct(">8I"), struct.Struct(">6I")


def measure(options):
    """Return the report: what is always asked about, and then the most frequent other calls."""
    report = Report("syscalls", COLUMNS)
    with stage(options.work_dir, workers=options.workers) as each:
        make_image_directories(each.service.data_dir / "images")
        for _ in range(WARM_UP):
            run_task(each)
        counts, seconds, commits = counted(each, options.number)
        idle, _, idle_commits = counted(each, 0, seconds=seconds)
    number = options.number
    report.add(work="commits", of_a_task=commits / number, idle=idle_commits / number)
    syncs, idle_syncs = (sum(some[name] for name in SYNCS) for some in (counts, idle))
    report.add(
        work="syncs beside those of commits",
        of_a_task=(syncs - commits) / number,
        idle=(idle_syncs - idle_commits) / number,
    )
    others = [name for name, _ in counts.most_common() if name not in CALLS]
    for name in (*CALLS, *others[: options.others]):
        report.add(work=name, of_a_task=counts[name] / number, idle=idle[name] / number)
    total, idle_total = counts.total(), idle.total()
    report.add(work="all system calls", of_a_task=total / number, idle=idle_total / number)
    return report


def make_image_directories(folder):
    """Make a directory for each of the ends that the id of a task can have."""
    for digits in itertools.product(HEX_DIGITS, repeat=2):
        (folder / "".join(digits)).mkdir(parents=True, exist_ok=True)


def run_task(each):
    """Let a task come, and wait for its end in the database, so that nothing else is counted."""
    with each.service.client() as client:
        client.post(GENERATE, json=task(MODEL)).raise_for_status()
    wait_until(lambda: not each.service.rows(UNENDED)[0][0], awaited="the end of the task", pause=0.05)


def counted(each, number, *, seconds=0.0):
    """Return the calls of some tasks, or of some seconds; and how long that took, and the commits."""
    summary = each.service.folder / "strace"
    pids = family(each.service.pid)[1:]
    log = each.service.data_dir / "imagegen.db-wal"
    commits, started = 0, time.monotonic()
    with attached(each.service, "-c", "-o", str(summary), pids=pids):
        for _ in range(number):
            before = wal_commits(log)
            run_task(each)
            commits += newer_commits(before, wal_commits(log))
        before = wal_commits(log)
        time.sleep(seconds)
        commits += newer_commits(before, wal_commits(log))
    return calls(summary.read_text()), time.monotonic() - started, commits


def calls(summary):
    """Return how often each call is in the table that strace made."""
    rows = [line.split() for line in summary.splitlines()]
    return Counter(
        {row[-1]: int(row[3]) for row in rows if len(row) > 4 and row[3].isdigit() and row[-1] != "total"}
    )


def wal_commits(path):
    """Return the salts of a write-ahead log, which change when it starts over, and how many commits it has.

    Its format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
    """
    log = Path(path).read_bytes()
    if len(log) < _WAL_HEADER.size:
        return None, 0
    _, _, page_bytes, _, *salts, _, _ = _WAL_HEADER.unpack_from(log)
    frames = range(_WAL_HEADER.size, len(log) - _FRAME_HEADER.size, _FRAME_HEADER.size + page_bytes)
    heads = [_FRAME_HEADER.unpack_from(log, at) for at in frames]
    return salts, sum(1 for _, pages, *frame_salts, _, _ in heads if frame_salts == salts and pages)


def newer_commits(before, after):
    """Return the commits between two readings; a log that started over lost some of the earlier one."""
    return after[1] - before[1] if before[0] == after[0] else after[1]


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--number", type=int, default=20, help="tasks")
    parser.add_argument("--workers", type=int, default=32)
    parser.add_argument("--others", type=int, default=12, help="how many other calls are listed")
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
