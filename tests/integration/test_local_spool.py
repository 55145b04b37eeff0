"""The spool on disk keeps the contract, for the eyes of one user only."""

import os

import pytest

from imagegen_adapters.files.local import LocalSpool
from imagegen_adapters.system import SystemClock
from tests.contracts.samples import pieces

pytestmark = pytest.mark.anyio


def local_spool(root):
    return LocalSpool(root, root.with_name(f"{root.name}-kept"), clock=SystemClock())


async def test_files_are_readable_by_their_owner_only(tmp_path):
    """Answers and inputs are private."""
    await local_spool(tmp_path / "spool").put("folder", "answer", pieces(b"x"), max_bytes=1)

    file = tmp_path / "spool" / "folder" / "answer"
    assert (0o600, 0o700) == (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777)


async def test_another_process_finds_what_was_put(tmp_path):
    """A restart reads what the dead process spooled."""
    await local_spool(tmp_path).put("folder", "answer", pieces(b"x"), max_bytes=1)

    with local_spool(tmp_path).open("folder", "answer") as file:
        assert b"x" == file.read()


async def test_age_is_that_of_the_latest_file(tmp_path):
    """A folder that got a file just now is not among the old ones."""
    spool = local_spool(tmp_path)
    await spool.put("folder", "answer", pieces(b"x"), max_bytes=1)
    os.utime(tmp_path / "folder", (0, 0))
    before = await spool.folders(older_than_seconds=3600)
    await spool.put("folder", "another", pieces(b"x"), max_bytes=1)

    assert (("folder",), ()) == (before, await spool.folders(older_than_seconds=3600))


async def test_what_a_dead_process_was_writing_is_removed(tmp_path):
    """What it had written stays, with its folder."""
    await local_spool(tmp_path).put("folder", "answer", pieces(b"x"), max_bytes=1)
    (tmp_path / "folder" / "answer~4711-0").write_bytes(b"half of")

    swept = await local_spool(tmp_path).sweep_temporary()

    assert 1 == swept
    assert ["answer"] == [path.name for path in (tmp_path / "folder").iterdir()]


async def test_who_has_only_what_a_dead_process_was_writing_goes_with_it(tmp_path):
    """Nobody would remove the empty directory before the next sweep."""
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead" / "answer~4711-0").write_bytes(b"half of")

    await local_spool(tmp_path).sweep_temporary()

    assert [] == [*tmp_path.iterdir()]


async def test_where_nothing_was_ever_put_there_is_nothing_to_remove(tmp_path):
    """A first start has no spool yet."""
    assert 0 == await local_spool(tmp_path / "spool").sweep_temporary()
