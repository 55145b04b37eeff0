"""Ctrl-C while the command line is still being loaded ends it with one line, however it was started."""

import subprocess
import sys

import pytest

from tests.integration.api.live_server import IMAGEGEN, clean_environ

MODULE = (sys.executable, "-m", "imagegen_http")
INTERRUPTED = """
import os
import signal

os.kill(os.getpid(), signal.SIGINT)
for _ in range(1000):  # the handler runs between two of Python's own steps
    pass
"""


def started(command, cwd, *args, **environ):
    """Run a command until it has ended."""
    return subprocess.run(
        [*command, *args],
        cwd=cwd,
        env=clean_environ(**environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


HUNG = """
import threading, time
import click
from imagegen_http.cli.context import run_guarded

@click.command()
def hang():
    threading.Thread(target=time.sleep, args=[600]).start()
    raise KeyboardInterrupt

run_guarded(hang)
"""


def test_a_thread_that_hangs_does_not_keep_an_interrupted_command(tmp_path):
    """Such as one that reads from a dead disk."""
    ended = started((sys.executable, "-c", HUNG), tmp_path)

    assert (1, "imagegen: stopped\n") == (ended.returncode, ended.stderr.lstrip())


@pytest.mark.parametrize(
    ("library", "args"),
    [
        ("click", ["--help"]),
        ("imagegen_http.cli.context", ["--help"]),
        ("imagegen_http.cli.images", ["images", "--help"]),
    ],
)
@pytest.mark.parametrize("command", [(IMAGEGEN,), MODULE], ids=["script", "module"])
def test_an_early_interruption_is_one_line(command, library, args, tmp_path):
    """In a library's import, in one of our own modules, and in that of the command alone."""
    place = tmp_path / "site"
    place.mkdir()
    (place / "interrupted.py").write_text(INTERRUPTED)
    (place / "sitecustomize.py").write_text(
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {library!r}:\n"
        "            import interrupted\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    ended = started(command, tmp_path, *args, PYTHONPATH=str(place))

    assert (1, "", "imagegen: stopped\n") == (ended.returncode, ended.stdout, ended.stderr)


def test_the_module_is_the_command(tmp_path):
    """With the same program name in its messages."""
    by_module, by_script = (started(how, tmp_path, "tasks", "--help") for how in (MODULE, (IMAGEGEN,)))

    assert (0, by_script.stdout) == (by_module.returncode, by_module.stdout)
    assert "imagegen tasks" in by_module.stdout
