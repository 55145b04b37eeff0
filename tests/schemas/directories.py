"""Data directories of every schema since the baseline, as text: `unpack` makes one as its version left it."""

import base64
import json
from contextlib import closing
from pathlib import Path

from imagegen_adapters.stores.sqlite.engine import sqlite3

FOLDER = Path(__file__).parent
NAMES = tuple(sorted(path.parent.name for path in FOLDER.glob("*/imagegen.sql")))
"""The schemas, oldest first; each is named after its last migration."""

MASTER_KEY = base64.urlsafe_b64encode(b"known to whoever reads the tests").decode()
SAVED_KEY = "sk-of-a-saved-configuration"
SECRET_HEADER = "of-a-saved-header"

_UPSTREAM = "http://vendor.invalid"
"""Stands for the address of the vendor, which is another one each time."""

_FILES = ("images", "spool")


def unpack(name, data_dir, upstream_url=_UPSTREAM, *, with_key=True):
    """Make the data directory of a schema and return it.

    Args:
        name: one of `NAMES`.
        data_dir: it is not there yet.
        upstream_url: of a `tests.chaos.upstream`, which what is under way asks.
        with_key: whether the master key is in it.
    """
    data_dir.mkdir(mode=0o700, parents=True)
    text = (FOLDER / name / "imagegen.sql").read_text().replace(_UPSTREAM, upstream_url)
    load(text, data_dir / "imagegen.db")
    for path, content in json.loads((FOLDER / name / "files.json").read_text()).items():
        _write(data_dir / path, base64.b64decode(content))
    if with_key:
        _write(data_dir / "master.key", f"{MASTER_KEY}\n".encode())
    return data_dir


def pack(data_dir, upstream_url, name):
    """Write the data directory of a service that is dead as text."""
    text = dump(data_dir / "imagegen.db").replace(upstream_url, _UPSTREAM)
    (FOLDER / name).mkdir(exist_ok=True)
    (FOLDER / name / "imagegen.sql").write_text(text)
    files = {
        str(path.relative_to(data_dir)): base64.b64encode(path.read_bytes()).decode()
        for top in _FILES
        for path in sorted((data_dir / top).rglob("*"))
        if path.is_file()
    }
    (FOLDER / name / "files.json").write_text(f"{json.dumps(files, indent=0, sort_keys=True)}\n")


def dump(path):
    """Return all that a database holds as SQL; pysqlite3 has no ``iterdump``."""
    with closing(sqlite3.connect(path)) as connection:
        return "".join(f"{statement};\n" for statement in _statements(connection))


def _statements(connection):
    objects = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    tables = [(name, sql) for kind, name, sql in objects if kind == "table"]
    yield "BEGIN"
    for name, sql in tables:
        if sql.startswith("CREATE VIRTUAL"):  # to run this would make the tables below it, which are here too
            virtual = f"VALUES ('table', {_quoted(name)}, {_quoted(name)}, 0, {_quoted(sql)})"
            yield "PRAGMA writable_schema=ON"
            yield f"INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) {virtual}"
            continue
        yield "DELETE FROM sqlite_sequence" if name == "sqlite_sequence" else sql
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info('{name}')")]
        values = "|| ', ' ||".join(f'quote("{column}")' for column in columns)
        for (row,) in connection.execute(f"SELECT {values} FROM '{name}'"):  # noqa: S608 - names of our schema
            yield f"INSERT INTO '{name}' VALUES ({row})"  # noqa: S608 - as above
    yield from (sql for kind, _, sql in objects if kind != "table")
    yield "COMMIT"


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def load(text, path):
    """Make a database from what `dump` returned."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(text)
    with closing(sqlite3.connect(path)) as connection:  # which reads the schema that was written as rows
        connection.execute("PRAGMA journal_mode=WAL")
    path.chmod(0o600)


def _write(path, content):
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
