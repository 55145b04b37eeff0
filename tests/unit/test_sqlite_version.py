"""Which versions of SQLite cause a warning."""

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite_warning


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 46, 1), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_with_the_wal_reset_bug(version, warned):
    """Fixed in 3.51.3 and in two older release lines."""
    assert warned == (sqlite_warning(version) is not None)
