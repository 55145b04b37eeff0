"""Checks of the data directory: its owner, its permissions, and the server that works in it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import attrs

from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.runtime.accounts import user_name
from imagegen_http.runtime.running_server import SERVER_FILE, RunningServer

_GROUP_AND_OTHERS_BITS = 0o077
_MAX_LISTED_NAMES = 5


@attrs.define
class _Findings:
    """Counts the entries with one problem, and holds the names of the first few."""

    count: int = 0
    first: list[str] = attrs.field(factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.first) < _MAX_LISTED_NAMES:
            self.first.append(name)

    def __str__(self) -> str:
        return ", ".join(self.first) + (
            f" and {self.count - _MAX_LISTED_NAMES} more" * (self.count > _MAX_LISTED_NAMES)
        )


def check_directory(data_dir: Path) -> list[Check]:
    """Check the owner and the permissions of the directory and everything in it; blocks."""
    name = "data directory"
    owner = data_dir.stat().st_uid
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        reader = user_name(os.geteuid())
        return [
            fail(name, f"{data_dir} cannot be read and written by {reader}: it belongs to {user_name(owner)}")
        ]
    foreign, exposed, closed = _Findings(), _Findings(), _Findings()
    for path, status in _entries(data_dir):
        label = str(path.relative_to(data_dir)) if path != data_dir else "the directory itself"
        if status.st_uid != owner:
            foreign.add(f"{label} ({user_name(status.st_uid)})")
        elif not _usable(path, status, data_dir):
            closed.add(label)
        if stat.S_IMODE(status.st_mode) & _GROUP_AND_OTHERS_BITS and not stat.S_ISLNK(status.st_mode):
            exposed.add(label)
    return [
        _ownership(data_dir, owner, foreign),
        _access(data_dir, closed),
        warn(name, f"others may read {exposed} in {data_dir}: run chmod -R go= on it")
        if exposed.count
        else ok(name, f"{data_dir}, for its owner only"),
    ]


async def running_server(data_dir: Path) -> RunningServer | None:
    """Return the server that works in the directory; None if there is none."""
    running = RunningServer.find(data_dir)
    return running if running is not None and await running.is_listening() else None


def server(data_dir: Path, running: RunningServer | None) -> Check:
    """Report the server that works in the directory, or one that was killed in it."""
    if running is not None:
        return ok("server", f"runs at {running.url}")
    if (data_dir / SERVER_FILE).exists():
        return warn(
            "server",
            f"none runs; {SERVER_FILE} was left by one that was killed, and the next start replaces it",
        )
    return ok("server", "none runs")


def _ownership(data_dir: Path, owner: int, foreign: _Findings) -> Check:
    name = user_name(owner)
    if foreign.count:
        problem = f"{foreign} in {data_dir} belong to others than {name}, whose service cannot use them"
        return fail("owner", f"{problem}: run chown -R --reference={data_dir} {data_dir}")
    return ok("owner", f"everything belongs to {name}")


def _access(data_dir: Path, closed: _Findings) -> Check:
    if closed.count:
        return fail("modes", f"{closed} in {data_dir} cannot be used by the owner: run chmod -R u+rwX on it")
    if os.statvfs(data_dir).f_flag & os.ST_RDONLY:
        return fail("modes", f"the file system of {data_dir} is mounted read-only")
    return ok("modes", "the owner can read and write everything")


def _usable(path: Path, status: os.stat_result, data_dir: Path) -> bool:
    """Return whether the owner has the permissions: images are only read, database and keys also written."""
    needed = stat.S_IRUSR
    if stat.S_ISDIR(status.st_mode):
        needed = stat.S_IRWXU
    elif path.parent == data_dir:
        needed |= stat.S_IWUSR
    return stat.S_ISLNK(status.st_mode) or status.st_mode & needed == needed


def _entries(data_dir: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the directory and everything below it, except files that vanish meanwhile, as SQLite's do."""
    yield data_dir, data_dir.stat()
    for folder, folders, files in os.walk(data_dir):
        for name in (*folders, *files):
            path = Path(folder, name)
            try:
                yield path, path.lstat()
            except FileNotFoundError:
                continue
