"""``imagegen images export`` without a server."""

from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.cli.outcomes import good
from tests.integration.cli.test_backup import image_files


def test_an_image_of_many_pieces_is_exported_completely(desk):
    """It is read piece by piece, so that memory does not grow with its size."""
    for file in image_files(desk.data_dir):
        file.write_bytes(file.read_bytes() + bytes(range(256)) * 6000)
        with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
            key = f"{file.parent.name}/{file.name}"
            connection.execute(
                "UPDATE images SET size_bytes = ? WHERE blob_key = ?", (file.stat().st_size, key)
            )
    good(desk.imagegen("images", "export", "out"))

    assert {f.read_bytes() for f in image_files(desk.data_dir)} == {
        f.read_bytes() for f in (desk.folder / "out").glob("*.png")
    }


@pytest.mark.parametrize(
    "lose",
    [lambda file: file.unlink(), lambda file: file.write_bytes(b"")],
    ids=["vanished", "empty"],
)
@pytest.mark.parametrize("kind", ["png", "json"])
def test_a_lost_file_of_an_export_is_written_again(desk, kind, lose):
    """An image or its record; existing files stay as the user left them."""
    good(desk.imagegen("images", "export", "out"))
    lost, other = sorted((desk.folder / "out").glob(f"*.{kind}"))
    whole = lost.read_bytes()
    lose(lost)
    other.write_bytes(b'{"title": "mine"}')
    good(desk.imagegen("images", "export", "out"))

    assert (whole, b'{"title": "mine"}') == (lost.read_bytes(), other.read_bytes())


def test_a_truncated_record_is_written_again(desk):
    """As after a kill in the middle of writing it."""
    good(desk.imagegen("images", "export", "out"))
    record = min((desk.folder / "out").glob("*.json"))
    whole = record.read_bytes()
    record.write_bytes(whole[:40])
    good(desk.imagegen("images", "export", "out"))

    assert whole == record.read_bytes()


def test_an_image_that_cannot_be_read_stops_no_other(desk):
    """It is named at the end, with exit code 1, and no part of it is left."""
    lost = max(image_files(desk.data_dir))
    lost.unlink()
    result = desk.imagegen("images", "export", "out")
    line = result.stderr.splitlines()[-1]
    (record,) = (desk.folder / "out").glob("*.json")

    assert {record.name, f"{record.stem}.png"} == {path.name for path in (desk.folder / "out").iterdir()}
    assert (1, True) == (result.returncode, line.endswith(": the image cannot be read (404)"))
    assert not line.startswith(f"imagegen: {record.stem}:")
