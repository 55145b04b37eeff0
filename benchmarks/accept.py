"""How fast tasks are accepted, and how much memory the service takes: ``python benchmarks/accept.py``.

100 callers post tasks to a real server whose upstream holds every call, so that only acceptance is measured;
then 100 tasks with images of 20 MB run at once. Callers that post in a loop compete for the processor, so
there the number of tasks per second counts. All numbers are of this machine, now.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import attrs

from tests.chaos.service import Service, UpstreamProcess, wait_until
from tests.processes import family, proportional_mb

MIB = 1024 * 1024
LARGE = 100
SETTINGS = {"queue": {"workers": LARGE}, "providers": {"chaos": {"timeout_seconds": 300}}}


def memory(pid):
    """Return the megabytes of a process and its descendants, shared pages counted once."""
    return sum(map(proportional_mb, family(pid)))


async def accept(url, *, callers, each):
    """Return the seconds of each post, and those of all together."""
    connections = [await Caller.connect(url) for _ in range(callers)]
    await asyncio.gather(*(caller.post() for caller in connections))  # warms up the code
    started = time.perf_counter()
    seconds = await asyncio.gather(*(caller.posts(each) for caller in connections))
    total = time.perf_counter() - started
    for caller in connections:
        caller.close()
    return [second for many in seconds for second in many], total


@attrs.frozen
class Caller:
    """One connection with as little overhead as possible, since callers and service share the processor."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: bytes

    @classmethod
    async def connect(cls, url):
        host, port = url.removeprefix("http://").split(":")
        body = json.dumps({"provider": "chaos", "model_id": "direct", "params": {"prompt": "a task"}})
        head = f"Host: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        request = f"POST /api/v1/tasks/generate HTTP/1.1\r\n{head}\r\n\r\n{body}".encode()
        return cls(*await asyncio.open_connection(host, int(port)), request)

    async def posts(self, number):
        return [await self.post() for _ in range(number)]

    async def post(self):
        """Return the seconds from the first byte out to the last byte in."""
        started = time.perf_counter()
        self.writer.write(self.request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 202"), head
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
    parser.add_argument("--callers", type=int, default=100)
    parser.add_argument("--each", type=int, default=20, help="posts of each caller")
    parser.add_argument("--image-mb", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imagegen-accept-") as name:
        folder = Path(name)
        upstream = UpstreamProcess(folder / "ledger").start()
        service = Service(folder, folder / "data", upstream, settings=SETTINGS)
        try:
            measure(service, upstream, options)
        finally:
            service.kill()
            upstream.end()


def measure(service, upstream, options):
    started = time.perf_counter()
    service.start()
    print(f"first answer after the start   {time.perf_counter() - started:8.2f} s")
    print(f"memory, idle                   {memory(service.pid):8.0f} MB")
    upstream.be(hold=True)
    callers = options.callers
    patterns = ("once, all at the same moment", 1), ("again and again", options.each)
    for how, each in patterns:
        seconds, total = asyncio.run(accept(service.url, callers=callers, each=each))
        cuts = statistics.quantiles(seconds, n=100)
        print(f"POST to 202, {callers} callers, {how}:")
        print(f"    p50                        {cuts[49] * 1000:8.0f} ms")
        print(f"    p99                        {cuts[98] * 1000:8.0f} ms")
        print(f"    accepted tasks a second    {len(seconds) / total:8.0f}")
    upstream.be(hold=False)
    wait_until(lambda: not _waiting(service), awaited="the end of the small tasks", seconds=300)
    print(f"memory, after those            {memory(service.pid):8.0f} MB")
    upstream.be(image_bytes=options.image_mb * MIB, hold=True)
    asyncio.run(accept(service.url, callers=10, each=9))
    upstream.has_calls(LARGE)
    upstream.be(hold=False)
    peak_mb = highest_memory(service, until=lambda: not _waiting(service))
    print(f"memory, 100 images of {options.image_mb} MB  {peak_mb:8.0f} MB at the most")
    sql = "SELECT count(*) FROM images WHERE size_bytes > ?"
    stored = service.rows(sql, options.image_mb * MIB // 2)[0][0]
    assert stored == LARGE, f"{stored} large images were stored"


def _waiting(service):
    sql = "SELECT count(*) FROM tasks WHERE status IN ('pending', 'processing')"
    return service.rows(sql)[0][0]


if __name__ == "__main__":
    main()
