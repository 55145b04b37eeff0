"""Free space, and whether it is enough."""

import os

import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.clocks.system import SystemClock
from imagegen_adapters.disk_spaces.memory import MemoryDiskSpace
from imagegen_adapters.disk_spaces.system import SystemDiskSpace
from imagegen_core.errors import StorageError


@pytest.fixture(params=["system", "memory"])
def disk_with(request, tmp_path):
    """Return a function that makes a disk for a minimum of free bytes."""
    if request.param == "memory":
        return lambda min_free_bytes: MemoryDiskSpace(free=2**40, min_free_bytes=min_free_bytes)
    return lambda min_free_bytes: SystemDiskSpace(tmp_path, min_free_bytes, clock=SystemClock())


def test_free_bytes_are_what_may_be_written(tmp_path):
    """The number is close to the system's; others write to the same disk meanwhile."""
    free = SystemDiskSpace(tmp_path, 0, clock=SystemClock()).free_bytes()

    status = os.statvfs(tmp_path)
    assert free == pytest.approx(status.f_bavail * status.f_frsize, rel=0.5)


@pytest.mark.parametrize(("min_free_bytes", "expected"), [(0, True), (1, True), (2**62, False)])
def test_the_minimum_decides(disk_with, min_free_bytes, *, expected):
    """Below it there is no room for more paid calls."""
    assert expected is disk_with(min_free_bytes).sufficient()


def test_asking_changes_nothing(disk_with):
    """A disk with enough space stays sufficient, however often it is checked."""
    disk = disk_with(1)

    assert {True} == {disk.sufficient() for _ in range(100)}


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


def test_a_full_disk_is_not_sufficient():
    """What is free decides whether more may be written."""
    disk = MemoryDiskSpace(free=100, min_free_bytes=50)
    before = disk.sufficient()
    disk.free = 49

    assert (True, False, 49) == (before, disk.sufficient(), disk.free_bytes())
