"""The contract of disk space, as tests to subclass.

A subclass provides the fixture ``disk_with``, and may provide ``free_bytes_reader``, which bypasses it::

    class TestMyDiskSpace(DiskSpaceContract):
        @pytest.fixture
        def disk_with(self, tmp_path):
            return lambda min_free_bytes: MyDiskSpace(tmp_path, min_free_bytes)
"""

from collections.abc import Callable

import pytest

from imagegen_core.ports.disk_space import DiskSpace

DiskWith = Callable[[int], DiskSpace]
FreeBytesReader = Callable[[], int]


class DiskSpaceContract:
    """Free space, and whether it is enough."""

    @pytest.fixture
    def disk_with(self) -> DiskWith:
        """Return a function that makes the disk under test for a minimum of free bytes."""
        raise NotImplementedError

    @pytest.fixture
    def free_bytes_reader(self) -> FreeBytesReader | None:
        """Return a function that reads the free bytes without the adapter; None if there is no such way."""
        return None

    def test_free_bytes_are_what_may_be_written(
        self, disk_with: DiskWith, free_bytes_reader: FreeBytesReader | None
    ) -> None:
        """The number is close to the reference; others write to the same disk meanwhile."""
        free = disk_with(0).free_bytes()

        assert isinstance(free, int)
        assert free >= 0
        if free_bytes_reader is not None:
            assert free == pytest.approx(free_bytes_reader(), rel=0.5)

    @pytest.mark.parametrize(("min_free_bytes", "expected"), [(0, True), (1, True), (2**62, False)])
    def test_the_minimum_decides(self, disk_with: DiskWith, min_free_bytes: int, *, expected: bool) -> None:
        """Below it there is no room for more paid calls."""
        assert expected is disk_with(min_free_bytes).sufficient()

    def test_asking_changes_nothing(self, disk_with: DiskWith) -> None:
        """A disk with enough space stays sufficient, however often it is checked."""
        disk = disk_with(1)

        assert {True} == {disk.sufficient() for _ in range(100)}
