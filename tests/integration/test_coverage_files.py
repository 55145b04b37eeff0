"""Coverage data of processes that were killed while they saved it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def coverage(*args, cwd):
    return subprocess.run(
        [sys.executable, "-m", "coverage", *args], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The data of two programs, in ``data``."""
    folder = tmp_path_factory.mktemp("measured")
    folder.joinpath("data").mkdir()
    for name in ("one.py", "two.py"):
        folder.joinpath(name).write_text("print()\n" * 2000)
        assert 0 == coverage("run", "-p", "--data-file=data/.coverage", name, cwd=folder).returncode
    return folder


@pytest.mark.parametrize("damage", ["cut off", "pages overwritten", "empty"])
def test_what_is_damaged_spoils_nothing(measured, tmp_path, damage):
    """The file of a killed process is left out, the others are combined."""
    folder = tmp_path / "copy"
    shutil.copytree(measured, folder)
    data = folder / "data"
    file = min(data.iterdir())
    content = bytearray(file.read_bytes())
    if damage == "pages overwritten":
        for page in range(4096, len(content), 4096):
            content[page : page + 64] = b"\xff" * 64
    file.write_bytes({"cut off": content[:20_000], "empty": b""}.get(damage, content))

    swept = subprocess.run([sys.executable, "-m", "tests.coverage_files", data], cwd=ROOT, check=False)
    combined = coverage("combine", "--data-file=.coverage", "data", cwd=folder)

    assert (0, 0) == (swept.returncode, combined.returncode), combined.stderr
    assert "Combined 1 file" in combined.stderr
