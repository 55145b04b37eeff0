"""A service and what is around it: two providers that charge, a demo, a bucket, a disk that can fill up."""

import sys
import threading
import time
import traceback
from pathlib import Path

import attrs

from tests.chaos.disk import Disk
from tests.chaos.service import Service, UpstreamProcess
from tests.fakes.oss import FakeOss
from tests.processes import cpu_seconds
from tests.soak import sqlite_memory
from tests.soak.promises import SoakPromises

DISK_MB = 768
SYNC, JOBS, DEMO = "sync", "jobs", "demo"
IMAGE_BYTES = 40_000
TIMEOUT_SECONDS = 6
CALM = {
    "seconds": 0.3,
    "hold": False,
    "limited": 0,
    "fault": None,
    "expired": False,
    "broken": False,
    "image_bytes": IMAGE_BYTES,
}
"""The behaviour of a provider without faults."""


@attrs.define
class Stage:
    """``lives`` counts starts; while ``frozen``, the service is stopped or about to be."""

    folder: Path
    sync: UpstreamProcess
    jobs: UpstreamProcess
    oss: FakeOss
    service: Service
    promises: SoakPromises
    disk: Disk | None
    lives: int = 0
    frozen: bool = False
    ended_by: list = attrs.field(factory=list)
    cpu_seconds: float = 0.0

    @classmethod
    def make(cls, folder, *, filling):
        """Create a stage in ``folder``; ``filling`` gives it its own disk, which requires root."""
        folder.mkdir(parents=True, exist_ok=True)
        disk = Disk.make(folder, megabytes=DISK_MB) if filling else None
        ledger = folder / "ledger"
        sync, jobs = UpstreamProcess(ledger).start(), UpstreamProcess(ledger).start()
        oss = FakeOss()
        oss.up()
        data = (disk.mount_point if disk else folder) / "data"
        telling = (sys.executable, str(Path(sqlite_memory.__file__)), str(folder / "sqlite"))
        service = Service(folder, data, sync, settings=_settings(sync, jobs, oss), wrap=telling)
        return cls(folder, sync, jobs, oss, service, SoakPromises(service, free=(DEMO,)), disk)

    @property
    def image_bytes(self):
        return IMAGE_BYTES

    def calm(self):
        """End all faults of the providers and the bucket."""
        for upstream in (self.sync, self.jobs):
            upstream.be(**CALM)
        self.oss.faults.clear()
        self.oss.release()

    def start(self):
        self.service.start()
        self.lives += 1
        self.frozen = False

    def thread(self, work):
        """Start and return a thread; if its work fails, the run fails, since it would miss something."""

        def run():
            try:
                work()
            except Exception:  # noqa: BLE001 - reported at the end, whatever it is
                self.promises.seen_broken.append(f"the soak itself failed: {traceback.format_exc()}")

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def end_life(self, how, end):
        """End the service by calling ``end``, and record how."""
        self.frozen = True
        self.cpu_seconds += cpu_seconds(self.service.pid)
        end()
        self.ended_by.append((how, time.monotonic() - self.service.started))

    def destroy(self):
        self.frozen = True
        self.service.kill()
        self.sync.end()
        self.jobs.end()
        self.oss.down()
        if self.disk:
            self.disk.destroy()


def _settings(sync, jobs, oss):
    hosts = [url.removeprefix("http://") for url in (sync.url, jobs.url, oss.endpoint)]
    bucket = {"endpoint": oss.endpoint, "region": oss.region, "bucket": oss.bucket}
    key = {"access_key_id": oss.key_id, "access_key_secret": oss.secret}
    upstream = Service(Path(), Path(), sync)._config()["providers"]["chaos"]
    retention = {"retention_days": 0.0005}  # three quarters of a minute
    return {
        "shutdown_grace_seconds": 5,
        "default_provider": DEMO,
        "storage": {
            "min_free_mb": 16,
            "sweep_minutes": 0.5,
            "local": retention,
            "oss": {**bucket, **key, "prefix": "soak"},
        },
        "providers": {
            name: {**upstream, "api_base": url, "timeout_seconds": TIMEOUT_SECONDS}
            for name, url in ((SYNC, sync.url), (JOBS, jobs.url))
        },
        "security": {"allow_private_upstreams": hosts},
    }
