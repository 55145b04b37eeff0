"""Free space, and whether it is enough."""

import os

import pytest

from imagegen_adapters.system import SystemClock, SystemDiskSpace
from imagegen_core.errors import StorageError
from tests.contracts.clock import ManualClock


def test_free_bytes_are_what_may_be_written(tmp_path):
    """The number is close to the system's; others write to the same disk meanwhile."""
    free = SystemDiskSpace(tmp_path, 0, clock=SystemClock()).free_bytes()

    status = os.statvfs(tmp_path)
    assert free == pytest.approx(status.f_bavail * status.f_frsize, rel=0.5)


@pytest.mark.parametrize(("min_free_bytes", "expected"), [(0, True), (1, True), (2**62, False)])
def test_the_minimum_decides(tmp_path, min_free_bytes, *, expected):
    """Below it there is no room for more paid calls."""
    assert expected is SystemDiskSpace(tmp_path, min_free_bytes, clock=SystemClock()).has_room()


def test_asks_once_a_second(tmp_path):
    """An answer is used for a second, then the system is asked again."""
    directory, clock = tmp_path / "gone", ManualClock()
    directory.mkdir()
    disk = SystemDiskSpace(directory, 0, clock=clock)
    first = disk.free_bytes()
    directory.rmdir()
    clock.advance(0.9)
    second = disk.free_bytes()
    clock.advance(0.1)

    assert first == second
    with pytest.raises(StorageError):
        disk.free_bytes()
