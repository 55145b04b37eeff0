"""The disk of the tests."""

from imagegen_adapters.disk_spaces.memory import MemoryDiskSpace


def test_a_full_disk_is_not_sufficient():
    """What is free decides whether more may be written."""
    disk = MemoryDiskSpace(free=100, min_free_bytes=50)
    before = disk.sufficient()
    disk.free = 49

    assert (True, False, 49) == (before, disk.sufficient(), disk.free_bytes())
