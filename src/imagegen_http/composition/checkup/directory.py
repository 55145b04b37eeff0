"""The data directory: whose it is, and who works in it."""

import os
import stat
from pathlib import Path

from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.running_server import RunningServer

_OTHERS = 0o077


def look_at(data_dir: Path) -> list[Check]:
    """Return what is to be said of the directory itself."""
    server = RunningServer.find(data_dir)
    working = ok("server", "none runs" if server is None else f"runs at {server.url}")
    return [_permissions(data_dir), working]


def _permissions(data_dir: Path) -> Check:
    name = "data directory"
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        return fail(name, "cannot be read and written by this user")
    open_to_others = [] if _is_private(data_dir) else ["the directory itself"]
    open_to_others += sorted(path.name for path in data_dir.iterdir() if not _is_private(path))
    if open_to_others:
        return warn(name, f"others may read {', '.join(open_to_others[:5])}: run chmod -R go= on it")
    return ok(name, "for its owner only")


def _is_private(path: Path) -> bool:
    try:
        return not stat.S_IMODE(path.lstat().st_mode) & _OTHERS or path.is_symlink()
    except FileNotFoundError:  # gone meanwhile, as SQLite's and the server's own files may be
        return True
