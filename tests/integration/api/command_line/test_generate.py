"""``imagegen generate``: which files it writes, and what it prints."""

import io
import json
import subprocess

import httpx
import pytest
from PIL import Image

from imagegen_http.cli.api import Api
from imagegen_http.cli.files import OutputFiles
from tests.integration.api.command_line.conftest import SMALL
from tests.integration.api.live_server import IMAGEGEN, Terminal, clean_environ
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


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (("-o", "b.png"), "b.png"),
        (("-n", "2", "-o", "b.png"), "b-2.png"),
        (("--param", "n=2", "-o", "b.png"), "b-2.png"),
    ],
)
def test_no_file_is_replaced_unasked(run, args, name, tmp_path):
    """Nothing is made, so nothing is paid for; ``--force`` replaces it."""
    (tmp_path / name).write_text("a file of the user's")
    refused = run("generate", "a boat", *SMALL, *args)
    before = [(tmp_path / name).read_text(), (tmp_path / "data").exists()]
    good(run("generate", "a boat", *SMALL, *args, "--force"))

    assert (2, "") == (refused.returncode, refused.stdout)
    assert f"{name} exists; --force replaces it" in refused.stderr
    assert ["a file of the user's", False] == before
    assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("-n", "2", "-o", "-"), "standard output takes one image"),
        (("-o", "-", "--json"), "-o - and --json exclude each other"),
        (("-o", "/dev/null", "--force"), "/dev/null is no regular file"),
        (("--force",), "--force is for -o"),
    ],
)
def test_an_output_that_cannot_be_meant_is_wrong_usage(run, args, reason, tmp_path):
    """Before anything is made."""
    result = run("generate", "a boat", *SMALL, *args)

    assert (2, "", True) == (result.returncode, result.stdout, reason in result.stderr)
    assert [] == list(tmp_path.iterdir())


def test_a_dash_is_standard_output(run, tmp_path):
    """The bytes of the image and nothing else, and no file of that name."""
    command = [IMAGEGEN, "generate", "a boat", *SMALL, "-o", "-"]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean_environ(), capture_output=True, check=True, timeout=120
    )
    (stored,) = (tmp_path / "data" / "images").rglob("*.png")

    assert (stored.read_bytes(), b"") == (done.stdout, done.stderr)
    assert [tmp_path / "data"] == list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [("generate", "x", "-o", "-"), ("images", "zip", "-", "1")])
def test_a_terminal_gets_no_bytes(command, tmp_path):
    """It could take them for commands."""
    terminal = Terminal.start(*command, cwd=tmp_path)
    terminal.until("--force")

    assert 2 == terminal.end()


def test_an_image_that_cannot_be_written_is_said_to_be_kept(run, tmp_path):
    """It is paid for, so its id and its place are on stderr."""
    command = f"exec {IMAGEGEN} generate x {' '.join(SMALL)} -o - > /dev/full"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env=clean_environ(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert 1 == done.returncode
    assert f"image 1: 64x64 image/png, kept in {tmp_path / 'data'}" in done.stderr


@pytest.mark.anyio
async def test_a_file_that_appears_meanwhile_is_kept(tmp_path, capsys):
    """The paid image gets the next name that is free, and stderr says which."""
    (tmp_path / "b-2.png").write_text("another file of the user's")
    files = OutputFiles.at(tmp_path, "b.png", count=1, force=False)

    def answer(_request):
        (tmp_path / "b.png").write_text("a file of the user's")
        return httpx.Response(200, content=b"the image")

    async with httpx.AsyncClient(
        base_url="http://node.test", transport=httpx.MockTransport(answer)
    ) as client:
        api = Api(client, place="here")
        written = await files.write(api.download_image, [{"id": 7, "mime_type": "image/png"}])

    assert [tmp_path / "b-3.png"] == written
    assert {
        "b.png": "a file of the user's",
        "b-2.png": "another file of the user's",
        "b-3.png": "the image",
    } == {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert f"{tmp_path}/b.png exists; the image is in b-3.png" in capsys.readouterr().err
