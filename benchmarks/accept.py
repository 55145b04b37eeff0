"""How fast tasks are accepted, what that costs, and how much memory: ``python benchmarks/accept.py``.

Callers post tasks to a real server whose upstream holds every call, so that only acceptance is measured, and
ask for ``/health/live``, which costs little but the server itself. Callers that do so in a loop compete for
the processor, so there the number of requests per second counts, or the processor time of the service for
each request, which is the same on a busy machine. ``--other PROGRAM`` measures another installation in turn
with this one. Then 100 tasks with images of 20 MB run at once. All numbers are of this machine, now.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import attrs

from tests.chaos.service import IMAGEGEN, Service, UpstreamProcess, wait_until
from tests.processes import family, proportional_mb

MIB = 1024 * 1024
LARGE = 100
SETTINGS = {"queue": {"workers": LARGE}, "providers": {"chaos": {"timeout_seconds": 300}}}


def memory(pid):
    """Return the megabytes of a process and its descendants, shared pages counted once."""
    return sum(map(proportional_mb, family(pid)))


@attrs.frozen
class Cost:
    """What some requests took: seconds of each, of all together, and of the service's processor."""

    seconds: list
    total: float
    processor: float

    def row(self, *titles):
        cuts = [cut * 1000 for cut in statistics.quantiles(self.seconds, n=100)]
        number = len(self.seconds)
        figures = f"{number / self.total:8.0f} | {cuts[49]:7.2f} | {cuts[98]:7.2f} | "
        return " | ".join((*titles, f"{figures}{self.processor * 1000 / number:.3f}"))


def processor_seconds(pid):
    """Return the time that all threads of a process have run, in user mode and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


async def load(service, request, *, callers, each):
    """Return what it costs that each of the callers sends the request so often."""
    connections = [await Caller.connect(service.url, request) for _ in range(callers)]
    await asyncio.gather(*(caller.ask() for caller in connections))  # warms up the code
    began, started = processor_seconds(service.pid), time.perf_counter()
    seconds = await asyncio.gather(*(caller.asks(each) for caller in connections))
    total = time.perf_counter() - started
    processor = processor_seconds(service.pid) - began
    for caller in connections:
        caller.close()
    return Cost([second for many in seconds for second in many], total, processor)


BODY = json.dumps({"provider": "chaos", "model_id": "direct", "params": {"prompt": "a task"}})
POST = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}"
REQUESTS = {
    "accept": f"POST /api/v1/tasks/generate HTTP/1.1\r\nHost: 127.0.0.1\r\n{POST}".encode(),
    "/health/live": b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


@attrs.frozen
class Caller:
    """One connection with as little overhead as possible, since callers and service share the processor."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: bytes

    @classmethod
    async def connect(cls, url, request):
        host, port = url.removeprefix("http://").split(":")
        return cls(*await asyncio.open_connection(host, int(port)), request)

    async def asks(self, number):
        return [await self.ask() for _ in range(number)]

    async def ask(self):
        """Return the seconds from the first byte out to the last byte in."""
        started = time.perf_counter()
        self.writer.write(self.request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith((b"http/1.1 202", b"http/1.1 200")), head
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        return time.perf_counter() - started

    def close(self):
        self.writer.close()


def highest_memory(service, *, until):
    """Return the peak memory until a condition is true."""
    readings = [0]
    done = threading.Event()

    def watch():
        while not done.wait(0.05):
            readings.append(memory(service.pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        wait_until(until, awaited="the end of the large images", seconds=300)
    finally:
        done.set()
        thread.join()
    return max(readings)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--requests", type=int, default=2000, help="of all callers together")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--other", metavar="PROGRAM", help="bin/imagegen of another installation")
    parser.add_argument("--image-mb", type=int, default=20, help="0 measures no images")
    options = parser.parse_args()
    programs = {"this": IMAGEGEN} | ({"other": options.other} if options.other else {})
    with contextlib.ExitStack() as stack:
        services = {
            name: stack.enter_context(serving(program))[0] for name, program in reversed(programs.items())
        }
        print("service | request | callers | a second | p50 ms | p99 ms | processor ms of each")
        for _ in range(options.rounds):
            for (title, request), callers in itertools.product(REQUESTS.items(), options.callers):
                for name, service in services.items():
                    each = max(10, options.requests // callers)
                    cost = asyncio.run(load(service, request, callers=callers, each=each))
                    print(cost.row(name, title, str(callers)), flush=True)
    if options.image_mb:
        with serving(IMAGEGEN) as (service, upstream):
            measure_images(service, upstream, options.image_mb)


@contextlib.contextmanager
def serving(program):
    """Start a service and an upstream that holds every call; yields both."""
    with tempfile.TemporaryDirectory(prefix="imagegen-accept-") as name:
        folder = Path(name)
        upstream = UpstreamProcess(folder / "ledger").start()
        service = Service(folder, folder / "data", upstream, settings=SETTINGS, program=(program,))
        try:
            started = time.perf_counter()
            service.start()
            print(f"first answer after the start   {time.perf_counter() - started:8.2f} s")
            print(f"memory, idle                   {memory(service.pid):8.0f} MB")
            upstream.be(hold=True)
            yield service, upstream
        finally:
            service.kill()
            upstream.end()


def measure_images(service, upstream, image_mb):
    upstream.be(image_bytes=image_mb * MIB)
    asyncio.run(load(service, REQUESTS["accept"], callers=10, each=LARGE // 10 - 1))
    upstream.has_calls(LARGE)
    upstream.be(hold=False)
    peak_mb = highest_memory(service, until=lambda: not _waiting(service))
    print(f"memory, 100 images of {image_mb} MB  {peak_mb:8.0f} MB at the most")
    sql = "SELECT count(*) FROM images WHERE size_bytes > ?"
    stored = service.rows(sql, image_mb * MIB // 2)[0][0]
    assert stored == LARGE, f"{stored} large images were stored"


def _waiting(service):
    sql = "SELECT count(*) FROM tasks WHERE status IN ('pending', 'processing')"
    return service.rows(sql)[0][0]


if __name__ == "__main__":
    main()
