"""A backup is read as untrusted input."""

import io
import json
import os
import subprocess
import sys
import tarfile
from contextlib import closing
from datetime import UTC, datetime

import pytest

from imagegen_adapters.backup import BackupError, Tally, restore_backup, write_backup
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.contracts.samples import NOW, later


def no_progress(done, total):
    """Report no progress."""


def restored(path, *args, now=NOW, **more):
    with path.open("rb") as file:
        return restore_backup(file, *args, now=now, **more)


@pytest.fixture
def data_dir(tmp_path):
    """Return a data directory whose database holds one provider configuration."""
    (tmp_path / "data").mkdir()
    Database.open(tmp_path / "data" / "imagegen.db").close_now()
    with closing(sqlite3.connect(tmp_path / "data" / "imagegen.db")) as connection, connection:
        connection.execute("INSERT INTO provider_configs (provider_name, extra_config) VALUES ('kept', '{}')")
    return tmp_path / "data"


@pytest.fixture
def whole(data_dir, tmp_path):
    write_backup(data_dir, tmp_path / "whole", now=NOW, force=False, progress=no_progress)
    return (tmp_path / "whole").read_bytes()


def members(content):
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return [(member, tar.extractfile(member).read()) for member in tar]


def packed(*entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, content in entries:
            if member.type == tarfile.REGTYPE:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def plain(name, content=b"x", **more):
    member = tarfile.TarInfo(name)
    for field, value in more.items():
        setattr(member, field, value)
    return member, content


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(content, folder):
    """Return the message that refuses a backup; nothing may remain on the disk."""
    (folder / "backup").write_bytes(content)
    with pytest.raises(BackupError) as caught:
        restored(folder / "backup", folder / "deep" / "place", progress=no_progress)
    assert not (folder / "deep").exists()
    return str(caught.value)


def test_a_truncated_backup_is_refused_and_leaves_nothing(whole, tmp_path):
    """Even when it is cut at a point that a tar reader takes for the end of the archive."""
    for length in range(0, len(whole.rstrip(b"\0")), 7 * 512):
        refused(whole[:length], tmp_path)
    header, database, _ = members(whole)

    assert "damaged" in refused(packed(header, database), tmp_path)


@pytest.mark.parametrize(
    "extra",
    [
        plain("../evil"),
        plain("/evil"),
        plain("images/../../evil"),
        plain("images/a/../b"),
        plain("images"),
        plain("images/"),
        plain("images/A"),
        plain("images/\n"),
        plain("master.key"),
        plain("lock"),
        plain("imagegen.db"),
        plain("imagegen.db-wal"),
        plain("spool/a", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        plain("images/a", type=tarfile.LNKTYPE, linkname="imagegen.db"),
        plain("images/a", type=tarfile.DIRTYPE),
        plain("images/a", type=tarfile.CHRTYPE),
        plain("images/a", type=tarfile.FIFOTYPE),
        plain("images/" + "a" * 300),
        plain("images/a", pax_headers={"path": "../evil"}),
        plain("images/a", pax_headers={"GNU.sparse.size": "99999999999", "GNU.sparse.map": "0,1"}),
        plain("images/a", pax_headers={"size": "-512"}),
    ],
    ids=lambda extra: (
        f"{extra[0].name[:20]!r} {extra[0].type.decode()} {next(iter(extra[0].pax_headers), '')}"
    ),
)
def test_only_expected_regular_files_are_accepted(whole, tmp_path, extra):
    """Nothing is written outside the data directory, and nothing remains inside."""
    header, database, end = members(whole)
    refused(packed(header, database, extra, end), tmp_path)

    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda header, database, end: [database, header, end],
        lambda header, database, end: [header, end],
        lambda header, database, end: [header, plain("images/a"), database, end],
        lambda header, database, end: [header, database, plain("images/a"), end],
        lambda header, database, end: [header, database, plain("images/a"), plain("images/a"), end],
        lambda header, database, end: [header, database, plain("images/a"), plain("images/a/b"), end],
        lambda header, database, end: [(header[0], b'{"format": 99}'), database, end],
        lambda header, database, end: [(header[0], b"[1]"), database, end],
        lambda header, database, end: [(header[0], b"{"), database, end],
        lambda header, database, end: [header, (database[0], b"no database" * 100), end],
        lambda header, database, end: [header, database, (end[0], b"{}")],
    ],
)
def test_members_out_of_order_or_counted_wrong_are_refused(whole, tmp_path, change):
    """``end.json`` holds the number of files and their digest."""
    refused(packed(*change(*members(whole))), tmp_path)


def test_a_whole_archive_with_a_damaged_database_is_refused(whole, tmp_path):
    """A valid digest is not enough: the database is checked too."""
    header, (member, content), end = members(whole)
    broken = content[:4096] + b"\xff" * 4096 + content[8192:]
    tally = Tally()
    tally.begin(member.name)
    tally.add(broken)
    trailer = json.dumps(tally.summary()).encode()

    assert "database" in refused(packed(header, (member, broken), (end[0], trailer)), tmp_path)


def test_a_whole_archive_with_another_programs_database_is_refused(whole, tmp_path):
    """Our tables are not created in it, which would make it look like an empty database."""
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE notes (text)")
    header, (member, _), end = members(whole)
    content = (tmp_path / "other.db").read_bytes()
    tally = Tally()
    tally.begin(member.name)
    tally.add(content)
    trailer = json.dumps(tally.summary()).encode()

    assert "cannot be used" in refused(packed(header, (member, content), (end[0], trailer)), tmp_path)


def test_a_header_that_claims_gigabytes_takes_no_memory(whole, tmp_path):
    """A member name of 8 GiB is refused before it is read."""
    header = bytearray(packed(plain("x", type=tarfile.GNUTYPE_LONGNAME))[:512])
    header[124:136] = b"77777777777\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    backup = tmp_path / "huge"
    backup.write_bytes(bytes(header))
    os.truncate(backup, 8 * 1024**3)  # sparse: takes no space

    with pytest.raises(BackupError):
        restored(backup, tmp_path / "place", progress=no_progress)


def test_thousands_of_consecutive_headers_are_refused(tmp_path):
    """tarfile recurses once for each."""
    headers = b"".join(packed(plain(f"x{i}", b"", type=tarfile.XGLTYPE))[:512] for i in range(3000))
    refused(headers, tmp_path)


def test_a_backup_can_be_read_by_tar(whole, data_dir, tmp_path):
    """So that it can be unpacked without imagegen."""
    (tmp_path / "it").write_bytes(whole)
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "xf", "../it"], cwd=tmp_path / "out", check=True, timeout=60)

    assert ["end.json", "imagegen-backup.json", "imagegen.db"] == names_in(tmp_path / "out")


def test_concurrent_backups_to_one_file_are_refused(data_dir, tmp_path):
    """The second is refused while the first is being written."""

    def again(done, total):
        with pytest.raises(BackupError, match="another backup"):
            write_backup(data_dir, tmp_path / "it", now=NOW, force=True, progress=no_progress)

    write_backup(data_dir, tmp_path / "it", now=NOW, force=False, progress=again)
    restored(tmp_path / "it", tmp_path / "place", progress=no_progress)

    assert ["data", "it", "place"] == names_in(tmp_path)


def add_image_without_file(data_dir):
    """Insert an image that should be on the local disk and in the archive, but has no local file."""
    names = "task_id attempt_id operation prompt provider_name model_id mime_type blob_key created_at"
    columns = dict.fromkeys(names.split(), "x") | {"params": "{}", "metadata": "{}", "storage": "both"}
    row = {**columns, "blob_key": "27/gone.png", "position": 0, "width": 1, "height": 1, "size_bytes": 9}
    row |= {"sha256": "0" * 64, "created_at": "2026-11-26T00:00:00.000000Z"}
    with closing(sqlite3.connect(data_dir / "imagegen.db")) as connection, connection:
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO images ({', '.join(row)}) VALUES ({marks})", row)  # noqa: S608 - constant names


def test_a_backup_records_when_it_was_made(whole):
    """By the caller's clock, in UTC."""
    (_, header), *_ = members(whole)

    assert "2026-11-24T08:00:00Z" == json.loads(header)["created_at"]


def test_an_image_being_moved_to_the_archive_is_not_missing(data_dir, tmp_path):
    """An expiry removes the file before it updates the record; the backup waits for the update."""
    add_image_without_file(data_dir)

    def record_follows(seconds):
        with closing(sqlite3.connect(data_dir / "imagegen.db")) as connection, connection:
            connection.execute("UPDATE images SET storage = 'oss'")

    report = write_backup(
        data_dir, tmp_path / "it", now=NOW, force=False, progress=no_progress, pause=record_follows
    )

    assert () == report.missing


def test_an_image_that_stays_missing_is_reported(data_dir, tmp_path):
    """Two seconds pass without an update of the record."""
    add_image_without_file(data_dir)
    pauses = []

    report = write_backup(
        data_dir, tmp_path / "it", now=NOW, force=False, progress=no_progress, pause=pauses.append
    )

    assert ("27/gone.png",) == report.missing
    assert 2 == pytest.approx(sum(pauses))


def test_a_full_disk_leaves_nothing(data_dir, tmp_path):
    """A limit on file sizes stands in for a full disk."""
    script = (
        "import resource, signal, sys, pathlib\n"
        "from imagegen_adapters.backup import write_backup\n"
        "from datetime import UTC, datetime\n"
        "from imagegen_core.errors import StorageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (170_000, 170_000))\n"
        "try:\n"
        "    write_backup(pathlib.Path('data'), pathlib.Path('it'), now=datetime.now(UTC), force=False,\n"
        "                 progress=lambda *_: None)\n"
        "except (OSError, StorageError):\n"
        "    sys.exit(3)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )

    assert (3, ["data"]) == (ended.returncode, names_in(tmp_path)), ended.stderr


def next_image_id(data_dir):
    """Return the id that the next image gets."""
    with closing(sqlite3.connect(data_dir / "imagegen.db")) as connection:
        ((last,),) = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'images'").fetchall()
    return last + 1


@pytest.mark.parametrize("last", [None, 7, 900_000_000])
def test_no_image_gets_an_id_that_one_had_after_the_backup(data_dir, tmp_path, last):
    """Also not if it is restored once more; browsers keep what they once got at an image's address."""
    with closing(sqlite3.connect(data_dir / "imagegen.db")) as connection, connection:
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'images'")
        if last is not None:
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('images', ?)", (last,))
    write_backup(data_dir, tmp_path / "it", now=NOW, force=False, progress=no_progress)
    for name, seconds in (("one", 60), ("other", 3600)):
        restored(tmp_path / "it", tmp_path / name, now=later(seconds), progress=no_progress)
    ids = [next_image_id(tmp_path / name) for name in ("one", "other")]

    second = int((NOW - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())
    assert [max(second + 60, (last or 0) + 1), max(second + 3600, (last or 0) + 1)] == ids
