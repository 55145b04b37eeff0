"""Runs ``imagegen serve`` and writes the memory used by its SQLite to a file.

``python sqlite_memory.py FILE IMAGEGEN serve …``.

Page caches grow with the database until they are full, which takes hours. From outside this looks like a
leak; this number shows that it is not.
"""

import ctypes
import runpy
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

EVERY_SECONDS = 2


def main(file, script, *arguments):
    used = bytes_used()
    _write(Path(file), used())
    threading.Thread(target=_write_for_ever, args=(Path(file), used), daemon=True).start()
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


def _write_for_ever(file, used):
    while True:
        time.sleep(EVERY_SECONDS)
        _write(file, used())


def _write(file, number):
    new = file.with_suffix(".new")
    new.write_text(str(number))
    new.replace(file)


def bytes_used():
    """Return a function that returns the number of bytes allocated by the process's SQLite."""
    from imagegen_adapters.stores.sqlite.engine import sqlite3

    package = sqlite3.Connection.__module__.partition(".")[0]
    extension = "_sqlite3" if package == "sqlite3" else f"{package}._sqlite3"
    used = ctypes.CDLL(import_module(extension).__file__).sqlite3_memory_used
    used.restype = ctypes.c_int64
    return used


if __name__ == "__main__":
    main(*sys.argv[1:])
