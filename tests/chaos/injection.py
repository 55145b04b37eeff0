"""strace as a scalpel: the N-th call of a kind kills, fails or is late."""

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path

from tests.chaos.service import PATIENCE, wait_until

SYNCS = "fsync,fdatasync"
"""How a disk is told to keep what it was given; which of the two SQLite uses depends on its build."""


def strace():
    """Return the path of strace, or fail: without it half of the promises would go unproven."""
    found = shutil.which("strace")
    assert found, "strace is missing; on Debian and Ubuntu: apt install strace"
    return found


@contextlib.contextmanager
def injected(service, calls, fault):
    """Have ``fault`` happen to system calls of a running service while the body runs.

    Args:
        service: it runs; its threads count their calls from now on, each for itself.
        calls: names with commas, such as ``fsync,fdatasync``.
        fault: in strace's words, such as ``signal=KILL:when=3`` or ``error=EIO``.
    """
    command = [strace(), "-f", "-q", "-o", "/dev/null", "-e", f"trace={calls}"]
    tracer = subprocess.Popen(
        [*command, "-e", f"inject={calls}:{fault}", "-p", str(service.pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _traced(service.pid, tracer), what="strace at every thread", pause=0.005)
        yield
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGTERM)
        tracer.wait(PATIENCE)


def launched(calls, fault):
    """Return what goes before a command to have ``fault`` happen to it from its first call on.

    All but a deadly signal leaves other calls as fast as they are.
    """
    swift = () if fault.startswith("signal") else ("--seccomp-bpf",)
    command = (strace(), "-f", "-q", *swift, "-o", "/dev/null")
    return (*command, "-e", f"trace={calls}", "-e", f"inject={calls}:{fault}")


def _traced(pid, tracer):
    assert tracer.poll() is None, (
        f"strace cannot attach here (exit code {tracer.returncode}); is ptrace allowed?"
    )
    with contextlib.suppress(OSError):
        threads = [(thread / "status").read_text() for thread in Path(f"/proc/{pid}/task").iterdir()]
        return all(f"TracerPid:\t{tracer.pid}\n" in status for status in threads)
    return False
