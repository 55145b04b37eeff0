"""The real disk."""

import os

import pytest

from imagegen_adapters.disk_spaces.system import SystemDiskSpace
from imagegen_core.errors import StorageError


def test_free_bytes_are_what_we_may_write(tmp_path):
    """The number is near what the system says is available to those who are not root."""
    status = os.statvfs(tmp_path)

    free = SystemDiskSpace(tmp_path, 0).free_bytes()

    assert free == pytest.approx(status.f_bavail * status.f_frsize, rel=0.5)


def test_too_little_is_not_sufficient(tmp_path):
    """Below the minimum there is no room for more paid calls."""
    assert SystemDiskSpace(tmp_path, 1).sufficient()
    assert not SystemDiskSpace(tmp_path, 2**62).sufficient()


def test_asks_once_a_second(tmp_path):
    """An answer is used for a second, then the system is asked again."""
    directory, seconds = tmp_path / "gone", [0.0]
    directory.mkdir()
    disk = SystemDiskSpace(directory, 0, monotonic=lambda: seconds[0])
    first = disk.free_bytes()
    directory.rmdir()
    seconds[0] = 0.9
    second = disk.free_bytes()
    seconds[0] = 1.0

    assert first == second
    with pytest.raises(StorageError):
        disk.free_bytes()
