"""A PostgreSQL server of the tests' own: a cluster in a temporary directory, reached through its socket.

with Cluster.start() as cluster:
    dsn = cluster.create_database("tests")
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
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
    "shared_buffers": "32MB",
    "synchronous_commit": "off",
    "wal_level": "replica",
}


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
    _options: str

    @classmethod
    @contextlib.contextmanager
    def start(cls, *, work_dir=None, **settings):
        """Make a cluster, start its server with these settings, and stop and remove it in the end."""
        with _folder(work_dir) as folder, contextlib.ExitStack() as stack:
            path = programs()
            if path is None:
                pytest.skip("PostgreSQL is missing; .ci/run installs it")
            initdb = [path / "initdb", "-D", folder / "data", "-U", USER, "-E", "UTF8", "--locale=C"]
            _run([*initdb, "--auth=trust", "--no-sync"], folder)
            yield stack.enter_context(cls._serve(folder, path, settings))

    @classmethod
    @contextlib.contextmanager
    def _serve(cls, folder, path, changes=()):
        settings = {**_SETTINGS, "unix_socket_directories": folder, **dict(changes)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        cluster = cls(folder, path, options)
        cluster._start()
        try:
            yield cluster
        finally:
            cluster._control("stop", "--mode=immediate")  # nothing of it is kept

    @contextlib.contextmanager
    def stopped(self):
        """Stop the server, which ends all connections, and start it in the end."""
        self._control("stop", "--mode=fast")
        yield
        self._start()

    @contextlib.contextmanager
    def standby(self):
        """Start a standby of this server, and stop and remove it in the end."""
        with _folder() as folder:
            copy = [self._programs / "pg_basebackup", "-h", self.folder, "-U", USER, "-D", folder / "data"]
            _run([*copy, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"], folder)
            with self._serve(folder, self._programs) as standby:
                yield standby

    def dsn(self, database, user=USER):
        return f"postgresql://{user}@/{database}?host={urllib.parse.quote(str(self.folder), safe='')}"

    def create_database(self, name, *options):
        """Create a database, with the options of CREATE DATABASE, and return its DSN."""
        self.run(f"CREATE DATABASE {name} {' '.join(options)}")
        return self.dsn(name)

    def run(self, statement, database="postgres"):
        """Run a statement as the owner, and return the lines that it answers."""
        command = [self._programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", USER]
        return _run([*command, "-d", database, "-c", statement], self.folder).splitlines()

    def _start(self):
        self._control("start", "--wait", "--log", self.folder / "log", "--options", self._options)

    def _control(self, *arguments):
        _run([self._programs / "pg_ctl", "-D", self.folder / "data", *arguments], self.folder)


@contextlib.contextmanager
def _folder(work_dir=None):
    """Yield a directory that belongs to whoever runs the server; a socket's path must be short."""
    folder = Path(tempfile.mkdtemp(prefix="imagegen-pg-", dir=work_dir))
    try:
        identity = _identity()
        if identity:
            os.chown(folder, identity["user"], identity["group"])
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
