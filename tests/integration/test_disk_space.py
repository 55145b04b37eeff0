"""Free space, and whether it is enough."""

import os

import pytest

from imagegen_adapters.system import SystemDiskSpace
from imagegen_core.errors import StorageError


def test_free_bytes_are_what_may_be_written(tmp_path):
    """The number is close to the system's; others write to the same disk meanwhile."""
    free = SystemDiskSpace(tmp_path, 0).free_bytes()

    status = os.statvfs(tmp_path)
    assert free == pytest.approx(status.f_bavail * status.f_frsize, rel=0.5)


@pytest.mark.parametrize(("min_free_bytes", "expected"), [(0, True), (1, True), (2**62, False)])
def test_the_minimum_decides(tmp_path, min_free_bytes, *, expected):
    """Below it there is no room for more paid calls."""
    assert expected is SystemDiskSpace(tmp_path, min_free_bytes).has_room()


def test_a_file_system_that_does_not_answer_is_a_storage_error(tmp_path):
    """Nobody can say that there is room."""
    with pytest.raises(StorageError):
        SystemDiskSpace(tmp_path / "gone", 0).has_room()


def test_the_answer_is_kept_for_a_while(tmp_path):
    """Each paid call asks, and the system only now and then."""
    (tmp_path / "disk").mkdir()
    disk = SystemDiskSpace(tmp_path / "disk", 0)
    disk.has_room()
    (tmp_path / "disk").rmdir()

    disk._ask_at = float("inf")
    assert disk.has_room()
    disk._ask_at = 0.0
    with pytest.raises(StorageError):
        disk.has_room()
