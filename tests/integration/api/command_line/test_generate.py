"""``imagegen generate``: which files it writes, and what it prints."""

import io
import json

import pytest
from PIL import Image

from tests.integration.api.command_line.conftest import SMALL
from tests.integration.cli.outcomes import good


def test_generate_writes_an_image_without_a_server(run, tmp_path):
    """And stores it."""
    out = good(run("generate", "一只可爱的猫", *SMALL, "-o", "cat.png"))
    with Image.open(tmp_path / "cat.png") as decoded:
        size, kind = decoded.size, decoded.format
    listed = json.loads(good(run("images", "list", "--json")))

    assert ((64, 64), "PNG", True) == (size, kind, "cat.png" in out)
    assert ["一只可爱的猫"] == [image["prompt"] for image in listed]


@pytest.mark.parametrize("name", ["b.jpg", "b.GIF"])
def test_a_file_gets_the_extension_of_its_format(run, name, tmp_path):
    """Its bytes are the provider's; no file is replaced that the user did not name."""
    (tmp_path / "b.png").write_text("a file of the user's")
    result = run("generate", "a boat", *SMALL, "-o", name)
    with Image.open(tmp_path / "b-2.png") as decoded:
        kind = decoded.format

    assert (0, "PNG", "b-2.png") == (result.returncode, kind, result.stdout.strip().rpartition("/")[2])
    assert [True] * 3 == [word in result.stderr for word in (name, "image/png", "b-2.png")]
    assert {"b.png", "b-2.png", "data"} == {path.name for path in tmp_path.iterdir()}
    assert "a file of the user's" == (tmp_path / "b.png").read_text()


@pytest.mark.parametrize("name", ["b.JPEG", "b.dat", "b"])
def test_a_name_without_another_formats_extension_stays(run, name, tmp_path):
    """A JPEG may be called .jpeg, and a file may have any other extension."""
    good(run("generate", "a boat", *SMALL, "--param", "format=jpeg", "-o", name))
    with Image.open(tmp_path / name) as decoded:
        kind = decoded.format

    assert "JPEG" == kind


def test_generate_prints_the_finished_task_as_json(run):
    """For scripts: JSON alone."""
    task = json.loads(good(run("generate", "a boat", "-n", "2", *SMALL, "--json")))

    assert ("completed", 2, 64) == (task["status"], len(task["images"]), task["images"][0]["width"])


def test_generate_writes_several_images_beside_each_other(run, tmp_path):
    """Numbered; or all into a directory."""
    good(run("generate", "boats", "-n", "2", *SMALL, "-o", "boat.png"))
    (tmp_path / "boats").mkdir()
    good(run("generate", "boats", "-n", "2", *SMALL, "-o", "boats"))

    assert 2 == len(list(tmp_path.glob("boat*.png"))) == len(list((tmp_path / "boats").iterdir()))


def test_params_are_typed_as_they_look(run):
    """Numbers, booleans, texts; seed 7 twice yields the same bytes."""
    args = (
        "generate",
        "x",
        *SMALL,
        "--param",
        "seed=7",
        "--param",
        "format=jpeg",
        "--param",
        "as_job=true",
        "--json",
    )
    one, two = (json.loads(good(run(*args))) for _ in range(2))

    assert {"seed": 7, "format": "jpeg", "as_job": True}.items() <= one["params"].items()
    assert one["images"][0]["sha256"] == two["images"][0]["sha256"]


def test_an_image_is_written_atomically(run, tmp_path):
    """It decodes, and no temporary file is left."""
    good(run("generate", "x", *SMALL, "-o", "x.png"))
    with Image.open(io.BytesIO((tmp_path / "x.png").read_bytes())) as decoded:
        decoded.load()

    assert ["x.png"] == [p.name for p in tmp_path.iterdir() if p.name.startswith((".", "x"))]
