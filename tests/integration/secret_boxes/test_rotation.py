import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagegen_adapters.secrets import (
    FernetSecretBox,
    MasterKeyRefused,
    SealedRow,
    new_key,
    parse_keys,
    rotate_master_key,
)
from imagegen_core.errors import Unavailable

pytestmark = pytest.mark.anyio

SECRETS = {"openai": "sk-1", "gemini": "AIza-2", "sd": "user:pass"}


class FileRows:
    """Sealed rows in a JSON file, each replaced durably, as a database would."""

    def __init__(self, path):
        self._path = path

    def read(self):
        return json.loads(self._path.read_text())

    async def all(self):
        for place, token in self.read().items():
            yield SealedRow(place=place, token=token)

    async def replace(self, row, token):
        rows = self.read()
        if rows[row.place] != row.token:
            return
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(rows | {row.place: token}))
        temporary.replace(self._path)


@pytest.fixture
def directory(tmp_path):
    box = FernetSecretBox.for_directory(tmp_path, environment_keys=None, sample=None)
    sealed = {name: box.seal(secret, context=name) for name, secret in SECRETS.items()}
    (tmp_path / "rows.json").write_text(json.dumps(sealed))
    return tmp_path


def opened(directory):
    rows = FileRows(directory / "rows.json").read()
    box = FernetSecretBox.for_directory(directory, environment_keys=None, sample=next(iter(rows.values())))
    return {name: box.open(token, context=name) for name, token in rows.items()}


def keys_of(directory):
    return parse_keys((directory / "master.key").read_text())


async def test_a_rotation_leaves_one_new_key_that_opens_everything(directory):
    """The old key opens nothing afterwards."""
    old = keys_of(directory)
    count = await rotate_master_key(directory, FileRows(directory / "rows.json"))
    tokens = FileRows(directory / "rows.json").read().values()

    assert (3, SECRETS, 1) == (count, opened(directory), len(keys_of(directory)))
    assert not any(FernetSecretBox(old).opens(token) for token in tokens)


async def test_the_key_file_stays_its_owners(directory):
    """The mode survives the replacement."""
    await rotate_master_key(directory, FileRows(directory / "rows.json"))

    assert 0o600 == (directory / "master.key").stat().st_mode & 0o777


async def test_a_row_that_nothing_opens_stops_the_rotation_before_it_begins(directory):
    """The old key stays the only one."""
    rows, keys = FileRows(directory / "rows.json"), keys_of(directory)
    (directory / "rows.json").write_text(
        json.dumps(rows.read() | {"lost": FernetSecretBox([new_key()]).seal("x", context="lost")})
    )
    with pytest.raises(Unavailable):
        await rotate_master_key(directory, rows)

    assert keys == keys_of(directory)


async def test_there_is_nothing_to_rotate_without_a_key_file(tmp_path):
    """Keys from the environment are the operator's."""
    (tmp_path / "rows.json").write_text("{}")
    with pytest.raises(MasterKeyRefused):
        await rotate_master_key(tmp_path, FileRows(tmp_path / "rows.json"))


async def test_a_rotation_that_is_killed_at_any_file_operation_can_be_finished(directory, tmp_path_factory):
    """Whatever was done when the process died, everything opens, and the next run ends with one new key."""
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    for step in itertools.count(1):
        copy = tmp_path_factory.mktemp(f"step{step}")
        for name, data in before.items():
            (copy / name).write_bytes(data)
            (copy / name).chmod(0o600)
        code = killed_at(step, copy)
        assert SECRETS == opened(copy), f"unreadable after a kill at step {step}"
        await rotate_master_key(copy, FileRows(copy / "rows.json"))
        assert (SECRETS, 1) == (opened(copy), len(keys_of(copy)))
        if code == 0:
            break

    assert step > 15


def killed_at(step, directory):
    """Run a rotation in another process that dies right before its so-manieth file operation."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, __file__, str(step), str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode in (0, 9), done.stderr
    return done.returncode


def main(step, directory):
    import asyncio

    remaining = itertools.count(step - 1, -1)
    watched = ("open", "os.rename", "os.link", "os.remove", "os.truncate")

    def die(event, args):
        if event in watched and str(directory) in str(args[0]) and next(remaining) == 0:
            os._exit(9)

    sys.addaudithook(die)
    asyncio.run(rotate_master_key(directory, FileRows(directory / "rows.json")))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
