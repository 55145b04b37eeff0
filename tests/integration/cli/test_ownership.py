"""What root does in another user's data directory leaves nothing there that this user cannot use."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.integration.api.live_server import LiveServer

OWNER = 65534 if os.geteuid() == 0 else os.geteuid()
WRITING = [
    ("generate", "a cat", "-o", "cat.png"),
    ("providers", "set", "more", "--kind", "demo"),
    ("providers", "list"),
    ("images", "list"),
    ("storage", "verify"),
    ("reindex",),
    ("keys", "rotate"),
    ("serve", "--port", "0", "--host", "198.51.100.1"),
    ("backup", "it.backup"),
    ("doctor",),
]


def give(folder):
    """Make everything the owner's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, OWNER, -1)


@pytest.fixture
def foreign(tmp_path_factory):
    """A place that everybody can reach, whose data directory belongs to a user who is not root."""
    folder = Path(tempfile.mkdtemp(prefix="imagegen-owner-", dir="/tmp"))
    folder.chmod(0o777)  # the image lands here
    server = LiveServer(folder)
    server.imagegen("generate", "a cat")
    give(server.data_dir)
    yield server
    shutil.rmtree(folder)


def owners(folder):
    return {path.lstat().st_uid for path in (folder, *folder.rglob("*"))}


@pytest.mark.parametrize("arguments", WRITING, ids=" ".join)
def test_every_command_leaves_only_what_the_owner_owns(foreign, arguments):
    """It works as the owner; if that user cannot run this Python, it refuses and says what to do."""
    result = foreign.imagegen(*arguments, environ={"IMAGEGEN_SERVER__AUTH_TOKEN": "t"})

    assert {OWNER} == owners(foreign.data_dir)
    assert result.returncode == 0 or "belongs to" in result.stderr or arguments[0] == "serve", result


def test_a_restore_does_so_too(foreign):
    """Into an empty directory of that user."""
    foreign.imagegen("backup", "it.backup")
    shutil.rmtree(foreign.data_dir)
    foreign.data_dir.mkdir(mode=0o700)
    give(foreign.data_dir)
    result = foreign.imagegen("restore", "it.backup")

    assert {OWNER} == owners(foreign.data_dir)
    assert result.returncode == 0 or "deploy/install.sh" in result.stderr, result


def test_a_new_directory_belongs_to_its_parents_owner(foreign):
    """As if that user had created it."""
    shutil.rmtree(foreign.data_dir)
    os.chown(foreign.folder, OWNER, -1)
    foreign.imagegen("generate", "a cat")

    assert {OWNER} == owners(foreign.data_dir) if foreign.data_dir.exists() else True


def test_doctor_finds_files_of_root(foreign):
    """And says how to change their owner."""
    os.chown(foreign.data_dir / "imagegen.db", os.geteuid(), -1)
    result = foreign.imagegen("doctor")
    line = next(line for line in result.stdout.splitlines() if " owner: " in line)

    assert (os.geteuid() == 0) == line.startswith("fail") == ("imagegen.db (root)" in line)
    assert (os.geteuid() == 0) == (f"chown -R --reference={foreign.data_dir}" in line)
