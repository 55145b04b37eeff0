"""A data directory that cannot be used is refused in one line."""

from contextlib import closing

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.command_line.conftest import SMALL
from tests.integration.cli.outcomes import failed, good


def test_an_unusable_data_directory_is_one_line(run, tmp_path):
    """There is a file in its place."""
    (tmp_path / "data").write_text("in the way")

    assert "data" in failed(run("serve", "--port", "0"), code=3)
    assert failed(run("tasks", "list"))


def test_a_data_directory_that_cannot_be_created_is_one_line(run):
    """Its parent is not a directory."""
    assert failed(run("serve", "--port", "0", environ={"IMAGEGEN_DATA_DIR": "/dev/null/data"}), code=3)


def test_a_newer_database_is_refused(run, tmp_path):
    """An older program must not touch it."""
    good(run("generate", "x", *SMALL))
    with closing(sqlite3.connect(tmp_path / "data" / "imagegen.db")) as database, database:
        database.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('imagegen', 'm999_later')"
        )
    line = failed(run("serve", "--port", "0"), code=3)

    assert "newer" in line
    assert failed(run("tasks", "list"))


def test_a_damaged_database_is_refused_in_one_line(run, tmp_path):
    """Without a traceback."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "imagegen.db").write_bytes(b"this is no database" * 500)

    assert failed(run("serve", "--port", "0"), code=3)
