"""The real disk."""

import os

import pytest

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.clocks.system import SystemClock
from imagegen_adapters.disk_spaces.system import SystemDiskSpace
from imagegen_core.errors import StorageError
from tests.contracts.disk_space import DiskSpaceContract


class TestSystemDiskSpace(DiskSpaceContract):
    @pytest.fixture
    def disk_with(self, tmp_path):
        return lambda min_free_bytes: SystemDiskSpace(tmp_path, min_free_bytes, clock=SystemClock())

    @pytest.fixture
    def free_bytes_reader(self, tmp_path):
        def available():
            status = os.statvfs(tmp_path)
            return status.f_bavail * status.f_frsize

        return available


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
