"""A PostgreSQL server of the tests' own: a cluster in a temporary directory, reached through its socket.

with Cluster.start() as cluster:
    dsn = cluster.create_database("tests")

One that listens at a port and keeps what it acknowledges, also after a kill:

with Cluster.start(**DURABLE, **at_port(free_port())) as cluster:
    cluster.kill()
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

import attrs
import pytest

USER = "imagegen"
MIN_VERSION = 15
_SETTINGS = {
    "autovacuum": "off",  # its timing is not the tests'
    "fsync": "off",
    "full_page_writes": "off",
    "hot_standby": "on",
    "listen_addresses": "",
    "max_connections": "60",
    "port": "5432",
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "timezone": "America/St_Johns",  # half an hour off, and with a summer time: nothing may depend on it
    "wal_level": "replica",
}

DURABLE = {"autovacuum": "on", "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""The settings of a server that is killed, and must not lose what it has acknowledged."""


def at_port(port):
    """Return the settings of a server that listens at a port of loopback."""
    return {"listen_addresses": "127.0.0.1", "port": str(port)}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def insert_images(connection, images, simplify):
    """Insert images with their entries of the search index, and return them as they are stored."""
    from imagegen_adapters.stores.postgresql.search import images_to_json, stored_images

    ids = await connection.fetchval("SELECT add_images($1)", await images_to_json(images, simplify))
    return await stored_images(connection.fetchrow, images, ids)


def programs():
    """Return the directory of the newest PostgreSQL's programs; None if there is none."""
    paths = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    versions = {int(path.parent.name): path for path in paths if path.parent.name.isdigit()}
    if versions:
        return versions[max(versions)] if max(versions) >= MIN_VERSION else None
    path = shutil.which("postgres")
    return None if path is None else Path(path).parent


def _identity():
    """Return how to start a program as somebody who is not root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@attrs.define
class Cluster:
    """A running server; ``folder`` holds its data and its socket."""

    folder: Path
    _programs: Path
    _settings: dict

    @classmethod
    @contextlib.contextmanager
    def start(cls, *, work_dir=None, **settings):
        """Make a cluster, start its server with these settings too, and stop and remove it in the end."""
        with _folder(work_dir) as folder, cls._created(folder, settings)._running() as cluster:
            yield cluster

    @classmethod
    @contextlib.contextmanager
    def in_folder(cls, folder, **settings):
        """Start the server of a directory, which is made at first, and stop it in the end: its data stay."""
        folder = Path(folder).resolve()
        if (folder / "data").exists():
            cluster = cls(folder, programs(), {**_SETTINGS, **settings})
        else:
            folder.mkdir(parents=True, exist_ok=True)
            hand_over(folder)
            cluster = cls._created(folder, settings)
        cluster.resume()
        try:
            yield cluster
        finally:
            cluster.stop("fast")

    @classmethod
    def _created(cls, folder, settings):
        path = programs()
        if path is None:
            pytest.skip("PostgreSQL is missing; .ci/run installs it")
        initdb = [path / "initdb", "-D", folder / "data", "-U", USER, "-E", "UTF8", "--locale=C"]
        _run([*initdb, "--auth=trust", "--no-sync"], folder)
        return cls(folder, path, {**_SETTINGS, **settings})

    @contextlib.contextmanager
    def standby(self, **settings):
        """Start a standby of this server, with these settings too, and stop and remove it in the end."""
        with _folder() as folder:
            copy = [self._programs / "pg_basebackup", *self._address(), "-D", folder / "data"]
            _run([*copy, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"], folder)
            cluster = Cluster(folder, self._programs, {**self._settings, **settings})
            with cluster._running() as standby:
                yield standby

    @contextlib.contextmanager
    def _running(self):
        self.resume()
        try:
            yield self
        finally:
            if self._pid_file.exists():
                self.stop("immediate")  # nothing of it is kept

    @contextlib.contextmanager
    def stopped(self, mode="fast"):
        """Stop the server, which ends all connections, and start it in the end."""
        self.stop(mode)
        yield
        self.resume()

    def resume(self):
        """Start the server, which is stopped or was killed."""
        settings = {**self._settings, "unix_socket_directories": self.folder}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._control("start", "--wait", "--log", self.folder / "log", "--options", options)

    def stop(self, mode):
        """Stop the server: ``fast``, or ``immediate``, after which it has to recover."""
        self._control("stop", f"--mode={mode}")

    def kill(self):
        """End all processes of the server at once, as a power failure of its machine does."""
        main = self.pid
        os.kill(main, signal.SIGSTOP)  # it would start new ones
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        pids = (*map(int, children), main)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(map(_runs, pids)):
            time.sleep(0.001)
        # They name a process that may still wait to be reaped, so the server would not start.
        for lock in (self._pid_file, *self.folder.glob(".s.PGSQL.*.lock")):
            lock.unlink()

    def promote(self):
        """Make a primary of the standby."""
        self._control("promote", "--wait")

    @property
    def pid(self):
        """The process that started all others of the server."""
        return int(self._pid_file.read_text().split()[0])

    @property
    def port(self):
        return int(self._settings["port"])

    def dsn(self, database, user=USER):
        folder = urllib.parse.quote(str(self.folder), safe="")
        return f"postgresql://{user}@/{database}?host={folder}&port={self.port}"

    def create_database(self, name, *options):
        """Create a database, with the options of CREATE DATABASE, and return its DSN."""
        self.run(f"CREATE DATABASE {name} {' '.join(options)}")
        return self.dsn(name)

    def run(self, statement, database="postgres"):
        """Run a statement as the owner, and return the lines that it answers."""
        command = [self._programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *self._address()]
        return _run([*command, "-d", database, "-c", statement], self.folder).splitlines()

    def schema(self, database):
        """Return all that a database consists of, as SQL."""
        dump = [self._programs / "pg_dump", "--schema-only", *self._address(), "-d", database]
        lines = _run(dump, self.folder).split("\n")
        return [line for line in lines if not line.startswith("\\")]  # a key that differs each time

    @property
    def _pid_file(self):
        return self.folder / "data" / "postmaster.pid"

    def _address(self):
        return ["-h", self.folder, "-p", str(self.port), "-U", USER]

    def _control(self, *arguments):
        _run([self._programs / "pg_ctl", "-D", self.folder / "data", *arguments], self.folder)


def hand_over(folder):
    """Give a directory to whoever runs the server."""
    if identity := _identity():
        os.chown(folder, identity["user"], identity["group"])


def _runs(pid):
    """Return whether a process still does anything; who has killed it may not be the one to reap it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@contextlib.contextmanager
def _folder(work_dir=None):
    """Yield a directory that belongs to whoever runs the server; a socket's path must be short."""
    folder = Path(tempfile.mkdtemp(prefix="imagegen-pg-", dir=work_dir))
    try:
        hand_over(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command, folder):
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        **_identity(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
