"""The files of a server that is running: it removes what it no longer needs while somebody reads them."""

import contextlib
from pathlib import Path


def contents(folder: Path) -> dict[Path, bytes]:
    """Return the bytes of every file below ``folder``, but of those that were removed meanwhile."""
    files = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            files[path] = path.read_bytes()
    return files


def modes(folder: Path) -> set[tuple[bool, int]]:
    """Return whether it is a directory and who else may use it, for ``folder`` and all below it."""
    rights = set()
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            rights.add((path.is_dir(), path.stat().st_mode & 0o077))
    return rights
