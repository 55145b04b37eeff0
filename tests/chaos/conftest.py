"""Fixtures of the chaos tests: a service with its provider, and a report of what was measured."""

import attrs
import pytest

from tests.chaos.disk import Disk
from tests.chaos.promises import Promises
from tests.chaos.service import Service, UpstreamProcess

_measured = []
_stages = []  # of the module that runs


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add to a failure what its services were doing: what fails once in many runs must tell its cause."""
    report = yield
    if call.when == "call" and report.failed:
        last = _stages[-1:]
        for stage in [each for each in _stages if each.service.alive and each not in last] + last:
            report.sections.append((f"service in {stage.service.folder}", stage.service.account()))
    return report


@attrs.define
class Stage:
    """A provider, a service that calls it, and the promises made to the service's clients."""

    upstream: UpstreamProcess
    service: Service
    promises: Promises


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """Return a function that creates stages; their processes are killed at the end of the module."""

    def make(*, data_dir=None, **service):
        folder = tmp_path_factory.mktemp("stage")
        upstream = UpstreamProcess(folder / "ledger").start()
        live = Service(folder, data_dir or folder / "data", upstream, **{"is_warm": True, **service})
        _stages.append(Stage(upstream, live, Promises(live)))
        return _stages[-1]

    yield make
    while _stages:
        stage = _stages.pop()
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
