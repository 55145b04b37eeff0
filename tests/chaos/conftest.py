"""Fixtures of the chaos tests: a service with its provider, and a report of what was measured."""

import attrs
import pytest

from tests.chaos.disk import Disk
from tests.chaos.promises import Promises
from tests.chaos.service import Service, UpstreamProcess

_measured = []


@pytest.fixture(scope="session")
def measured():
    """Return a function that adds a sentence to the report at the end of the run."""
    return _measured.append


def pytest_sessionfinish(session):
    """Hand the report to the process that prints it, where several run tests."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["measured"] = _measured


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take the report of a process that ran tests."""
    _measured.extend(getattr(node, "workeroutput", {}).get("measured", ()))


def pytest_terminal_summary(terminalreporter):
    """Print what was measured: a passed test alone does not show how much was tried."""
    if _measured:
        terminalreporter.section("measured")
        for line in _measured:
            terminalreporter.write_line(line)


@attrs.define
class Stage:
    """A provider, a service that calls it, and the promises made to the service's clients."""

    upstream: UpstreamProcess
    service: Service
    promises: Promises


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """Return a function that creates stages; their processes are killed at the end of the module."""
    all_stages = []

    def make(*, data_dir=None, **service):
        folder = tmp_path_factory.mktemp("stage")
        upstream = UpstreamProcess(folder / "ledger").start()
        live = Service(folder, data_dir or folder / "data", upstream, **{"is_warm": True, **service})
        all_stages.append(Stage(upstream, live, Promises(live)))
        return all_stages[-1]

    yield make
    for stage in all_stages:
        stage.service.kill()
        stage.upstream.end()


@pytest.fixture
def stage(stages):
    """Return a stage for one test, with its service not started."""
    new_stage = stages()
    yield new_stage
    new_stage.service.kill()


@pytest.fixture
def disk(tmp_path):
    """Return a function that creates a disk, which is destroyed after the test."""
    disks = []

    def make(**kwargs):
        disks.append(Disk.make(tmp_path, **kwargs))
        return disks[-1]

    yield make
    for each in disks:
        each.destroy()
