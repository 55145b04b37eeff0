"""What a dead process left in the data directory is gone before the service accepts anything."""

import pytest

from imagegen_http.service import compose
from imagegen_http.settings.schema import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("run_background", "stays"), [(True, False), (False, True)])
async def test_files_of_a_dead_submission(tmp_path, *, run_background, stays):
    """Later, they may be those of a submission that is being checked; a command removes none."""
    file = tmp_path / "spool" / "dead" / "image"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")

    async with compose(Settings(data_dir=tmp_path), environ={}, run_background=run_background):
        exists = file.parent.exists()

    assert stays is exists


async def test_half_of_a_file(tmp_path):
    """An interrupted write is never continued."""
    half = tmp_path / "spool" / "owner" / "answer~4711-0"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half of")

    async with compose(Settings(data_dir=tmp_path), environ={}):
        exists = half.exists()

    assert not exists
