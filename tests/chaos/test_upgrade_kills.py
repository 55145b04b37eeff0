"""SIGKILL and a full disk while an old database is migrated: the next start finds all of its data.

The last migration is one of these tests: it adds a column, fills it, and copies a table.
"""

import os
import subprocess
import sys

import pytest

from tests.chaos.injection import SYNCS, launched
from tests.chaos.service import IMAGEGEN
from tests.schemas import scene
from tests.schemas.directories import NAMES, SECRET_HEADER, dump, unpack

OLDEST = NAMES[0]

UPGRADE = r"""
import sys
from pathlib import Path
from imagegen_adapters.stores.sqlite import database
from imagegen_core.errors import ImagegenError

second = Path(sys.argv[1]).parent.with_name("m999_second.sql")
second.write_text(
    "ALTER TABLE tasks ADD COLUMN words TEXT;\n"
    "UPDATE tasks SET words = prompt || prompt;\n"
    "CREATE INDEX tasks_by_words ON tasks (words);\n"
    "CREATE TABLE images_again AS SELECT * FROM images;\n"
)
known = database.migrations()
database.migrations = lambda: {**known, second.stem: second}
try:
    database.Database.open(Path(sys.argv[1])).close_now()
except ImagegenError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""
"""What a start of the service does to the database, if it has one more migration."""

WRITES = {
    "pwrite64": range(1, 400),
    SYNCS: range(1, 40),
    "ftruncate": range(1, 40),
    "unlink": range(1, 40),
}
"""The calls by which SQLite modifies files; a kind ends when the upgrade survives its N-th call."""

PROMPT_OF = "SELECT prompt FROM attempts JOIN tasks USING (task_id) WHERE attempt_id = ?"

SOME = {"pwrite64": (1, 3, 9, 27), SYNCS: (1, 3), "ftruncate": (1,), "unlink": (1,)}
"""For a short run."""


@pytest.fixture
def upgraded(tmp_path):
    """Return a function that returns the content of a schema's database after an undisturbed upgrade."""

    def upgraded(name):
        path = unpack(name, tmp_path / f"undisturbed-{name}") / "imagegen.db"
        assert (0, "") == _upgrade(path)
        return _content(path)

    return upgraded


@pytest.mark.timeout(300)
def test_a_few_kills(tmp_path, measured, upgraded):
    """A short run."""
    expected = upgraded(OLDEST)
    deaths = [
        _killed(OLDEST, tmp_path / f"{call[:5]}-{number}", call, number, expected)
        for call, numbers in SOME.items()
        for number in numbers
    ]

    measured(f"upgrades killed at {sum(deaths)} of {len(deaths)} calls")
    assert sum(deaths) >= 6


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", NAMES)
def test_every_kill(tmp_path, measured, upgraded, name):
    """One kill after another, each with a new database, until there is no further call of a kind."""
    deaths, expected = 0, upgraded(name)
    for call, numbers in WRITES.items():
        for number in numbers:
            if not _killed(name, tmp_path / f"{call[:5]}-{number}", call, number, expected):
                break
            deaths += 1

    measured(f"upgrades from {name} killed at {deaths} calls")
    assert deaths >= 6


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [1, 4, pytest.param(range(1, 400), marks=pytest.mark.long)])
def test_a_disk_that_becomes_full(tmp_path, measured, upgraded, number):
    """It is reported, nothing is lost, and the upgrade succeeds once there is space."""
    refusals, expected = 0, upgraded(OLDEST)
    for one in number if isinstance(number, range) else (number,):
        path = unpack(OLDEST, tmp_path / f"full-{one}") / "imagegen.db"
        code, message = _upgrade(path, launched("pwrite64", f"error=ENOSPC:when={one}+"))
        if code == 0:
            break
        refusals += 1
        assert message.endswith("is full")
        assert (0, "") == _upgrade(path)
        assert expected == _content(path)

    measured(f"upgrades on a disk that was full from {refusals} calls on")
    assert refusals


def _killed(name, data_dir, call, number, expected):
    """Kill an upgrade at a call and return whether it was reached; the next upgrade must lose nothing."""
    path = unpack(name, data_dir) / "imagegen.db"
    code, _ = _upgrade(path, launched(call, f"signal=KILL:when={number}"))
    assert (0, "") == _upgrade(path)
    assert expected == _content(path)
    return code != 0


def _upgrade(path, wrap=()):
    """Open a database in another process and return its exit code and error output."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # its writes would be counted
    done = subprocess.run(
        [*wrap, sys.executable, "-c", UPGRADE, path], env=environ, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.strip()


def _content(path):
    """Return the content of a database, except the times of its migrations."""
    assert not path.with_name("imagegen.db-wal").exists()
    return [line for line in dump(path).splitlines() if "_sqlite_migrations' VALUES" not in line]


@pytest.mark.timeout(300)
def test_a_service_starts_when_there_is_space(stages, disk, tmp_path):
    """On a full disk it exits with a message; with space, it continues with its data."""
    small = disk(megabytes=24)
    stage = stages(data_dir=small.mount_point / "data")
    unpack(OLDEST, stage.service.data_dir, stage.upstream.url)
    stage.upstream.be(lasting=True)
    with small.filled():
        stage.service.launch()
        code = stage.service.process.wait(60)
        message = stage.service.log.strip().splitlines()[-1]
    assert (1, True) == (code, "full" in message or "No space" in message), stage.service.log
    stage.service.start()
    _check_nothing_is_lost(stage)
    stage.service.kill()


@pytest.mark.timeout(300)
def test_two_services_that_start_at_once(stages):
    """One migrates the database and works; the other reports that the data directory is in use."""
    stage = stages()
    unpack(OLDEST, stage.service.data_dir, stage.upstream.url)
    stage.upstream.be(lasting=True)
    stage.service.start()
    command = [IMAGEGEN, "serve", "--config", stage.service.folder / "config.yaml", "--port", "0"]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    _check_nothing_is_lost(stage)

    assert (1, True) == (second.returncode, "another imagegen process" in second.stderr)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_a_service_continues_with_an_old_directory(stages, name):
    """Pending and unfinished tasks end as expected, nothing is sent twice, and all images are found."""
    stage = stages()
    service = stage.service
    unpack(name, service.data_dir, stage.upstream.url)
    stage.upstream.be(lasting=True)
    service.start()
    stage.promises.check_every_task_ends()
    ends = {
        row["prompt"]: row["status"] for row in service.rows("SELECT prompt, status FROM tasks ORDER BY seq")
    }
    with service.client() as api:
        again = api.post("/api/v1/tasks/generate", json=scene.REPEATED, headers=scene.IDEMPOTENT)
        totals = {word: _search_total(api, word) for word in ("一只猫", "lighthouse", "两只狗")}
        images = api.get("/api/v1/images", params={"page_size": 100}).json()["data"]["items"]
        contents = [api.get(image["image_url"]).status_code for image in images]
        thumbnails = [api.get(image["thumbnail_url"]).status_code for image in images]
    charges = stage.upstream.charges()
    sent_prompts = {service.rows(PROMPT_OF, charge.token)[0]["prompt"] for charge in charges}

    assert scene.ENDS == ends
    assert scene.SENT == sent_prompts
    assert len(scene.SENT) == len(charges)
    assert {"一只猫": 1, "lighthouse": 1, "两只狗": 2} == totals
    assert {200} == {*contents, *thumbnails}
    secrets = service.rows("SELECT extra_config FROM provider_configs")
    assert [] == [row[0] for row in secrets if SECRET_HEADER in row[0]]
    assert "true" == again.headers["Idempotent-Replayed"]
    _check_nothing_is_lost(stage)
    service.kill()


def _check_nothing_is_lost(stage):
    """Check what does not depend on the ledger of the original provider."""
    stage.promises.check_every_task_ends()
    stage.promises.check_last_events()
    stage.promises.check_images()
    stage.promises.check_database()


def _search_total(api, keyword):
    return api.get("/api/v1/images/search", params={"keyword": keyword}).json()["data"]["total"]
