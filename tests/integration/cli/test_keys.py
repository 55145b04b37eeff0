"""``imagegen keys rotate``: every saved secret stays readable, whenever the rotation is killed."""

import shutil
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from imagegen_adapters.secrets import FernetSecretBox, new_key
from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import CONFIG, GENERATE, SMALL, body_of, data, until
from tests.integration.api.live_server import LiveServer, clean_environ
from tests.integration.cli.conftest import KEY
from tests.integration.cli.outcomes import failed, good

KEYS = {"one": "sk-the-first-0001", "two": "sk-the-second-0002", "three": "sk-the-third-0003"}

KILLED_AT = """
import os, signal, sys
place, event, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
def watch(frame, happened, _):
    global count
    if happened == event and frame.f_code.co_qualname == place:
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["imagegen", "keys", "rotate"]
from imagegen_http.cli import main
import threading
threading.setprofile(watch)
sys.setprofile(watch)
main()
"""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """Three saved keys, a secret header, a sent call's key, a pending task's own; the server was killed."""
    server = LiveServer(tmp_path_factory.mktemp("sealed"), {"queue": {"workers": 1}}).start()
    with server.client() as api:
        for name, key in KEYS.items():
            data(api.post(CONFIG, json={"provider_name": name, "kind": "demo", "api_key": key}))
        headers = {"headers": {"X-Own-Token": "token-of-the-header"}}
        data(api.post(CONFIG, json={"provider_name": "headed", "kind": "demo", "extra_config": headers}))
        body = body_of(delay_seconds=500)
        data(api.post(GENERATE, json={**body, "provider": "one"}))
        until(lambda: tokens(server.data_dir), lambda names: any(n.startswith("attempt:") for n in names))
        override = {"config": {"api_key": "sk-of-the-task-0004"}, "params": {"prompt": "waits", **SMALL}}
        data(api.post(GENERATE, json={"provider": "demo", **override}))
    server.kill()
    return server.folder / "data"


@pytest.fixture
def desk(sealed, tmp_path):
    shutil.copytree(sealed, tmp_path / "data")
    server = LiveServer(tmp_path)
    yield server
    server.end()


def tokens(data_dir):
    """Return every token with the context for which it was sealed."""
    with closing(sqlite3.connect(data_dir / "imagegen.db")) as connection:
        configs = connection.execute(
            "SELECT provider_name, key_origin, 'api_key', api_key FROM provider_configs "
            "WHERE api_key IS NOT NULL UNION ALL "
            "SELECT provider_name, key_origin, 'sealed_extra', sealed_extra FROM provider_configs "
            "WHERE sealed_extra IS NOT NULL"
        ).fetchall()
        tasks = connection.execute(
            "SELECT task_id, override FROM tasks WHERE override IS NOT NULL"
        ).fetchall()
        calls = connection.execute(
            "SELECT attempt_id, sealed_config FROM attempts WHERE sealed_config IS NOT NULL"
        ).fetchall()
    return {
        **{f"provider_configs/{name}|{origin}|{column}": token for name, origin, column, token in configs},
        **{f"task:{task_id}": token for task_id, token in tasks},
        **{f"attempt:{attempt_id}": token for attempt_id, token in calls},
    }


def open_secrets(data_dir, *, variable=None):
    """Return all secrets as the service reads them."""
    sealed = tokens(data_dir)
    box = FernetSecretBox.for_directory(
        data_dir, environment_keys=variable, sample=next(iter(sealed.values()))
    )
    return sorted(box.open(token, context=context) for context, token in sealed.items())


def keys_of(data_dir):
    return (data_dir / "master.key").read_text().split()


def test_every_secret_has_a_new_key(desk):
    """The old one opens nothing any more, and no file contains anything sealed with it."""
    before, secrets, old = tokens(desk.data_dir), open_secrets(desk.data_dir), keys_of(desk.data_dir)
    output = good(desk.imagegen("keys", "rotate"))
    after, new = tokens(desk.data_dir), keys_of(desk.data_dir)
    files = b"".join(path.read_bytes() for path in desk.data_dir.glob("imagegen.db*"))

    assert ("6 saved secret(s)" in output, secrets) == (True, open_secrets(desk.data_dir))
    assert (1, set(), before.keys()) == (len(new), set(old) & set(new), after.keys())
    assert not any(FernetSecretBox(old).opens(token) for token in after.values())
    assert not any(token.encode() in files for token in before.values())
    assert 0 == desk.imagegen("doctor").returncode
    assert KEYS["one"][-4:] in good(desk.imagegen("providers", "list"))


@pytest.mark.parametrize(
    ("place", "event", "count"),
    [
        ("replace_keys", "call", 1),
        ("replace_keys", "return", 1),
        ("Writer._outcome", "call", 3),
        ("SqlSealedRows.replace", "return", 6),
        ("write_witness", "return", 1),
        *(
            pytest.param(*row, marks=pytest.mark.long)
            for row in (
                ("FernetSecretBox.rotate", "call", 6),
                ("Writer._outcome", "return", 1),
                ("write_witness", "call", 1),
                ("replace_keys", "call", 2),
            )
        ),
        ("_replace", "return", 3),
    ],
)
def test_killed_at_any_point_nothing_is_lost(desk, place, event, count):
    """Everything is readable at once, and the next rotation finishes it."""
    secrets = open_secrets(desk.data_dir)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED_AT, place, event, str(count)],
        cwd=desk.folder,
        env=clean_environ(),
        check=False,
        capture_output=True,
        timeout=60,
    )
    after_kill = open_secrets(desk.data_dir)
    good(desk.imagegen("keys", "rotate"))

    assert (-signal.SIGKILL, secrets) == (ended.returncode, after_kill), ended.stderr
    assert (secrets, 1) == (open_secrets(desk.data_dir), len(keys_of(desk.data_dir)))


def test_a_running_server_is_in_the_way(desk):
    """One line; nobody else may seal secrets meanwhile."""
    desk.start()
    before = keys_of(desk.data_dir)

    assert "is using" in failed(desk.imagegen("keys", "rotate"))
    assert before == keys_of(desk.data_dir)


def test_keys_of_the_environment_are_rotated(desk):
    """The new one first, the old one behind it; then the old one can be removed."""
    secrets = open_secrets(desk.data_dir)
    (old,) = keys_of(desk.data_dir)
    (desk.data_dir / "master.key").unlink()
    new = new_key()
    alone = desk.imagegen("keys", "rotate", environ={"IMAGEGEN_MASTER_KEY": old})
    output = good(desk.imagegen("keys", "rotate", environ={"IMAGEGEN_MASTER_KEY": f"{new},{old}"}))
    after = open_secrets(desk.data_dir, variable=new)

    assert (1, True) == (alone.returncode, "NEW,OLD" in alone.stderr)
    assert ("6 saved secret(s)" in output, secrets, False) == (
        True,
        after,
        (desk.data_dir / "master.key").exists(),
    )


@pytest.mark.parametrize("key", [None, "short", "A" * 43 + "="])
def test_a_missing_or_wrong_key_changes_nothing(desk, key):
    """One line."""
    before = tokens(desk.data_dir)
    (desk.data_dir / "master.key").unlink()
    if key is not None:
        (desk.data_dir / "master.key").touch(0o600)
        (desk.data_dir / "master.key").write_text(key)
    failed(desk.imagegen("keys", "rotate"))

    assert (before, key) == (tokens(desk.data_dir), "".join(keys_of(desk.data_dir)) if key else None)


def test_no_data_directory_is_created_for_it(tmp_path):
    """There is nothing to rotate."""
    failed(LiveServer(tmp_path).imagegen("keys", "rotate"))

    assert [] == list(tmp_path.iterdir())


def test_no_key_is_ever_printed(desk):
    """Neither the saved ones nor the master key."""
    result = desk.imagegen("keys", "rotate", environ={"IMAGEGEN_LOG__LEVEL": "debug"})
    output = result.stdout + result.stderr

    assert [] == [key for key in (*KEYS.values(), KEY, *keys_of(desk.data_dir)) if key in output]
