"""Commands beside a server, after its end, and in place of it."""

import fcntl
import json
import os
import shutil
import socket
from contextlib import AsyncExitStack

import pytest

from imagegen_adapters.stores.directory import DataDirectory
from imagegen_core.errors import StorageError
from imagegen_http.cli import api as cli_api
from imagegen_http.running_server import CHALLENGE_HEADER, PROOF_HEADER, RunningServer
from imagegen_http.server import logs
from imagegen_http.settings.loader import load_settings
from tests.fakes.loopback import Answer, Loopback
from tests.integration.api.asking import CONFIG, data, ended, finished, running, submit, task_of
from tests.integration.api.command_line.conftest import SMALL
from tests.integration.api.live_server import LiveServer
from tests.integration.cli.outcomes import failed, good


def test_commands_use_a_running_server(start_server):
    """It does the work, and no other process opens the data directory."""
    server = start_server({"queue": {"workers": 1}})
    with server.client() as api:
        task = json.loads(good(server.imagegen("generate", "through the server", *SMALL, "--json")))
        assert "completed" == task_of(api, task["task_id"])["status"]
        running(api, data(submit(api, delay_seconds=500))["task_id"])
        waiting = data(submit(api, "waits"))["task_id"]
        assert "cancelled" in good(server.imagegen("tasks", "cancel", waiting))
        retried = good(server.imagegen("tasks", "retry", waiting)).strip()
        assert "pending" == task_of(api, retried)["status"]
        listed = json.loads(good(server.imagegen("tasks", "list", "--status", "pending", "--json")))
        assert [retried] == [t["task_id"] for t in listed]
        assert "cancelled" == json.loads(good(server.imagegen("tasks", "show", waiting)))["status"]
        good(server.imagegen("providers", "set", "told", "--kind", "demo"))
        assert 200 == api.get(f"{CONFIG}/told").status_code
        good(server.imagegen("images", "delete", task["images"][0]["id"], "--yes"))
        assert [] == task_of(api, task["task_id"])["images"]


def test_the_end_of_a_quick_task_is_answered_at_once(start_server):
    """A command that polls would see it a moment later. A busy machine may need longer, but not each time."""
    server = start_server()
    answered = '"path":"/api/v1/tasks/generate","status":200,'
    for _ in range(20):
        good(server.imagegen("generate", "quick", *SMALL))
        if answered in server.log:
            break

    assert answered in server.log


def test_commands_know_the_servers_token(start_server):
    """From the same settings."""
    server = start_server({"server": {"auth_token": "env:TOKEN"}}, environ={"TOKEN": "a-token-of-the-server"})

    assert 0 == server.imagegen("tasks", "list").returncode


def test_commands_send_any_token_that_a_server_accepts(start_server):
    """Also one that is not ASCII."""
    server = start_server({"server": {"auth_token": "一把很长的钥匙"}})

    assert 0 == server.imagegen("tasks", "list").returncode


def test_tasks_of_a_server_are_listed_after_its_end(start_server):
    """From the same data."""
    server = start_server()
    with server.client() as api:
        task = finished(api, "remembered")
    server.stop()
    shown = json.loads(good(server.imagegen("tasks", "show", task["task_id"])))

    assert (task["task_id"], "completed", "remembered") == (
        shown["task_id"],
        shown["status"],
        shown["prompt"],
    )


def test_a_retry_without_a_server_waits_for_the_next_one(start_server):
    """It stays pending."""
    server = start_server()
    with server.client() as api:
        task = data(submit(api, refuse=True, headers={"Prefer": "wait=30"}))
    server.stop()
    retried = good(server.imagegen("tasks", "retry", task["task_id"])).strip()
    server.start()
    with server.client() as api:
        assert ("failed", task["prompt"]) == (ended(api, retried)["status"], task_of(api, retried)["prompt"])


def test_a_second_server_on_the_same_data_is_refused(start_server):
    """Exit 1, one line; the first goes on."""
    server = start_server()
    line = failed(server.imagegen("serve", "--port", "0"))
    with server.client() as api:
        assert 200 == api.get("/health").status_code
    assert "data" in line


def test_a_second_server_with_the_same_port_names_the_data(start_server):
    """The same command again: exit 1, because of the first server rather than some port."""
    server = start_server()
    port = server.url.rpartition(":")[2]

    assert "another imagegen" in failed(server.imagegen("serve", "--port", port))


def test_a_port_in_use_is_named(run):
    """Whoever uses it; that is not wrong usage."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        assert str(port) in failed(run("serve", "--port", port))


def test_the_server_announces_itself_for_commands_only(start_server):
    """The announcement is removed when it ends."""
    server = start_server()
    existed = (server.data_dir / "server.json").exists()
    server.stop()

    assert (True, False) == (existed, (server.data_dir / "server.json").exists())
    assert 0 == server.imagegen("tasks", "list").returncode


def test_commands_work_after_a_server_was_killed(start_server):
    """Its announcement is stale."""
    server = start_server()
    with server.client() as api:
        finished(api)
    server.kill()

    assert 1 == len(json.loads(good(server.imagegen("tasks", "list", "--json"))))


def test_a_stale_announcement_whose_pid_is_in_use_again_is_no_server(run, tmp_path):
    """As after a power cut, or in a container, where every start has the same pid."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    good(run("providers", "set", "begun", "--kind", "demo"))
    (tmp_path / "data" / "server.json").write_text(json.dumps({"url": url, "pid": os.getpid()}))

    assert [] == json.loads(good(run("tasks", "list", "--json")))


def test_commands_on_a_copy_leave_the_original_alone(start_server, tmp_path):
    """Its server is announced in the copy too, and has nothing to do with it."""
    server = start_server()
    with server.client() as api:
        image = finished(api)["images"][0]["id"]
        shutil.copytree(server.data_dir, tmp_path / "copy" / "data")
        copy = LiveServer(tmp_path / "copy")
        later = finished(api, "after the copy")["task_id"]

        listed = json.loads(good(copy.imagegen("tasks", "list", "--json")))
        good(copy.imagegen("images", "delete", image, "--yes"))
        good(copy.imagegen("providers", "set", "of-the-copy", "--kind", "demo"))

        assert later not in [task["task_id"] for task in listed]
        assert 200 == api.get(f"/api/v1/images/{image}").status_code
        assert 404 == api.get(f"{CONFIG}/of-the-copy").status_code
    assert [] == json.loads(good(copy.imagegen("images", "list", "--json")))


def test_no_file_of_another_directory_announces_a_server(tmp_path):
    """Whether it was copied here, linked here, or a bind mount shows the same directory elsewhere."""
    for name in ("data", "copy", "link"):
        (tmp_path / name).mkdir()
    (tmp_path / "mount").symlink_to(tmp_path / "data")
    with RunningServer.announce(tmp_path / "data", "127.0.0.1", 80) as server:
        shutil.copy(tmp_path / "data" / "server.json", tmp_path / "copy")
        (tmp_path / "link" / "server.json").hardlink_to(tmp_path / "data" / "server.json")

        servers = [RunningServer.find(tmp_path / name) for name in ("data", "mount", "copy", "link")]

    assert [server, server, None, None] == servers


def test_whoever_listens_at_the_address_gets_no_token(run, tmp_path):
    """Nor does one that shows the server's own answer: it is for the server's own address."""
    good(run("providers", "set", "begun", "--kind", "demo"))
    relayed = RunningServer(url="http://127.0.0.1:8080", key="known")

    def answer(request):
        return Answer(headers={PROOF_HEADER: relayed.proof(request.headers[CHALLENGE_HEADER.lower()])})

    with Loopback(answer) as other, (tmp_path / "data" / "server.json").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        inode = (tmp_path / "data").stat().st_ino
        json.dump({"url": other.url, "pid": os.getpid(), "key": "known", "directory": inode}, file)
        file.flush()

        assert [] == json.loads(
            good(run("tasks", "list", "--json", environ={"IMAGEGEN_SERVER__AUTH_TOKEN": "a-token-of-ours"}))
        )
        assert [("/health/live", None)] == [(r.path, r.headers.get("authorization")) for r in other.requests]


@pytest.mark.anyio
async def test_a_server_out_of_reach_is_named(tmp_path, monkeypatch):
    """As one in a container, whose loopback is another: nothing else may work in the directory."""
    monkeypatch.setattr(cli_api, "MAX_LOCK_WAIT_SECONDS", cli_api.LOCK_POLL_SECONDS)
    monkeypatch.setattr(logs, "set_up_logs", lambda *_: None)  # it would be for all tests of this process
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    directory = DataDirectory.open(tmp_path / "data")
    (tmp_path / "data" / "imagegen.db").touch()
    settings = load_settings(config=None, environ={}, cwd=tmp_path)
    message = f"does not answer at http://127.0.0.1:{port}"
    with (
        RunningServer.announce(directory.path, "127.0.0.1", port),
        pytest.raises(StorageError, match=message),
    ):
        async with AsyncExitStack() as stack:
            await cli_api.connect_here(stack, settings, {}, run_background=False, create=False)
    directory.close()
