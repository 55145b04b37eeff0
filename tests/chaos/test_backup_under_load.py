"""A backup made while 20 clients are active is all that another machine needs, except for the master key."""

import hashlib
import os
import subprocess
import time

import attrs
import pytest

from tests.chaos.load import Load
from tests.chaos.service import IMAGEGEN, Service, wait_until

CALLERS = 20
KEY = "sk-of-a-saved-configuration"
ELSEWHERE = """
set -eu
hostname elsewhere
mount -t tmpfs none "$1"
shift
exec unshare --user --map-user=1000 --map-group=1000 "$@"
"""
"""Another host name and user, and the old data directory is empty."""

SENT = "SELECT task_id, part FROM attempts WHERE phase <> 'reserved'"
PART = "SELECT task_id, part FROM attempts WHERE attempt_id = ?"
UNFINISHED = "SELECT 1 FROM tasks WHERE completed_at IS NULL"


@attrs.frozen(kw_only=True)
class Carried:
    """What is moved to another machine, and the tasks completed when the backup began."""

    backup: object
    key: bytes
    completed: set


@pytest.fixture
def carried(stage, tmp_path):
    """Run a service with many clients, make a backup meanwhile, and kill the service."""
    service = stage.service
    service.settings = {"queue": {"workers": 8}}
    stage.upstream.be(seconds=0.2)
    service.start()
    config = {"provider_name": "kept", "kind": "demo", "api_key": KEY}
    with service.client() as api:
        api.post("/api/v1/providers/config", json=config).raise_for_status()
    with Load(service, callers=CALLERS, pause=0.4) as load:
        wait_until(lambda: len(load.completed) >= 30, awaited="thirty images")
        begun = time.monotonic()
        _run(IMAGEGEN, "backup", tmp_path / "it", folder=service.folder)
        later = len(load.completed)
        wait_until(lambda: len(load.completed) > later, awaited="images after the backup")
    key = (service.data_dir / "master.key").read_bytes()
    service.kill()
    return Carried(backup=tmp_path / "it", key=key, completed=load.completed_before(begun))


@pytest.mark.timeout(300)
def test_a_backup_under_load_is_complete_on_another_machine(stage, carried, tmp_path, measured):
    """Every image is intact, no sent call is paid again, and without the master key only keys are locked."""
    old, paid = stage.service, len(stage.upstream.charges())
    new = _elsewhere(stage, tmp_path)
    output = _run(*new.wrap, IMAGEGEN, "restore", carried.backup, folder=new.folder)
    images, sent_parts = new.rows("SELECT * FROM images"), {tuple(row) for row in new.rows(SENT)}
    waiting = len(new.rows(UNFINISHED))
    different = [image["blob_key"] for image in images if not _same(image, old, new)]

    assert "master.key is missing: 1 saved secret(s) cannot be read" in output
    assert [] == different
    assert set() == carried.completed - _completed(new)
    assert waiting > 0

    new.start()
    assert ({200}, "locked") == _check_service(new, images)
    new.kill()
    (new.data_dir / "master.key").write_bytes(carried.key)
    (new.data_dir / "master.key").chmod(0o600)
    new.start()
    wait_until(lambda: not new.rows(UNFINISHED), awaited="the end of what waited", seconds=200)
    charges = stage.upstream.charges()[paid:]
    parts = [tuple(new.rows(PART, charge.token)[0]) for charge in charges]

    assert ({200}, "ok") == _check_service(new, images)
    assert len(set(parts)) == len(parts)
    assert set() == set(parts) & sent_parts
    measured(
        f"a backup beside {CALLERS} callers: {len(images)} images compared, {len(carried.completed)} tasks "
        f"were completed before it, {waiting} waited or ran, of which {len(parts)} were sent elsewhere"
    )
    new.kill()


def _elsewhere(stage, tmp_path):
    """Return a service on another machine that calls the same provider."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    wrap = ("unshare", "--mount", "--uts", "sh", "-c", ELSEWHERE, "sh", stage.service.data_dir)
    new = Service(folder, folder / "data", stage.upstream, settings=stage.service.settings, wrap=wrap)
    new.configure()
    return new


def _run(*command, folder):
    """Run a command that must succeed and return its output."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEGEN_")}
    done = subprocess.run(command, cwd=folder, env=inherited, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def _same(image, old, new):
    """Return whether an image has its original content in both services."""
    key = image["blob_key"]
    contents = [(service.data_dir / "images" / key).read_bytes() for service in (old, new)]
    return [image["sha256"]] * 2 == [hashlib.sha256(content).hexdigest() for content in contents]


def _completed(service):
    return {row[0] for row in service.rows("SELECT task_id FROM tasks WHERE status = 'completed'")}


def _check_service(service, images):
    """Return the statuses of all images, and the health check of the saved keys."""
    with service.client() as api:
        statuses = {api.get(f"/api/v1/images/{image['id']}/content").status_code for image in images}
        return statuses, api.get("/health").json()["checks"]["keys"]
