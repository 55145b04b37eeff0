"""``imagegen images zip``: beside a server and without one."""

import subprocess
import sys
import zipfile

import pytest

from tests.integration.api.live_server import clean_environ
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
    assert "2 image(s) in alone.zip\n" == good(filled.imagegen("images", "zip", "alone.zip", "2", "1", "2"))
    filled.start()
    good(filled.imagegen("images", "zip", "beside.zip", "2", "1"))

    files = unzipped(filled, "alone.zip")
    assert ["a b-2.png", "一座灯塔-1.png"] == list(files)
    assert {file.read_bytes() for file in image_files(filled.data_dir)} == set(files.values())
    assert files == unzipped(filled, "beside.zip")


def test_an_image_that_cannot_be_read_stops_no_other(filled):
    """It is named at the end; if there is no other, there is no file."""
    assert "9: no such image" in failed(filled.imagegen("images", "zip", "some.zip", "9", "1"))
    assert ["一座灯塔-1.png"] == list(unzipped(filled, "some.zip"))

    assert "9: no such image" in failed(filled.imagegen("images", "zip", "none.zip", "9"))
    assert not (filled.folder / "none.zip").exists()


def test_a_file_that_cannot_be_written_is_said_in_one_line(filled):
    """Before anything is read."""
    assert "nowhere" in failed(filled.imagegen("images", "zip", "nowhere/a.zip", "1"))


def test_no_file_is_replaced_unasked(filled):
    """A picture of the user's stays as it is; ``--force`` replaces it."""
    mine = filled.folder / "mine.png"
    mine.write_bytes(b"mine")

    assert "mine.png exists; --force replaces it" in failed(filled.imagegen("images", "zip", "mine.png", "1"))
    assert b"mine" == mine.read_bytes()
    good(filled.imagegen("images", "zip", "mine.png", "1", "--force"))
    assert ["一座灯塔-1.png"] == list(unzipped(filled, "mine.png"))


def test_a_forgotten_file_is_said(filled):
    """The first id is not taken for its name."""
    result = filled.imagegen("images", "zip", "1", "2")

    assert (2, "") == (result.returncode, result.stdout)
    assert "FILE stands before the ids, and 1 looks like an id" in result.stderr
    assert not (filled.folder / "1").exists()


def test_a_zip_goes_to_standard_output(filled):
    """With nothing else in it, and no file of that name."""
    good(filled.imagegen("images", "zip", "file.zip", "2", "1"))
    with (filled.folder / "piped.zip").open("wb") as pipe:
        subprocess.run(
            [sys.executable, "-m", "imagegen_http", "images", "zip", "-", "2", "1"],
            cwd=filled.folder,
            env=clean_environ(),
            stdout=pipe,
            check=True,
            timeout=60,
        )

    assert unzipped(filled, "file.zip") == unzipped(filled, "piped.zip")
    assert not (filled.folder / "-").exists()
