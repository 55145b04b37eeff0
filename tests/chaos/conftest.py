"""What the tests of the promises share: a stage to die on, and a report of what was done to it."""

import attrs
import pytest

from tests.chaos.disk import Disk
from tests.chaos.promises import Promises
from tests.chaos.service import Service, UpstreamProcess

_measured = []


@pytest.fixture(scope="session")
def measured():
    """Take a sentence for the end of the run."""
    return _measured.append


def pytest_terminal_summary(terminalreporter):
    """Say what was measured: a green line alone would not tell how hard it was tried."""
    if _measured:
        terminalreporter.section("measured")
        for line in _measured:
            terminalreporter.write_line(line)


@attrs.define
class Stage:
    """A provider, a service that calls it, and what was promised to the service's clients."""

    upstream: UpstreamProcess
    service: Service
    promises: Promises


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """Make stages; nothing runs on them when the module is over."""
    made = []

    def make(*, data_dir=None, **service):
        folder = tmp_path_factory.mktemp("stage")
        upstream = UpstreamProcess(folder / "ledger").start()
        live = Service(folder, data_dir or folder / "data", upstream, **service)
        made.append(Stage(upstream, live, Promises(live)))
        return made[-1]

    yield make
    for stage in made:
        stage.service.kill()
        stage.upstream.end()


@pytest.fixture
def stage(stages):
    """Return a stage of its own for one test, its service not started."""
    made = stages()
    yield made
    made.service.kill()


@pytest.fixture
def disk(tmp_path):
    """Return a function that makes a disk, which is gone after the test."""
    made = []

    def make(**kwargs):
        made.append(Disk.make(tmp_path, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.destroy()
