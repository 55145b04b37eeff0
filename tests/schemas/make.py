"""Make the data directory of the newest schema again: ``python -m tests.schemas.make``."""

import sys
import tempfile
from pathlib import Path

from imagegen_adapters.stores.sqlite.database import migrations
from tests.chaos.service import ROOT, Service, UpstreamProcess
from tests.fakes.oss import FakeOss
from tests.schemas import scene
from tests.schemas.directories import pack

_PROGRAM = "from imagegen_http.cli import main; main()"


def make(name):
    """Write the data directory of a schema, as the code of the working tree leaves it, as text."""
    with tempfile.TemporaryDirectory() as temporary, FakeOss() as oss:
        folder = Path(temporary)
        upstream = UpstreamProcess(folder / "ledger").start()
        service = Service(
            folder,
            folder / "data",
            upstream,
            settings=scene.settings(upstream, oss),
            program=(sys.executable, "-c", _PROGRAM),
            environ={"PYTHONPATH": str(ROOT / "src")},
        )
        try:
            scene.play(service, oss)
            pack(service.data_dir, upstream.url, name)
        finally:
            service.kill()
            upstream.end()


if __name__ == "__main__":
    make(max(migrations()))
