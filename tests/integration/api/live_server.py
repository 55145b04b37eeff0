"""The real service in a process of its own, and the real command line."""

import contextlib
import json
import os
import select
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attrs
import httpx
import yaml

from tests.integration.warm_processes import WarmProcess

IMAGEGEN = str(Path(sys.executable).with_name("imagegen"))
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of a server without TLS: to read the system's certificates takes each of them milliseconds."""

START_SECONDS = 120
STOP_SECONDS = 120


def clean_environ(**more):
    """Return the environment without the settings of the user who runs the tests, pytest's among them."""
    foreign = ("IMAGEGEN_", "PYTEST_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **more}


def imagegen(*args, cwd, environ=None, stdin=""):
    """Run a command to its end; text or bytes in, text out."""
    with tempfile.TemporaryDirectory() as folder:
        typed, out, err = (Path(folder, name) for name in ("in", "out", "err"))
        typed.write_bytes(stdin if isinstance(stdin, bytes) else stdin.encode())
        environ = clean_environ(**(environ or {}))
        process = WarmProcess.start(*args, cwd=cwd, environ=environ, stdin=typed, stdout=out, stderr=err)
        try:
            code = process.wait(STOP_SECONDS)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, code, out.read_text(), err.read_text())


@attrs.define
class Terminal:
    """A command on a terminal of its own; ``shown`` is its output so far."""

    process: subprocess.Popen | WarmProcess
    screen: int
    shown: str = ""

    @classmethod
    def start(cls, *args, cwd, columns=100, **environ):
        """Start a command; as the installed script does, if Python itself reads one of the variables."""
        own_end, command_end = os.openpty()
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), command_end)
        starts_python = any(name.startswith("PYTHON") for name in environ)
        environ = clean_environ(**{"TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": "", **environ})
        if starts_python:
            process = subprocess.Popen([IMAGEGEN, *map(str, args)], cwd=cwd, env=environ, **streams)
        else:
            process = WarmProcess.start(*args, cwd=cwd, environ=environ, **streams)
        os.close(command_end)
        return cls(process, own_end)

    def until(self, text, seconds=120):
        """Read until this is shown."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            remaining = deadline - time.monotonic()
            ready, _, _ = select.select([self.screen], [], [], max(remaining, 0))
            if not ready:
                raise AssertionError(f"never shown: {text!r}, only {self.shown[-300:]!r}")
            self.shown += self._read()
        return self.shown

    def end(self):
        """Return the exit code, when it has ended by itself."""
        code = self.process.wait(STOP_SECONDS)
        os.close(self.screen)
        return code

    def _read(self):
        try:
            return os.read(self.screen, 65536).decode(errors="replace")
        except OSError as error:  # what Linux says once nobody holds the other end
            raise AssertionError(f"it ended, and had shown {self.shown[-300:]!r}") from error


@attrs.define
class LiveServer:
    """``imagegen serve`` in ``folder``: its config.yaml, its log, and data/ are there.

    Each start takes a free port, so ``url`` changes with it, unless ``port`` is given.
    """

    folder: Path
    config: dict = attrs.field(factory=dict)
    environ: dict = attrs.field(factory=dict)
    port: int = 0
    url: str = ""
    process: WarmProcess = None

    @property
    def data_dir(self):
        return self.folder / "data"

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def configure(self, config):
        """Write the settings of the server and its commands."""
        self.config = config
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))

    def start(self):
        """Start it and return once it answers."""
        self.configure(self.config)
        log, environ = self.folder / "log", clean_environ(**self.environ)
        self.process = WarmProcess.start(
            "serve", "--port", self.port, cwd=self.folder, environ=environ, stdout=log, stderr=log
        )
        self._await()
        return self

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self):
        """End it with SIGTERM and return its exit code."""
        self.signal()
        return self.process.wait(STOP_SECONDS)

    def kill(self):
        """Kill it, as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def end(self):
        """Leave nothing running, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def client(self, **headers):
        return httpx.Client(base_url=self.url, headers=headers, timeout=90, trust_env=False, verify=NO_TLS)

    def imagegen(self, *args, environ=None, stdin=""):
        """Run a command on the same settings and data."""
        return imagegen(*args, cwd=self.folder, environ={**self.environ, **(environ or {})}, stdin=stdin)

    def on_terminal(self, *args, columns=100, **environ):
        """Start a command on a terminal."""
        return Terminal.start(*args, cwd=self.folder, columns=columns, **environ)

    def _await(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}: {self.log}")
            with contextlib.suppress(OSError, ValueError, httpx.HTTPError):
                announcement = json.loads((self.data_dir / "server.json").read_text())
                if announcement["pid"] == self.process.pid:
                    live = f"{announcement['url']}/health/live"
                    httpx.get(live, trust_env=False, verify=NO_TLS).raise_for_status()
                    self.url = announcement["url"]
                    return
            time.sleep(0.02)
        raise AssertionError(f"the server did not answer: {self.log}")
