"""``imagegen images zip``: beside a server and without one."""

import zipfile

import pytest

from tests.integration.cli.outcomes import failed, good
from tests.integration.cli.test_backup import image_files

SMALL = ("--param", "width=64", "--param", "height=64")


@pytest.fixture
def filled(other):
    """A data directory with two images."""
    for prompt in ("一座灯塔", "a/b"):
        good(other.imagegen("generate", prompt, *SMALL))
    return other


def unzipped(desk, name):
    """Return the files of a zip file by their names."""
    with zipfile.ZipFile(desk.folder / name) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_zip_has_the_stored_bytes(filled):
    """In the order of the ids, each once, under the names of downloads; the same beside a server."""
    good(filled.imagegen("images", "zip", "alone.zip", "2", "1", "2"))
    filled.start()
    good(filled.imagegen("images", "zip", "beside.zip", "2", "1"))

    files = unzipped(filled, "alone.zip")
    assert ["a b-2.png", "一座灯塔-1.png"] == list(files)
    assert {file.read_bytes() for file in image_files(filled.data_dir)} == set(files.values())
    assert files == unzipped(filled, "beside.zip")


def test_an_image_that_cannot_be_read_stops_no_other(filled):
    """It is named at the end; if there is no other, there is no file."""
    assert "no image 9" in failed(filled.imagegen("images", "zip", "some.zip", "9", "1"))
    assert ["一座灯塔-1.png"] == list(unzipped(filled, "some.zip"))

    assert "no image 9" in failed(filled.imagegen("images", "zip", "none.zip", "9"))
    assert not (filled.folder / "none.zip").exists()


def test_a_file_that_cannot_be_written_is_said_in_one_line(filled):
    """Before anything is read."""
    assert "nowhere" in failed(filled.imagegen("images", "zip", "nowhere/a.zip", "1"))
