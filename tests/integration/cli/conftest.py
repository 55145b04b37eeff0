"""A data directory with a bit of everything, created once by a real server that was killed."""

import shutil

import pytest

from tests.fakes.images import png
from tests.integration.api.asking import CONFIG, data, data_url, finished, running, submit
from tests.integration.api.live_server import LiveServer

KEY = "sk-a-saved-secret-4711"
EDIT = {"provider": "demo", "prompt": "waits with its image", "image": data_url(png(3, (64, 64)))}


@pytest.fixture(scope="session")
def used(tmp_path_factory):
    """Two images, a saved key, a running task and a pending one with its input."""
    server = LiveServer(tmp_path_factory.mktemp("used"), {"queue": {"workers": 1}}).start()
    with server.client() as api:
        finished(api, "一只猫", num=2, seed=7)
        data(api.post(CONFIG, json={"provider_name": "kept", "kind": "demo", "api_key": KEY}))
        running(api, data(submit(api, "runs", delay_seconds=500))["task_id"])
        data(api.post("/api/v1/images/edit", json=EDIT))
    server.kill()
    return server.folder


@pytest.fixture
def desk(used, tmp_path):
    """A copy of it, not running."""
    shutil.copytree(used / "data", tmp_path / "desk" / "data")
    server = LiveServer(tmp_path / "desk")
    yield server
    server.end()


@pytest.fixture
def other(tmp_path):
    """An empty directory."""
    (tmp_path / "other").mkdir()
    server = LiveServer(tmp_path / "other")
    yield server
    server.end()


def files_below(folder):
    """Return all files with their bytes, except the lock and the files that SQLite manages itself."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm", "lock"))
    }
