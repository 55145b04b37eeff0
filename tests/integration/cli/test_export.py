"""``imagegen images export`` without a server."""

from contextlib import closing

from imagegen_adapters.databases.sqlite.engine import sqlite3
from tests.integration.cli.said import good
from tests.integration.cli.test_backup import picture_files


def test_a_picture_of_many_pieces_arrives_whole(desk):
    """It is read piece by piece, so that memory does not grow with it."""
    for file in picture_files(desk.data_dir):
        file.write_bytes(file.read_bytes() + bytes(range(256)) * 6000)
        with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
            key = f"{file.parent.name}/{file.name}"
            connection.execute(
                "UPDATE images SET size_bytes = ? WHERE blob_key = ?", (file.stat().st_size, key)
            )
    good(desk.imagegen("images", "export", "out"))

    assert {f.read_bytes() for f in picture_files(desk.data_dir)} == {
        f.read_bytes() for f in (desk.folder / "out").glob("*.png")
    }
