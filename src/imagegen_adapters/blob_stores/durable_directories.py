"""Directories whose names survive a power cut."""

import os
import threading
from pathlib import Path

from imagegen_adapters.blob_stores.atomic_file import make_directory, sync_directory

_MAX_REMEMBERED = 4096


class DurableDirectories:
    """The directories below a root, and which of them are known to be durable.

    That a directory exists does not say so: another thread may have made it a moment ago, or a process that
    was killed before it synced the parent. The methods block, for use in threads; they may raise `OSError`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable: set[Path] = set()
        self._lock = threading.Lock()

    def make(self, path: Path) -> None:
        """Create the directory and its missing parents, and make their names durable."""
        with self._lock:
            make_directory(path)
            self._remember([path])

    def ensure(self, path: Path) -> None:
        """Make the name of the directory durable, and with one sync those of its neighbours."""
        if path in self._durable:
            return
        with self._lock:
            for directory in (path, *path.parents):
                if directory in self._durable or not directory.is_relative_to(self._root):
                    return
                neighbours = _directories(directory.parent) if directory != self._root else [directory]
                sync_directory(directory.parent)
                self._remember(neighbours)

    def _remember(self, directories: list[Path]) -> None:
        if len(self._durable) + len(directories) > _MAX_REMEMBERED:  # another sync, at worst
            self._durable.clear()
        self._durable.update(directories)


def _directories(parent: Path) -> list[Path]:
    with os.scandir(parent) as entries:
        return [parent / entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
