"""What most benchmarks begin with: a service, the upstream that it calls, and what requests to it cost."""

import contextlib
import tempfile
from pathlib import Path

import attrs
import reports  # noqa: F401 - makes the checkout importable
from instant_upstream import DOCUMENT, InstantUpstream
from load import Callers, Result

from tests.chaos.service import IMAGEGEN, Service, wait_until
from tests.processes import cpu_seconds, family, proportional_mb

GENERATE = "/api/v1/tasks/generate"
UNENDED = "SELECT count(*) FROM tasks WHERE status IN ('pending', 'processing')"
STORED = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'images'"


@attrs.frozen
class Stage:
    """A running service and its upstream."""

    service: Service
    upstream: InstantUpstream

    def memory_mb(self):
        return memory_mb(self.service.pid)

    def stored(self):
        """Return how many images were ever stored."""
        return self.service.rows(STORED)[0][0]

    def stores(self, number, *, seconds=600):
        """Wait until so many images are stored."""
        wait_until(lambda: self.stored() >= number, awaited=f"{number} images", seconds=seconds)


@contextlib.contextmanager
def stage(work_dir=None, *, workers=100, program=IMAGEGEN, data_dir=None, settings=()):
    """Start a service and an upstream; ``data_dir`` is that of an earlier service, and is changed."""
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-", dir=work_dir) as name:
        folder = Path(name)
        with InstantUpstream() as upstream:
            provider = {"kind": "http", "api_base": upstream.url, "timeout_seconds": 600}
            settings = {
                **dict(settings),
                "queue": {"size": 1_000_000, "workers": workers},
                "default_provider": "instant",
                "providers": {"instant": {**provider, "extra_config": {"spec": DOCUMENT}}},
            }
            data_dir = data_dir.absolute() if data_dir else folder / "data"
            service = Service(folder, data_dir, upstream, settings=settings, program=(program,))
            try:
                yield Stage(service.start(), upstream)
            finally:
                service.kill()


def memory_mb(pid):
    """Return the memory of a process and its descendants, shared pages counted once."""
    return sum(map(proportional_mb, family(pid)))


def task(model, prompt="a task"):
    """Return the body of a request for an image."""
    return {"provider": "instant", "model_id": model, "params": {"prompt": prompt}}


@attrs.frozen
class Cost:
    """A result of callers, and the seconds of processor time that it took in the server."""

    result: Result
    processor: float

    @classmethod
    def measured(cls, url, pid, requests, *, callers, seconds):
        """Send the requests in turn for some seconds."""
        with Callers.connected(url, requests, callers=callers) as some:
            before = cpu_seconds(pid)
            result = some.run(seconds=seconds)
            return cls(result, cpu_seconds(pid) - before)

    def row(self):
        """Return the figures, as columns of `LOAD_COLUMNS`."""
        return {
            "rate": self.result.rate,
            "p50_ms": self.result.p50_ms,
            "p99_ms": self.result.p99_ms,
            "processor_ms": self.processor * 1000 / self.result.number,
        }


LOAD_COLUMNS = {
    "rate": "a second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "processor_ms": "processor ms each",
}
