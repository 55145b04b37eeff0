"""Runs tests in forks of the process that has collected them: ``--forks N``.

Each worker of pytest-xdist imports and collects everything by itself, which takes longer than most files do.
As with its ``--dist loadfile``, the tests of a file stay together, since they share a server. A fork that is
through with a file takes the next one, so the long ones should come first.
"""

import itertools
import mmap
import os
import struct
import sys
from multiprocessing import connection

import pytest
from _pytest.terminal import TerminalWriter

_INDEX = struct.Struct("I")


def run_in_forks(session, count):
    """Run the tests of the session in so many processes; None if this one should run them itself."""
    files = [list(items) for _, items in itertools.groupby(session.items, key=lambda item: item.path)]
    count = min(count, len(files))
    if count < 2 or session.testsfailed or session.config.option.collectonly:
        return None
    session.config._tmp_path_factory.getbasetemp()
    if commands := sys.modules.get("tests.integration.warm_processes"):
        commands.share()
    queue, supply = os.pipe()
    os.write(supply, b"".join(_INDEX.pack(index) for index in range(len(files))))
    os.close(supply)
    is_over = mmap.mmap(-1, 1)
    forks = {}
    try:
        for number in range(count):
            receiver, sender = connection.Pipe(duplex=False)
            if (pid := os.fork()) == 0:
                for other in (receiver, *forks):  # or it would not notice that the parent is gone
                    other.close()
                forks.clear()
                _become_a_fork(session.config, number, sender)
                return _run_files(session, files, queue, is_over)
            sender.close()
            forks[receiver] = pid
        return _pass_on(session, forks, is_over)
    except BaseException:
        is_over[0] = True
        raise
    finally:
        for receiver, pid in forks.items():
            receiver.close()
            os.waitpid(pid, 0)


def _become_a_fork(config, number, sender):
    """Print nothing, but send it; and capture apart from the other forks."""
    config.workerinput = {"workerid": f"fork{number}"}  # how plugins know one of pytest-xdist's
    folders = config._tmp_path_factory
    folders._basetemp /= f"fork{number}"
    folders._basetemp.mkdir()
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
    config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(_Reporter(config, sender), "terminalreporter")


def _run_files(session, files, queue, is_over):
    """Run one file after the other, until there is none left."""

    def take():
        index = os.read(queue, _INDEX.size)
        return files[_INDEX.unpack(index)[0]] if index else []

    items = take()
    while items:
        next_items = []
        for position, item in enumerate(items, 1):
            if position == len(items):
                next_items = take()
            following = [*items[position:], *next_items]  # what one shares with this one is not torn down
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=next(iter(following), None))
            if is_over[0] or session.shouldfail or session.shouldstop:
                return True
        items = next_items
    return True


def _pass_on(session, forks, is_over):
    """Report what the forks report, until all have ended."""
    hook, config = session.config.hook, session.config
    config.pluginmanager.getplugin("terminalreporter").showfspath = False  # their files are mixed
    running = dict.fromkeys(forks, "no test")
    while forks:
        for receiver in connection.wait(list(forks)):
            try:
                message = receiver.recv()
            except EOFError:
                _, status = os.waitpid(forks.pop(receiver), 0)
                code = os.waitstatus_to_exitcode(status)
                if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
                    hook.pytest_runtest_logreport(report=_lost(running[receiver], code))
                continue
            if isinstance(message, str):
                running[receiver] = message
                continue
            for data in message:
                report = hook.pytest_report_from_serializable(config=config, data=data)
                hook.pytest_runtest_logreport(report=report)
            hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
            running[receiver] = f"no test, after {report.nodeid}"
            if session.shouldfail:
                is_over[0] = True
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    return True


def _lost(name, code):
    """Return the failure of a test whose process ended."""
    text = f"the process that ran it ended with {code}; what else was that one's to run, did not run"
    location = (name.partition("::")[0], None, name)
    return pytest.TestReport(name, location, {}, "failed", text, "call")


class _Reporter:
    """What a fork has in the place of the plugin that prints."""

    def __init__(self, config, sender):
        self._config, self._sender, self._reports = config, sender, []

    @property
    def _tw(self):
        """Show what plugins print, such as the stacks of a test that hangs, with what the test printed."""
        return TerminalWriter(sys.stdout)

    def pytest_runtest_logstart(self, nodeid):
        self._sender.send(nodeid)

    def pytest_runtest_logreport(self, report):
        self._reports.append(
            self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        )

    def pytest_runtest_logfinish(self):
        self._sender.send(self._reports)
        self._reports = []
