"""``imagegen backup`` and ``imagegen restore`` over real processes."""

import json
import shutil
import stat
import tarfile
import threading
from contextlib import closing

import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import data, ended, finished, until
from tests.integration.api.live_server import imagegen
from tests.integration.cli.conftest import KEY, files_below
from tests.integration.cli.outcomes import failed, good


def modes(folder):
    return {stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


def image_files(data_dir):
    return sorted(p for p in (data_dir / "images").rglob("*.png") if "thumb" not in p.name)


@pytest.fixture(scope="module")
def file(used, tmp_path_factory):
    """A backup of the used data directory."""
    folder = tmp_path_factory.mktemp("backup")
    shutil.copytree(used / "data", folder / "data")
    good(imagegen("backup", "it.backup", cwd=folder))
    return folder / "it.backup"


def test_a_backup_is_restored_completely(file, used, other):
    """Images, keys and the input of a pending task; the key file was put there first."""
    other.data_dir.mkdir()
    shutil.copy(used / "data" / "master.key", other.data_dir)
    output = good(other.imagegen("restore", file))
    examined = other.imagegen("doctor")
    restored, originals = image_files(other.data_dir), image_files(used / "data")
    key = good(other.imagegen("providers", "list"))
    pending = json.loads(good(other.imagegen("tasks", "list", "--status", "pending", "--json")))
    processing = json.loads(good(other.imagegen("tasks", "list", "--status", "processing", "--json")))
    with other.start().client() as api:
        edited = ended(api, pending[0]["task_id"])

    assert "master.key" not in output
    for status, tasks in (("pending", pending), ("processing", processing)):
        assert f"1 task(s) are {status}: " in output
        assert f": imagegen tasks list --status {status}\n  {tasks[0]['task_id']}\n" in output
    assert 0 == examined.returncode, examined
    assert [p.read_bytes() for p in originals] == [p.read_bytes() for p in restored]
    assert f"sk-****{KEY[-4:]}" in key
    assert ("edit", "completed") == (edited["operation"], edited["status"])
    assert modes(other.data_dir) <= {0o600, 0o700}


def test_listing_pending_tasks_sends_none_of_them(file, other):
    """Without a server, only commands that are meant to run tasks claim them."""
    good(other.imagegen("restore", file))
    for _ in range(2):
        waiting = json.loads(good(other.imagegen("tasks", "list", "--json")))

        assert {"pending", "processing", "completed"} == {task["status"] for task in waiting}


def test_a_backup_contains_no_key(file, used):
    """Neither the master key, nor its witness, nor a saved key in plain text."""
    content = file.read_bytes()
    key = (used / "data" / "master.key").read_bytes().strip()
    with tarfile.open(file) as tar:
        names = tar.getnames()

    assert [False, False] == [secret in content for secret in (key, KEY.encode())]
    assert ("imagegen.db", []) == (names[1], [name for name in names if "master" in name])
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert [file.name, "data"] == sorted(p.name for p in file.parent.iterdir())[::-1]


def test_restore_reports_what_is_missing(file, other):
    """The key, and how many secrets need it."""
    assert "1 saved secret(s) cannot be read" in good(other.imagegen("restore", file))


def test_a_backup_beside_a_server_that_works_is_consistent(other):
    """It contains every image that its database has."""
    server = other.start()
    stop = threading.Event()

    def work():
        with server.client() as api:
            while not stop.is_set():
                finished(api, "meanwhile")

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    with server.client() as api:
        until(lambda: data(api.get("/api/v1/images"))["total"], lambda n: n > 3)
    for number in range(3):
        good(server.imagegen("backup", f"{number}.backup"))
    stop.set()
    for worker in workers:
        worker.join()
    server.stop()
    for number in range(3):
        place = server.folder / str(number)
        good(server.imagegen("restore", f"{number}.backup", environ={"IMAGEGEN_DATA_DIR": str(place)}))
        examined = server.imagegen("doctor", "--full", environ={"IMAGEGEN_DATA_DIR": str(place)})

        assert 0 == examined.returncode, examined
        assert len(image_files(place)) > 3 * (number == 2)


def test_an_existing_file_is_replaced_only_by_force(desk):
    """Atomically."""
    mine = desk.folder / "mine"
    mine.write_text("mine")
    refused = failed(desk.imagegen("backup", "mine"))
    content = mine.read_text()
    good(desk.imagegen("backup", "mine", "--force"))

    assert ("--force" in refused, "mine", True) == (True, content, tarfile.is_tarfile(mine))


def test_leftovers_of_a_killed_backup_are_no_obstacle(desk):
    """The next backup with that name replaces them."""
    for name in ("it.part", "it.snapshot.part"):
        (desk.folder / name).write_bytes(b"half")
    good(desk.imagegen("backup", "it"))

    assert ["data", "it"] == sorted(path.name for path in desk.folder.iterdir())


def test_a_missing_image_is_reported_and_the_rest_is_backed_up(desk, other):
    """Exits with 1, since somebody should notice an incomplete backup."""
    lost = image_files(desk.data_dir)[0]
    lost.unlink()
    result = desk.imagegen("backup", "it")
    restored = other.imagegen("restore", desk.folder / "it")

    assert (1, True) == (result.returncode, lost.name in result.stderr)
    assert (0, True) == (restored.returncode, "missing" in restored.stderr)
    assert 1 == len(image_files(other.data_dir))


def test_a_damaged_database_is_not_backed_up(desk):
    """A backup that cannot be read is worse than none."""
    damage(desk.data_dir / "imagegen.db")
    failed(desk.imagegen("backup", "it"))

    assert ["data"] == [path.name for path in desk.folder.iterdir()]


def test_nothing_to_back_up(other):
    """One line, and no data directory is created."""
    failed(other.imagegen("backup", "it"))

    assert [] == list(other.folder.iterdir())


def test_endpoints_of_webhooks_are_something_to_back_up(other):
    """Their secrets are nowhere else."""
    other.start().stop()
    failed(other.imagegen("backup", "it"))
    assert 0 == other.imagegen("webhooks", "add", "https://93.184.216.34/").returncode
    assert 0 == other.imagegen("backup", "it").returncode


def test_a_target_that_cannot_be_written(desk):
    """One line."""
    assert "No such file" in failed(desk.imagegen("backup", "no/such/place"))


def test_restore_refuses_a_directory_in_use(file, other):
    """The server goes on."""
    other.start()

    assert "is using" in failed(other.imagegen("restore", file))


@pytest.mark.parametrize("leftover", ["all of it", "imagegen.db", "images", "a stranger's file"])
def test_restore_refuses_a_directory_that_is_not_empty(file, desk, leftover):
    """And changes nothing in it."""
    good(desk.imagegen("images", "list"))  # brings the lock file
    if leftover != "all of it":
        for path in desk.data_dir.iterdir():
            if path.name not in (leftover, "lock"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (desk.data_dir / leftover).touch()
    before = files_below(desk.data_dir)
    refused = failed(desk.imagegen("restore", file))

    assert ("the data directory is not empty" in refused, before) == (True, files_below(desk.data_dir))


def test_a_killed_restore_can_be_repeated(file, other):
    """Without a database, none of its files count."""
    good(other.imagegen("restore", file))
    whole = files_below(other.data_dir)
    (other.data_dir / ".restoring").mkdir()
    (other.data_dir / "imagegen.db").rename(other.data_dir / ".restoring" / "imagegen.db")
    shutil.rmtree(other.data_dir / "images")
    good(other.imagegen("restore", file))

    assert whole.keys() == files_below(other.data_dir).keys()


@pytest.mark.parametrize("damage", ["foreign", "cut", "empty", "nothing"])
def test_an_invalid_backup_leaves_nothing(file, other, damage):
    """One line, and the directory as it was."""
    backup = other.folder / "given"
    if damage != "nothing":
        backup.write_bytes(
            {"foreign": b"hello" * 1000, "cut": file.read_bytes()[: -2 * tarfile.RECORDSIZE], "empty": b""}[
                damage
            ]
        )
    before = sorted(other.folder.rglob("*"))
    failed(other.imagegen("restore", backup))

    assert before == sorted(other.folder.rglob("*"))


def test_restore_of_a_backup_whose_database_has_nothing_sealed(other, tmp_path):
    """No key is missing then."""
    good(other.imagegen("generate", "a cat"))
    good(other.imagegen("backup", "it"))
    place = {"IMAGEGEN_DATA_DIR": str(tmp_path / "place")}

    assert "no saved key needs it" in good(other.imagegen("restore", "it", environ=place))
    assert 0 == other.imagegen("doctor", environ=place).returncode


def damage(database):
    """Overwrite a page that the schema needs."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'images'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
