"""What commands and the start of the service cost: ``python benchmarks/start.py``.

Seconds of processor time (user and system, children included), the least of several runs, so that a busy
machine changes little, and the seconds until the end beside them. The limit is a Python that does nothing.
``--imagegen PATH`` measures the program of another checkout; naming two of them alternates between them.
"""

import contextlib
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reports import Report, option_parser

COLUMNS = {"work": "what", "processor_s": "processor s", "elapsed_s": "elapsed s", "memory_mb": "MB"}
PROGRAM = Path(__file__).parents[1] / ".venv/bin/imagegen"
ANSWER_SECONDS = 60
IDLE_SECONDS = 3
"""After which the memory of an idle service is read."""

POLL_SECONDS = 0.005
IDLE = "an idle service"


def main():
    arguments = parsed_arguments()
    costs = {program: {} for program in arguments.imagegen}
    for _ in range(arguments.runs):
        for program, rows in costs.items():
            for name, measured in one_run(program, arguments.work_dir):
                rows[name] = min(rows.get(name, measured), measured)
    report = Report("start", COLUMNS)
    for program, rows in costs.items():
        suffix = f", {program}" if len(costs) > 1 else ""
        for name, (processor_s, elapsed_s) in rows.items():
            if name == IDLE:
                report.add(work=name + suffix, memory_mb=processor_s)
            else:
                report.add(work=name + suffix, processor_s=processor_s, elapsed_s=elapsed_s)
    report.publish(arguments.json)


def parsed_arguments():
    parser = option_parser(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--imagegen", type=Path, nargs="+", default=[PROGRAM], metavar="PATH")
    return parser.parse_args()


def one_run(program, work_dir):
    """Yield name, and seconds of processor and until the end, of each kind of start."""
    with tempfile.TemporaryDirectory(dir=work_dir) as folder:
        yield "a Python that does nothing", command(sys.executable, folder, "-c", "pass")
        yield "--help", command(program, folder, "--help")
        yield "--version", command(program, folder, "--version")
        yield "a wrong option", command(program, folder, "--wrong")
        yield "generate on a new directory", command(program, folder, "generate", "a cat")
        yield "generate without a server", command(program, folder, "generate", "a cat")
        with service(program, folder) as (first_answer, memory_mb):
            yield "serve, to its first answer", first_answer
            yield "tasks list beside a server", command(program, folder, "tasks", "list")
            yield "generate beside a server", command(program, folder, "generate", "a cat")
        yield IDLE, (memory_mb[0], 0)


def command(program, folder, *args):
    """Run a command to its end and return what it cost."""
    before, started = children_seconds(), time.perf_counter()
    subprocess.run([program, *args], cwd=folder, env=environ(), capture_output=True, check=False)
    return children_seconds() - before, time.perf_counter() - started


@contextlib.contextmanager
def service(program, folder):
    """Run the service in the context; yield what its first answer cost, and a list for its idle memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [program, "serve", "--port", "0"],
        cwd=folder,
        env=environ(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    memory_mb = []
    try:
        await_answer(Path(folder, "data/server.json"), started + ANSWER_SECONDS)
        first_answer = process_seconds(process.pid), time.perf_counter() - started
        time.sleep(IDLE_SECONDS)
        memory_mb.append(resident_mb(process.pid))
        yield first_answer, memory_mb
    finally:
        process.terminate()
        process.wait(ANSWER_SECONDS)


def await_answer(announcement, deadline):
    """Return once the service answers a request."""
    while time.perf_counter() < deadline:
        with contextlib.suppress(OSError, ValueError):
            address = json.loads(announcement.read_text())["url"].removeprefix("http://")
            connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
            with contextlib.closing(connection):
                connection.request("GET", "/health/live")
                connection.getresponse().read()
            return
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"no answer in {ANSWER_SECONDS} s")


def environ():
    """Return the environment without settings of the user, which would change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IMAGEGEN_")}


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def process_seconds(pid):
    """Return the processor time of a running process, without that of its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
