"""One process locks the data directory; others may read it."""

import os
import stat
import subprocess
import sys

import pytest

from imagegen_adapters.stores.directory import DataDirectory, DataDirectoryInUse, DataDirectoryUnusable


def test_it_is_created_privately(tmp_path):
    """A missing directory is created with its parents and mode 0700."""
    directory = DataDirectory.open(tmp_path / "a" / "b")
    mode = stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode)
    directory.close()

    assert (0o700, tmp_path / "a" / "b" / "imagegen.db") == (mode, directory.database)


def test_nothing_stays_of_one_in_which_nothing_was_kept(tmp_path):
    """Neither the lock nor the directories that were made for it; one that was there before stays."""
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "a" / "b", tmp_path / "empty"):
        DataDirectory.open(path).close()

    assert [tmp_path / "empty"] == list(tmp_path.rglob("*"))


def test_what_was_kept_stays(tmp_path):
    """With its lock, which others may have opened by then."""
    directory = DataDirectory.open(tmp_path / "data")
    directory.installation_id(lambda: "one")
    directory.close()
    DataDirectory.open(tmp_path / "data").close()

    assert {"installation", "lock"} == {path.name for path in (tmp_path / "data").iterdir()}


def test_a_lock_that_was_removed_locks_nothing(tmp_path, monkeypatch):
    """Who has opened it before is as one who comes while it is held, not a second owner."""
    first = DataDirectory.open(tmp_path / "data")
    open_file = os.open

    def open_late(path, *arguments):
        descriptor = open_file(path, *arguments)
        first.close()
        return descriptor

    monkeypatch.setattr(os, "open", open_late)

    with pytest.raises(DataDirectoryInUse):
        DataDirectory.open(tmp_path / "data")


def test_a_second_one_is_refused(tmp_path):
    """While it is locked, nobody else can lock it, in this or another process; afterwards they can."""
    first = DataDirectory.open(tmp_path)

    with pytest.raises(DataDirectoryInUse):
        DataDirectory.open(tmp_path)
    first.close()
    first.close()
    DataDirectory.open(tmp_path).close()


def test_a_killed_process_holds_no_lock(tmp_path):
    """The lock of a killed process is released."""
    program = (
        "import sys, pathlib; from imagegen_adapters.stores.directory import DataDirectory as D; "
        "d = D.open(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        with pytest.raises(DataDirectoryInUse):
            DataDirectory.open(tmp_path)
        child.kill()

    DataDirectory.open(tmp_path).close()


def test_readers_need_no_lock(tmp_path):
    """Reading while a service is running locks and creates nothing."""
    service = DataDirectory.open(tmp_path)
    reader = DataDirectory.open(tmp_path, lock=False)
    service.close()

    assert (False, False) == (reader.locked, service.locked)
    with pytest.raises(DataDirectoryUnusable):
        DataDirectory.open(tmp_path / "missing", lock=False)
    assert not (tmp_path / "missing").exists()


def test_an_unusable_directory_is_reported(tmp_path):
    """A file in its place is an error with a reason and without a path."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(DataDirectoryUnusable) as error:
        DataDirectory.open(tmp_path / "file")
    assert os.fspath(tmp_path) not in str(error.value)


def test_a_directory_keeps_the_id_that_it_was_given(tmp_path):
    """So an archive knows the installation again, in any later process."""
    ids = iter(("one", "two"))
    directory = DataDirectory.open(tmp_path)
    first = directory.installation_id(lambda: next(ids))
    again = directory.installation_id(lambda: next(ids))
    directory.close()

    assert ("one", "one", 0o600) == (first, again, stat.S_IMODE((tmp_path / "installation").stat().st_mode))


def test_an_id_that_cannot_be_kept_is_an_error(tmp_path):
    """A new one at each start would shut the service out of its own bucket."""
    (tmp_path / "installation").mkdir()
    directory = DataDirectory.open(tmp_path)

    with pytest.raises(DataDirectoryUnusable):
        directory.installation_id(lambda: "one")
    directory.close()
