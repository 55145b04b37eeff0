"""The service under test and the provider that it calls, each started and killed as its own process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import httpx
import yaml

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.chaos.upstream import DOCUMENT, read_ledger
from tests.integration.api.asking import data_url
from tests.integration.api.live_server import NO_TLS
from tests.integration.warm_processes import WarmProcess, allow_tracing

ROOT = Path(__file__).parents[2]
IMAGEGEN = str(Path(sys.executable).with_name("imagegen"))
PATIENCE = 60
"""Seconds after which a test fails; no test depends on this being short."""

ACCOUNT = {
    "tasks": "task_id, status, retries, not_before, owner, created_at, started_at, completed_at",
    "attempts": "attempt_id, task_id, phase, charge, failure",
    "webhooks": "id, enabled, last_success_at, last_failure_at, failing_since",
    "webhook_deliveries": "id, event_id, status, tries, next_try_at, claimed, last_status, created_at",
}
"""What is shown of a service once a test has failed."""


def wait_until(condition, *, awaited, seconds=PATIENCE, pause=0.02):
    """Return the result of ``condition`` once it is true; ``awaited`` describes it in the error."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {awaited}"
        time.sleep(pause)
    return value


@attrs.define
class UpstreamProcess:
    """The provider and its ledger, which is on a disk that no test cuts off."""

    ledger: Path
    url: str = ""
    process: subprocess.Popen = None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.upstream", self.ledger],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def end(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def be(self, **mood):
        """Change the provider's behaviour and return its state: ``running`` calls, ``first_polls``."""
        return httpx.post(
            f"{self.url}/control", json=mood, trust_env=False, verify=NO_TLS, timeout=PATIENCE
        ).json()

    def charges(self):
        return read_ledger(self.ledger)

    def has_calls(self, number):
        """Wait until this many calls are running at the provider."""
        wait_until(lambda: self.be()["running"] >= number, awaited=f"{number} calls at the provider")


@attrs.define
class Service:
    """``imagegen serve`` with its data in ``data_dir``, and configuration and log in ``folder``.

    ``wrap`` is a command prefix, such as strace; ``environ`` is added to the environment; ``program`` is the
    program to start, if not this checkout's. ``is_warm`` ones may be forked from a process that is loaded:
    they start sooner, and share its memory, so neither is measured on them.
    """

    folder: Path
    data_dir: Path
    upstream: UpstreamProcess
    settings: dict = attrs.field(factory=dict)
    wrap: tuple = ()
    environ: dict = attrs.field(factory=dict)
    program: tuple = (IMAGEGEN,)
    is_warm: bool = False
    process: subprocess.Popen | WarmProcess = None
    pid: int = 0
    url: str = ""
    started: float = 0.0

    @property
    def log(self):
        return (self.folder / "log").read_text()

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        """Start the service and wait until it responds."""
        self.launch()
        wait_until(
            self._answers, awaited=f"an answer after the start; the log: {self.log[-2000:]}", pause=0.01
        )
        return self

    def configure(self):
        """Write the settings file, which commands read too."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self._config()))

    def launch(self):
        """Start the service without waiting."""
        announced = self.data_dir / "server.json"
        announced.unlink(missing_ok=True)
        self.configure()
        log, environ = self.folder / "log", self.environment()
        serve = ("serve", "--config", self.folder / "config.yaml", "--port", "0")
        with log.open("a") as opened:
            if self._may_be_forked():
                self.process = WarmProcess.start(
                    *serve, cwd=self.folder, environ=environ, stdout=log, stderr=log
                )
            else:
                self.process = subprocess.Popen(
                    [*self.wrap, *self.program, *serve],
                    cwd=self.folder,
                    env=environ,
                    stdout=opened,
                    stderr=subprocess.STDOUT,
                    process_group=0,  # Ctrl-C is for the test run
                    preexec_fn=allow_tracing,  # noqa: PLW1509 - a single system call in the child
                )
        self.pid = self.process.pid
        self.started = time.monotonic()

    def _may_be_forked(self):
        """Return whether nothing has to be there before Python starts, which takes most of a start."""
        is_ours = (self.wrap, self.program) == ((), (IMAGEGEN,))
        return self.is_warm and is_ours and all(name.startswith("IMAGEGEN_") for name in self.environ)

    def environment(self):
        """Return the environment of the service and of its commands."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEGEN_")}
        return {**inherited, "LC_ALL": "C.UTF-8", **self.environ}

    def _answers(self):
        assert self.alive, f"it ended with {self.process.returncode}: {self.log[-2000:]}"
        with contextlib.suppress(OSError, ValueError, httpx.HTTPError):
            announced = json.loads((self.data_dir / "server.json").read_text())
            httpx.get(f"{announced['url']}/health/live", trust_env=False, verify=NO_TLS).raise_for_status()
            self.pid, self.url = announced["pid"], announced["url"]
            return True
        return False

    def _config(self):
        provider = {
            "kind": "http",
            "api_base": self.upstream.url,
            "timeout_seconds": 30,
            "extra_config": {"spec": DOCUMENT},
        }
        config = {
            "data_dir": str(self.data_dir),
            "queue": {"size": 100_000},
            "storage": {"min_free_mb": 0},
            "default_provider": "chaos",
            "providers": {"chaos": provider},
            "security": {"allow_private_upstreams": [self.upstream.url.removeprefix("http://")]},
            "log": {"format": "json"},
        }
        return _merged(config, self.settings)

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """Kill the service and wait for its end."""
        if self.alive:
            for pid in (*_children(self.process.pid), self.process.pid):  # strace would leave its child alive
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(PATIENCE)

    def stop(self):
        """Stop the service with SIGTERM and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def client(self):
        return httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, verify=NO_TLS)

    def submit(self, model="direct", **more):
        """Submit a task that is accepted with 202, and return its id."""
        with self.client() as client:
            answer = post_task(client, model, **more)
        assert answer.status_code == 202, answer.text
        return answer.json()["data"]["task_id"]

    def see(self, task_id):
        with self.client() as client:
            return client.get(f"/api/v1/tasks/{task_id}").raise_for_status().json()["data"]

    def ended(self, task_id):
        """Wait until the task has ended and return it."""
        wait_until(
            lambda: self.see(task_id)["status"] in ("completed", "failed", "cancelled"),
            awaited=f"the end of {task_id}",
        )
        return self.see(task_id)

    @contextlib.contextmanager
    def database(self):
        """Open the database directly, which also works while the service is down."""
        uri = f"{(self.data_dir / 'imagegen.db').as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def rows(self, sql, *values):
        with self.database() as connection:
            return connection.execute(sql, values).fetchall()

    def status(self, task_id):
        """Return a task's status from the database, since system calls of the service may be counted."""
        (row,) = self.rows("SELECT status FROM tasks WHERE task_id = ?", task_id)
        return row["status"]

    def account(self):
        """Say what the service is doing and what it has stored, for whoever reads of a failed test."""
        parts = ["it is alive" if self.alive else f"it ended with {self.process and self.process.returncode}"]
        with contextlib.suppress(OSError):
            for thread in sorted(Path(f"/proc/{self.pid}/task").iterdir()) if self.alive else ():
                name, _, rest = (thread / "stat").read_text().partition("(")[2].rpartition(") ")
                state, ticks = rest.split()[0], sum(map(int, rest.split()[11:13]))
                parts.append(f"thread {thread.name} {name} {state}, {ticks} ticks of processor time")
        for table, columns in ACCOUNT.items():
            try:
                rows = self.rows(f"SELECT {columns} FROM {table} ORDER BY rowid DESC LIMIT 30")  # noqa: S608 - ours
            except (sqlite3.Error, OSError) as error:
                parts.append(f"{table}: {error}")
            else:
                parts += [f"{table}: {dict(row)}" for row in rows]
        return "\n".join((*parts, self.log[-8000:]))


def post_task(client, model="direct", *, image=None, **more):
    body = {"provider": "chaos", "model_id": model}
    if image is not None:
        body |= {"prompt": "a task to be kept", "params": more, "image": data_url(image)}
        return client.post("/api/v1/images/edit", json=body)
    body |= {"params": {"prompt": "a task to be kept", **more}}
    return client.post("/api/v1/tasks/generate", json=body)


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _merged(defaults, overrides):
    merged = {**defaults, **overrides}
    for name in defaults.keys() & overrides.keys():
        if isinstance(defaults[name], dict) and isinstance(overrides[name], dict):
            merged[name] = _merged(defaults[name], overrides[name])
    return merged
