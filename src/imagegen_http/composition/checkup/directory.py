"""The data directory: whose it is, who may use what is in it, and who works in it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import attrs

from imagegen_http.composition.accounts import user_name
from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.runtime.running_server import SERVER_FILE, RunningServer

_GROUP_AND_OTHERS_BITS = 0o077
_MAX_LISTED_NAMES = 5


@attrs.define
class _Findings:
    """Names below the directory that are not as they should be; of each kind, how many and the first few."""

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
    """Return what is to be said of the directory and everything in it; blocks for as long as that takes."""
    name = "data directory"
    owner = data_dir.stat().st_uid
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        reader = user_name(os.geteuid())
        return [
            fail(name, f"{data_dir} cannot be read and written by {reader}: it belongs to {user_name(owner)}")
        ]
    foreign, exposed, closed = _Findings(), _Findings(), _Findings()
    for path, found in _entries(data_dir):
        label = str(path.relative_to(data_dir)) if path != data_dir else "the directory itself"
        if found.st_uid != owner:
            foreign.add(f"{label} ({user_name(found.st_uid)})")
        elif not _usable(path, found, data_dir):
            closed.add(label)
        if stat.S_IMODE(found.st_mode) & _GROUP_AND_OTHERS_BITS and not stat.S_ISLNK(found.st_mode):
            exposed.add(label)
    return [
        _ownership(data_dir, owner, foreign),
        _access(data_dir, closed),
        warn(name, f"others may read {exposed} in {data_dir}: run chmod -R go= on it")
        if exposed.count
        else ok(name, f"{data_dir}, for its owner only"),
    ]


async def running_server(data_dir: Path) -> RunningServer | None:
    """Return the server that works in it; None when none does."""
    running = RunningServer.find(data_dir)
    return running if running is not None and await running.is_listening() else None


def server(data_dir: Path, running: RunningServer | None) -> Check:
    """Return what is to be said of the server that works in it, if any."""
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
        told = f"{foreign} in {data_dir} belong to others than {name}, whose service cannot use them"
        return fail("owner", f"{told}: run chown -R --reference={data_dir} {data_dir}")
    return ok("owner", f"everything belongs to {name}")


def _access(data_dir: Path, closed: _Findings) -> Check:
    if closed.count:
        return fail("modes", f"{closed} in {data_dir} cannot be used by the owner: run chmod -R u+rwX on it")
    if os.statvfs(data_dir).f_flag & os.ST_RDONLY:
        return fail("modes", f"the file system of {data_dir} is mounted read-only")
    return ok("modes", "the owner can read and write everything")


def _usable(path: Path, found: os.stat_result, data_dir: Path) -> bool:
    """Return whether the owner may use it: images are only read, database and keys are written too."""
    needed = stat.S_IRUSR
    if stat.S_ISDIR(found.st_mode):
        needed = stat.S_IRWXU
    elif path.parent == data_dir:
        needed |= stat.S_IWUSR
    return stat.S_ISLNK(found.st_mode) or found.st_mode & needed == needed


def _entries(data_dir: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the directory and all below it; what goes meanwhile, as SQLite's own files may, is no matter."""
    yield data_dir, data_dir.stat()
    for folder, folders, files in os.walk(data_dir):
        for name in (*folders, *files):
            path = Path(folder, name)
            try:
                yield path, path.lstat()
            except FileNotFoundError:
                continue
