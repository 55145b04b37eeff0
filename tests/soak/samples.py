"""Samples of the resources of the service: memory, descriptors, threads, files."""

import contextlib
import stat
import threading
import time

import attrs
import httpx

from tests.chaos.promises import paths_below
from tests.processes import MIB, descriptors, family, proportional_mb, resident_mb, threads
from tests.soak.slopes import slope

EVERY_SECONDS = 5
WARM_UP = 0.25
"""The share of a life in which caches fill and malloc arenas grow; at most `MAX_WARM_UP_SECONDS`."""
MAX_WARM_UP_SECONDS = 600
JUDGED_SECONDS = 300
"""In less time, caches that fill up look like unlimited growth."""


@attrs.frozen(kw_only=True)
class Sample:
    """One sample: seconds since the beginning, the life it belongs to, and the measured values.

    Memory in MB: ``main`` is resident, ``sqlite`` is what SQLite holds of that, ``own`` is the rest;
    ``decoders`` is that of the children, with shared pages divided (PSS). Files in MB. ``health_ms`` is None
    without a response.
    """

    at: float
    life: int
    main: float
    sqlite: float
    own: float
    decoders: float
    children: int
    descriptors: int
    threads: int
    wal: float
    database: float
    images: float
    temporary: int
    inputs: float
    archived: int
    tasks: int
    health_ms: float | None


@attrs.frozen
class Series:
    """A series to judge: a field of `Sample`, its description, its unit, and its allowed growth per hour.

    ``limit`` is None for what grows by design; then it is only reported, or may not exceed ``highest``.
    """

    field: str
    words: str
    unit: str
    limit: float | None
    highest: float | None = None


SERIES = (
    Series("main", "resident memory", "MB", None),
    Series("sqlite", "SQLite's page caches", "MB", None, highest=110),
    Series("own", "resident memory without them", "MB", 20),
    Series("decoders", "memory of the children (PSS)", "MB", 20),
    Series("descriptors", "open descriptors", "", 20),
    Series("threads", "threads", "", 10),
    Series("children", "child processes", "", 2),
    Series("wal", "write-ahead log", "MB", 10),
    Series("database", "database", "MB", None),
    Series("images", "images on the disk", "MB", 20),
    Series("temporary", "temporary files", "", 5),
    Series("inputs", "inputs, spooled or kept", "MB", None),
    Series("archived", "objects in the bucket", "", 120),
    Series("health_ms", "time of `/health`", "ms", 50),
)


@attrs.define
class Sampler:
    """Takes samples of a stage while its context is open."""

    stage: object
    every: float = EVERY_SECONDS
    samples: list = attrs.field(factory=list)
    began: float = attrs.field(factory=time.monotonic)
    _done: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread = None
    _client: httpx.Client = attrs.field(factory=lambda: httpx.Client(timeout=30, trust_env=False))

    def __enter__(self):
        self._thread = self.stage.thread(self._watch)
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
        self._client.close()

    def _watch(self):
        while not self._done.wait(self.every):
            service = self.stage.service
            life = self.stage.lives
            if not service.alive or self.stage.frozen:
                continue
            sample = self._take(service)
            if sample.main and life == self.stage.lives and not self.stage.frozen:
                self.samples.append(sample)

    def _take(self, service):
        health = self._health(service)
        pids, data = family(service.pid), service.data_dir
        folders = {data / "spool", data / "inputs"}
        files = [path for path in paths_below(data) if path.parent != data]
        sizes = {path: _size(path) for path in files}
        main, sqlite = resident_mb(service.pid), int((service.folder / "sqlite").read_text()) / MIB
        return Sample(
            at=time.monotonic() - self.began,
            life=self.stage.lives,
            main=main,
            sqlite=sqlite,
            own=main - sqlite,
            decoders=sum(map(proportional_mb, pids[1:])),
            children=len(pids) - 1,
            descriptors=descriptors(service.pid),
            threads=threads(service.pid),
            wal=_size(data / "imagegen.db-wal") / MIB,
            database=_size(data / "imagegen.db") / MIB,
            images=sum(size for path, size in sizes.items() if data / "images" in path.parents) / MIB,
            temporary=sum("~" in path.name or path.suffix == ".tmp" for path in files),
            inputs=sum(size for path, size in sizes.items() if {*path.parents} & folders) / MIB,
            archived=len(self.stage.oss.objects),
            tasks=len(self.stage.promises.acknowledged),
            health_ms=health,
        )

    def _health(self, service):
        began = time.monotonic()
        with contextlib.suppress(httpx.HTTPError):
            self._client.get(f"{service.url}/health")
            return (time.monotonic() - began) * 1000
        return None

    def longest_life(self):
        """Return the samples of the longest life, without its warm-up."""
        lives = {}
        for sample in self.samples:
            lives.setdefault(sample.life, []).append(sample)
        longest = max(lives.values(), key=lambda life: life[-1].at - life[0].at, default=[])
        return without_warm_up(longest)


def without_warm_up(life):
    """Return the samples of one life after its first quarter, or ten minutes."""
    if not life:
        return []
    begins = life[0].at + min(MAX_WARM_UP_SECONDS, WARM_UP * (life[-1].at - life[0].at))
    return [sample for sample in life if sample.at >= begins]


def slope_of(samples, field):
    """Return the slope of one field, or None."""
    points = [(s.at, getattr(s, field)) for s in samples if getattr(s, field) is not None]
    return slope(points)


def too_fast(samples):
    """Return a sentence for each series that grows faster than its limit, beyond the noise."""
    sentences = []
    if not samples or samples[-1].at - samples[0].at < JUDGED_SECONDS:
        return sentences
    for series in SERIES:
        highest = max((v for s in samples if (v := getattr(s, series.field)) is not None), default=0)
        if series.highest is not None and highest > series.highest:
            sentences.append(f"{series.words}: {highest:.1f} {series.unit}, more than {series.highest}")
        line = slope_of(samples, series.field)
        if series.limit is not None and line is not None and line.exceeds(series.limit):
            unit = f" {series.unit}" if series.unit else ""
            sentences.append(
                f"{series.words}: {line.per_hour:+.1f} ± {line.noise:.1f}{unit} an hour, "
                f"more than {series.limit}"
            )
    return sentences


def _size(path):
    try:
        status = path.stat()
    except OSError:  # removed in the meantime
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
