"""How much memory large images take, and how fast they are stored: ``python benchmarks/memory.py``.

A real server with 100 workers receives, from an upstream in another process, 100 images of 20 MB at once by
URL, then as many at once in base64. Memory is resident memory with shared pages counted once per process
and in-memory files added, so it is an upper bound. Then the same images are downloaded by a bare httpx loop
that writes them to files without syncing, hashing or inspecting them. Both share the machine with the
upstream and other processes, so only their ratio within one run is meaningful. It is asserted for images that
cost nothing to decode (``light``); for the others it also shows what decoding every pixel costs.

``--gallery D`` starts with the records of a directory filled by `fill.py`, and lets ten callers search them
while images are stored, each time for a query that was not searched before.
"""

import argparse
import asyncio
import contextlib
import itertools
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import attrs
import httpx
import search
from large_images import DOCUMENT, IMAGE_BYTES, KINDS, LIGHT, MIB, UpstreamProcess, write_files

from tests.chaos.service import Service, wait_until
from tests.processes import cpu_seconds, family, resident_mb

WORKERS, IMAGES = 100, 100
MAX_IDLE_MB, MAX_LOADED_MB, MIN_RATIO = 100, 500, 0.6
SEARCHERS = 10
KEYWORDS = tuple(keyword for words in search.KINDS.values() for keyword in words)
MIN_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@attrs.frozen
class Sample:
    """Seconds since the beginning; MB of the main process, of its children, and of files in memory."""

    at: float
    main: float
    children: float
    files: float

    @property
    def total(self):
        return self.main + self.children + self.files


def sample(pid, began):
    main, *children = family(pid)
    return Sample(
        time.monotonic() - began, resident_mb(main), sum(map(resident_mb, children)), _in_memory(main)
    )


def _in_memory(pid):
    """Return the size of in-memory files, which count as resident memory of no process."""
    total = 0
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(fd.readlink()).startswith("/memfd:"):
                total += fd.stat().st_blocks * 512
    return total / MIB


@contextlib.contextmanager
def watched(pid):
    """Yield a list that fills with samples."""
    samples, began, done = [], time.monotonic(), threading.Event()

    def watch():
        while not done.wait(0.05):
            samples.append(sample(pid, began))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()


def draw(samples, rows=16):
    """Print the curve: the peak of each interval."""
    for at in range(rows):
        part = samples[at * len(samples) // rows : (at + 1) * len(samples) // rows]
        if part:
            high = max(part, key=lambda s: s.total)
            bar = "█" * round(high.main / 8) + "▒" * round((high.children + high.files) / 8)
            print(f"  {high.at:6.1f} s {high.main:4.0f} +{high.children:4.0f} +{high.files:3.0f} MB {bar}")


@contextlib.contextmanager
def searching(url):
    """Let callers search meanwhile; print the number of responses, none of which may be an error."""
    done, times = threading.Event(), []

    def caller(number):
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            for at in itertools.count(number, SEARCHERS):
                if done.is_set():
                    return
                # A time that no other search uses, so that no total is cached.
                since = MIN_TIME - timedelta(minutes=at)
                query = {"keyword": KEYWORDS[at % len(KEYWORDS)], "from": since.isoformat()}
                began = time.monotonic()
                client.get("/api/v1/images/search", params=query).raise_for_status()
                times.append(time.monotonic() - began)

    with ThreadPoolExecutor(SEARCHERS) as threads:
        searches = [threads.submit(caller, number) for number in range(SEARCHERS)]
        try:
            yield
        finally:
            done.set()
    for each in searches:
        each.result()
    p95 = sorted(times)[len(times) * 95 // 100]
    print(f"  meanwhile {len(times)} searches, p95 {p95 * 1000:.0f} ms")


@attrs.define
class Bench:
    """A server and its upstream; ``searched``: its gallery is searched while images are stored."""

    service: Service
    upstream: UpstreamProcess
    searched: bool = False
    peaks: list = attrs.field(factory=list)

    def run(self, model, number, *, at_once=True):
        """Generate images; return the seconds from the first response to the last stored image."""
        self.upstream.ask(f"/expect/{number if at_once else 0}")
        body = {"provider": "large", "model_id": model, "params": {"prompt": "a large image"}}
        before = self.stored()
        with self.service.client() as client:
            for _ in range(number):
                client.post("/api/v1/tasks/generate", json=body).raise_for_status()
        self.upstream.ask("/go")
        began = time.monotonic()
        wait_until(lambda: not self.waiting(), awaited="the end of all tasks", seconds=600)
        seconds = time.monotonic() - began
        assert self.stored() - before == number, f"{self.stored() - before} of {number} images were kept"
        return seconds

    def waiting(self):
        return self.service.rows("SELECT 1 FROM tasks WHERE status IN ('pending', 'processing') LIMIT 1")

    def stored(self):
        return self.service.rows("SELECT count(*) FROM images")[0][0]

    def memory(self, title, model, number):
        meanwhile = searching(self.service.url) if self.searched else contextlib.nullcontext()
        with watched(self.service.pid) as samples, meanwhile:
            seconds = self.run(model, number)
        peak = max(samples, key=lambda s: s.total)
        print(f"{title}: {peak.total:.0f} MB at the most, in {seconds:.1f} s")
        print(f"  then: main {peak.main:.0f}, children {peak.children:.0f}, files in memory {peak.files:.0f}")
        print(f"  each at its own highest: main {max(s.main for s in samples):.0f}, ", end="")
        print(f"children {max(s.children + s.files for s in samples):.0f}")
        draw(samples)
        self.peaks.append((title, peak.total))

    def throughput(self, model, number):
        """Compare with the bare loop, which runs before and after; return the ratio to its faster run."""
        first = self.bare(model, number)
        before = cpu_seconds(self.service.pid)
        seconds = self.run(model, number)
        cpu = cpu_seconds(self.service.pid) - before
        ours = Speed(seconds, sending(self.upstream.ask("/times"), number), cpu)
        bare = min(first, self.bare(model, number), key=lambda speed: speed.whole)
        print(f"{number} × {IMAGE_BYTES // MIB} MB, {model:6} MB/s, whole   MB/s, sending   CPU ms an image")
        for who, speed in (("bare loop", bare), ("service", ours)):
            print(f"  {who:15} {speed.columns(number)}")
        print(f"  ratio           {bare.whole / ours.whole:11.2f} {bare.sending / ours.sending:15.2f}")
        return bare.whole / ours.whole

    def bare(self, model, number):
        url = f"{self.upstream.url}/files/{model}.png"
        self.upstream.ask("/times")
        with tempfile.TemporaryDirectory(dir=self.service.folder) as target:
            command = [sys.executable, __file__, "--bare", url, "--number", str(number), "--into", target]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return Speed(float(output[0]), sending(self.upstream.ask("/times"), number), float(output[1]))


@attrs.frozen
class Speed:
    """Seconds until all images were stored, until the upstream had sent all, and of processor time."""

    whole: float
    sending: float
    cpu: float

    def columns(self, number):
        mb = number * IMAGE_BYTES / MIB
        return f"{mb / self.whole:11.0f} {mb / self.sending:15.0f} {self.cpu / number * 1000:18.0f}"


def sending(times, number):
    """Return the seconds from the first request to the last byte read."""
    assert len(times) == number, f"{len(times)} images were fetched"
    return max(end for _, end, _ in times) - min(start for start, _, _ in times)


async def bare_loop(url, number, folder):
    """Download all images at once, in the most obvious way."""

    async def fetch(client, at):
        with (folder / str(at)).open("wb") as file:
            async with client.stream("GET", url) as answer:
                async for chunk in answer.aiter_bytes():
                    file.write(chunk)

    limits = httpx.Limits(max_connections=number)
    async with httpx.AsyncClient(limits=limits, timeout=600, trust_env=False) as client:
        used, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        await asyncio.gather(*(fetch(client, at) for at in range(number)))
    spent, seconds = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - began
    print(seconds, spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=IMAGES, help="images, all at once")
    parser.add_argument("--work-dir", type=Path, help="on the disk that is to be measured")
    parser.add_argument("--only", choices=("memory", "throughput"))
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--gallery", type=Path, metavar="D", help="a directory made by fill.py, to search in")
    parser.add_argument("--bare", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        asyncio.run(bare_loop(options.bare, options.number, options.into))
        return
    with tempfile.TemporaryDirectory(prefix="imagegen-memory-", dir=options.work_dir) as name:
        folder = Path(name)
        files = folder / "upstream"
        files.mkdir()
        write_files(files)
        upstream = UpstreamProcess(files).start()
        service = Service(folder, folder / "data", upstream, settings=settings(upstream))
        if options.gallery:
            shutil.copytree(options.gallery, service.data_dir)
        try:
            measure(Bench(service.start(), upstream, searched=options.gallery is not None), options)
        finally:
            service.kill()
            upstream.end()


def settings(upstream):
    provider = {"kind": "http", "api_base": upstream.url, "timeout_seconds": 600}
    return {
        "queue": {"workers": WORKERS},
        "providers": {"large": {**provider, "extra_config": {"spec": DOCUMENT}}},
    }


def measure(bench, options):
    idle = sample(bench.service.pid, 0).total
    print(f"idle: {idle:.0f} MB")
    kinds = options.kind or KINDS
    if options.only != "throughput":
        for kind in kinds:
            bench.memory(f"{options.number} × 20 MB by address, {kind}", kind, options.number)
        bench.memory(f"{options.number} × 20 MB in base64", "inline", options.number)
        time.sleep(1)
        print(f"after that: {sample(bench.service.pid, 0).total:.0f} MB")
    ratios = {}
    if options.only != "memory":
        ratios = {kind: bench.throughput(kind, options.number) for kind in kinds}
    assert idle < MAX_IDLE_MB, f"{idle:.0f} MB when idle"
    assert not [peak for peak in bench.peaks if peak[1] >= MAX_LOADED_MB], bench.peaks
    assert ratios.get(LIGHT, 1) >= MIN_RATIO, ratios


if __name__ == "__main__":
    main()
