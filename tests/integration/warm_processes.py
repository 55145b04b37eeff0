"""The command line in processes of its own, each forked from one that has imported everything already.

Starting Python and importing the service takes a second and a half, forking takes some milliseconds, and the
tests start it a thousand times. That the installed script starts at all is tested where that is the question.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection

import attrs

_COMMANDS = (
    "admin",
    "generate",
    "images",
    "providers",
    "tasks",
)
_LATER = ("anyio._backends._asyncio", "httpx", "imagegen_adapters.backup", "imagegen_http.doctor")
_LATER += ("imagegen_adapters.providers.demo.drawing", "imagegen_adapters.providers.demo.provider")
_LATER += ("imagegen_http.server.server", "imagegen_http.settings.loader", "litestar.plugins.pydantic")
_LATER += ("opencc", "sqlite_utils", "uvicorn.lifespan.off", "uvloop")
"""What commands import only when they need it; each is much of the time that they take."""

_PR_SET_PTRACER, _PR_SET_PTRACER_ANY = 0x59616D61, ctypes.c_ulong(-1)
_LIBC = ctypes.CDLL(None)

_forks = multiprocessing.get_context("forkserver")
PRELOADED = [
    __name__,
    *_LATER,
    *(f"imagegen_http.cli.{command}" for command in _COMMANDS),
    "tests.integration.warm_caches",
]
"""What is imported before the first fork; more may be added until then."""

_forks.set_forkserver_preload(PRELOADED)


def share():
    """Start now what commands are forked from, for all the forks of this process."""
    forkserver.ensure_running()
    os.register_at_fork(after_in_child=_leave_to_parent)


def _leave_to_parent():
    """Use what multiprocessing has started without asking after it, which only its parent can."""
    forkserver._forkserver.ensure_running = lambda: None
    resource_tracker._resource_tracker._pid = None


@attrs.define
class WarmProcess:
    """A command that was started; it has the methods of `subprocess.Popen` that the tests use."""

    args: tuple
    forked: multiprocessing.process.BaseProcess

    @classmethod
    def start(cls, *args, cwd, environ, stdin=os.devnull, stdout, stderr):
        """Start ``imagegen ARGS``, to which strace may attach.

        The three streams are open descriptors, or files' paths; what is written is added to the files.
        """
        args = tuple(map(str, args))
        streams = tuple(_passed_on(stream) for stream in (stdin, stdout, stderr))
        umask = os.umask(0o077)
        os.umask(umask)
        forked = _forks.Process(target=_main, args=(args, str(cwd), environ, umask, streams), daemon=True)
        forked.start()
        return cls(args, forked)

    @property
    def pid(self):
        return self.forked.pid

    @property
    def returncode(self):
        return self.forked.exitcode

    def poll(self):
        return self.forked.exitcode

    def wait(self, seconds):
        """Return the exit code, or raise `subprocess.TimeoutExpired`."""
        self.forked.join(seconds)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, seconds)
        return self.returncode

    def send_signal(self, number):
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def allow_tracing():
    """Let strace attach to this process where only a parent process may (Yama's scope 1)."""
    _LIBC.prctl(_PR_SET_PTRACER, _PR_SET_PTRACER_ANY, 0, 0, 0)


def _passed_on(stream):
    """Return what a fork can be sent: multiprocessing passes on what a connection has open."""
    return Connection(os.dup(stream)) if isinstance(stream, int) else str(stream)


def _main(args, cwd, environ, umask, streams):
    """Be that command."""
    from imagegen_http.cli import main

    allow_tracing()
    os.chdir(cwd)
    os.umask(umask)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    stdin, stdout, stderr = streams
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, stream, flags in ((0, stdin, os.O_RDONLY), (1, stdout, appending), (2, stderr, appending)):
        is_open = isinstance(stream, Connection)
        opened = os.dup(stream.fileno()) if is_open else os.open(stream, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.argv = ["imagegen", *args]
    try:
        main()
    finally:
        _save_coverage()


def _save_coverage():
    """Save what is measured: multiprocessing lets nobody else do so at the end of a process."""
    if "coverage" in sys.modules and (measurement := sys.modules["coverage"].Coverage.current()):
        measurement.stop()
        measurement.save()
