"""Fault injection with strace: the N-th system call of a kind kills the process, fails or is delayed."""

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path

from tests.chaos.service import PATIENCE, wait_until

SYNCS = "fsync,fdatasync"
"""The calls that make writes durable; which of the two SQLite uses depends on its build."""

SENDS, RECEIVES, WAITS = "write,sendto", "read,recvfrom", "epoll_pwait,epoll_wait"
"""What an event loop does with sockets; which of the two depends on the loop."""


def strace():
    """Return the path of strace, or fail: without it, half of the promises would not be tested."""
    path = shutil.which("strace")
    assert path, "strace is missing; on Debian and Ubuntu: apt install strace"
    return path


def libfaketime():
    """Return the library, or fail: a skipped test would look like a passed one."""
    paths = [path for root in ("/usr/lib", "/usr/local/lib") for path in Path(root).rglob("libfaketime.so.1")]
    assert paths, "libfaketime is missing; on Debian and Ubuntu: apt install faketime"
    return paths[0]


@contextlib.contextmanager
def injected(service, calls, fault):
    """Inject ``fault`` into system calls of a running service while the body runs.

    Args:
        service: must be running; each of its threads counts its calls from now on.
        calls: comma-separated names, such as ``fsync,fdatasync``.
        fault: in strace's syntax, such as ``signal=KILL:when=3`` or ``error=EIO``.
    """
    trace = ("-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}")
    with attached(service, *trace):
        yield


@contextlib.contextmanager
def attached(service, *options, pids=()):
    """Let strace follow every thread of a running service, and of ``pids``, while the body runs."""
    traced = [argument for pid in (service.pid, *pids) for argument in ("-p", str(pid))]
    tracer = subprocess.Popen(
        [strace(), "-f", "-q", *options, *traced], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _traced(service.pid, tracer), awaited="strace at every thread", pause=0.005)
        yield
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGTERM)
        tracer.wait(PATIENCE)


def launched(calls, fault):
    """Return a command prefix that injects ``fault`` into a command from its first call on.

    Except with a signal, calls that are not traced run at full speed.
    """
    options = () if fault.startswith("signal") else ("--seccomp-bpf",)
    command = (strace(), "-f", "-q", *options, "-o", "/dev/null")
    return (*command, "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}")


def _traced(pid, tracer):
    assert tracer.poll() is None, (
        f"strace cannot attach here (exit code {tracer.returncode}); is ptrace allowed?"
    )
    with contextlib.suppress(OSError):
        threads = [(thread / "status").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
        return all(f"TracerPid:\t{tracer.pid}\n" in status for status in threads)
    return False
