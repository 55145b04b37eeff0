"""Checks of the data directory: its owner, its permissions, and the server that works in it."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import attrs

from imagegen_core.messages import Argument, Message
from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.composition.checkup.messages import CheckCode
from imagegen_http.runtime.accounts import user_name
from imagegen_http.runtime.running_server import SERVER_FILE, RunningServer

_GROUP_AND_OTHERS_BITS = 0o077
_MAX_LISTED_NAMES = 5


@attrs.define
class _Findings:
    """Counts the entries with one problem, and holds the names of the first few."""

    count: int = 0
    first: list[Message | str] = attrs.field(factory=list)

    def add(self, name: Message | str) -> None:
        self.count += 1
        if len(self.first) < _MAX_LISTED_NAMES:
            self.first.append(name)

    @property
    def names(self) -> Argument:
        """The first few, as the argument of a message."""
        if self.count <= _MAX_LISTED_NAMES:
            return tuple(self.first)
        return CheckCode.AND_MORE(entries=tuple(self.first), count=self.count - _MAX_LISTED_NAMES)


def check_directory(data_dir: Path) -> list[Check]:
    """Check the owner and the permissions of the directory and everything in it; blocks."""
    name = "data directory"
    owner = data_dir.stat().st_uid
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        user = user_name(os.geteuid())
        reason = CheckCode.NOT_ACCESSIBLE(path=str(data_dir), user=user, owner=user_name(owner))
        return [fail(name, reason)]
    foreign, exposed, closed = _Findings(), _Findings(), _Findings()
    for path, status in _entries(data_dir):
        label = str(path.relative_to(data_dir)) if path != data_dir else CheckCode.DIRECTORY_ITSELF()
        if status.st_uid != owner:
            foreign.add(CheckCode.ENTRY_OF(entry=label, user=user_name(status.st_uid)))
        elif not _usable(path, status, data_dir):
            closed.add(label)
        if stat.S_IMODE(status.st_mode) & _GROUP_AND_OTHERS_BITS and not stat.S_ISLNK(status.st_mode):
            exposed.add(label)
    return [
        _ownership(data_dir, owner, foreign),
        _access(data_dir, closed),
        warn(name, CheckCode.READABLE_BY_OTHERS(entries=exposed.names, path=str(data_dir)))
        if exposed.count
        else ok(name, CheckCode.FOR_OWNER_ONLY(path=str(data_dir))),
    ]


def server(data_dir: Path, running: RunningServer | None) -> Check:
    """Report the server that works in the directory, or one that was killed in it."""
    if running is not None:
        return ok("server", CheckCode.SERVER_RUNS(url=running.url))
    if (data_dir / SERVER_FILE).exists():
        return warn("server", CheckCode.SERVER_KILLED(file=SERVER_FILE))
    return ok("server", CheckCode.NO_SERVER())


def _ownership(data_dir: Path, owner: int, foreign: _Findings) -> Check:
    name = user_name(owner)
    if foreign.count:
        reason = CheckCode.FOREIGN_ENTRIES(entries=foreign.names, path=str(data_dir), owner=name)
        return fail("owner", reason)
    return ok("owner", CheckCode.OWNED(owner=name))


def _access(data_dir: Path, closed: _Findings) -> Check:
    if closed.count:
        return fail("modes", CheckCode.CLOSED_TO_OWNER(entries=closed.names, path=str(data_dir)))
    if os.statvfs(data_dir).f_flag & os.ST_RDONLY:
        return fail("modes", CheckCode.MOUNTED_READ_ONLY(path=str(data_dir)))
    return ok("modes", CheckCode.OPEN_TO_OWNER())


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
