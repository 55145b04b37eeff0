"""The disk of the tests."""

import pytest

from imagegen_adapters.disk_spaces.memory import MemoryDiskSpace
from tests.contracts.disk_space import DiskSpaceContract


class TestMemoryDiskSpace(DiskSpaceContract):
    @pytest.fixture
    def disk_with(self):
        return lambda min_free_bytes: MemoryDiskSpace(free=2**40, min_free_bytes=min_free_bytes)

    @pytest.fixture
    def free_bytes_reader(self):
        return lambda: 2**40


def test_a_full_disk_is_not_sufficient():
    """What is free decides whether more may be written."""
    disk = MemoryDiskSpace(free=100, min_free_bytes=50)
    before = disk.sufficient()
    disk.free = 49

    assert (True, False, 49) == (before, disk.sufficient(), disk.free_bytes())
