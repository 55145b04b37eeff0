"""The packaged SQLite and Python's own work on the same data directory."""

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

from imagegen_adapters.stores.sqlite.engine import MIN_VERSION
from tests.integration.api.live_server import IMAGEGEN, clean_environ

FAKES = Path(__file__).parents[1] / "fakes"
HIDDEN = str(FAKES / "sqlite_hidden")

PYSQLITE3 = any(package.name == "pysqlite3" for package in importlib.metadata.distributions())
OWN = importlib.import_module("sqlite3").sqlite_version_info

BUNDLED = re.compile(r"^ok    sqlite: .* from the package pysqlite3$", re.MULTILINE)


def imagegen(*args, folder, path=""):
    environ = clean_environ(PYTHONPATH=path)
    return subprocess.run(
        [IMAGEGEN, *args], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not PYSQLITE3 or OWN < MIN_VERSION, reason="only one supported SQLite is installed")
def test_each_reads_what_the_other_has_written(tmp_path):
    """Both create images in one database and find all of them; the packaged one needs no warning."""
    paths = ("", HIDDEN)
    for path, prompt in zip(paths, ("一只可爱的猫", "一只可爱的狗"), strict=True):
        done = imagegen("generate", prompt, "-o", f"{prompt}.png", folder=tmp_path, path=path)
        assert 0 == done.returncode, done.stderr
    results = [imagegen("images", "search", "可爱", folder=tmp_path, path=path).stdout for path in paths]
    doctors = [imagegen("doctor", folder=tmp_path, path=path).stdout for path in paths]

    assert [True, True] == ["猫" in text and "狗" in text for text in results]
    assert [True, True] == ["ok    database: whole" in text for text in doctors]
    assert [True, False] == [bool(BUNDLED.search(text)) for text in doctors]


def test_an_old_sqlite_is_refused_in_one_line(tmp_path):
    """With its version, the required one, and what to install."""
    done = imagegen("generate", "x", folder=tmp_path, path=str(FAKES / "sqlite_old"))

    assert (1, 1) == (done.returncode, len(done.stderr.splitlines()))
    assert "SQLite 3.34.1 is too old, 3.37 or later is needed" in done.stderr
    assert "pysqlite3" in done.stderr


def test_doctor_reports_only_the_old_sqlite(tmp_path):
    """The database is not reported as damaged because this SQLite cannot read it."""
    imagegen("generate", "x", "-o", "x.png", folder=tmp_path)
    done = imagegen("doctor", folder=tmp_path, path=str(FAKES / "sqlite_old"))
    failed = [line for line in done.stdout.splitlines() if line.startswith("fail")]

    assert (1, 1) == (done.returncode, len(failed))
    assert "3.34.1 is too old" in failed[0]
