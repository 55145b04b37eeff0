"""What the service notifies systemd of, how it reports a failed start, and how it reads credentials."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.cli.conftest import KEY
from tests.integration.cli.outcomes import failed, good

INSTALL = Path(__file__).parents[3] / "deploy" / "install.sh"


@pytest.fixture
def manager(tmp_path):
    """A socket like systemd's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(os.fspath(tmp_path / "notify"))
        channel.settimeout(30)
        yield channel


def heard(manager, word):
    """Return the notifications up to and including this word."""
    lines = []
    while not any(line.startswith(word) for line in lines):
        lines += manager.recv(4096).decode().splitlines()
    return lines


def test_it_notifies_when_it_is_ready_alive_and_stopping(other, manager, tmp_path):
    """Ready only once it serves requests; several keep-alives within the watchdog's limit."""
    other.environ = {"NOTIFY_SOCKET": os.fspath(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    other.start()
    begun = heard(manager, "READY=1")
    alive = [heard(manager, "WATCHDOG=1") for _ in range(3)]
    code = other.stop()
    ended = heard(manager, "STOPPING=1")

    assert (0, True, 3) == (code, f"STATUS=listening at {other.url}" in begun, len(alive))
    assert "STATUS=stopping; 0 running" in ended


def test_an_address_without_a_file_and_no_watchdog(other):
    """As with some service managers."""
    name = f"imagegen-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(f"\0{name}")
        channel.settimeout(30)
        other.environ = {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"}
        other.start()

        assert "READY=1" == channel.recv(4096).decode().splitlines()[0]


def test_a_missing_manager_does_not_matter(other, tmp_path):
    """The service runs all the same."""
    other.environ = {"NOTIFY_SOCKET": os.fspath(tmp_path / "nobody")}

    assert 0 == other.start().stop()


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: (data / "master.key").chmod(0o644),
        lambda data: (data / "imagegen.db").write_bytes(b"no database at all" * 1000),
        lambda data: (data / "lock").unlink() or (data / "lock").mkdir(),
    ],
    ids=["master key", "database", "directory"],
)
def test_an_unrecoverable_error_ends_with_3(desk, harm):
    """So that the manager does not restart it; the line names the directory."""
    for file in desk.data_dir.glob("imagegen.db-*"):
        file.unlink()
    harm(desk.data_dir)

    assert str(desk.data_dir) in failed(desk.imagegen("serve", "--port", "0"), code=3)


def test_secrets_are_read_from_systemds_credentials(other, tmp_path):
    """Token and master key are files in a directory that only the service can read."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "token").write_text("handed-over\n")
    (credentials / "key").write_text("A" * 43 + "=\n")
    other.config = {"server": {"auth_token": "file:$CREDENTIALS_DIRECTORY/token"}}
    other.environ = {
        "CREDENTIALS_DIRECTORY": os.fspath(credentials),
        "IMAGEGEN_MASTER_KEY": "file:$CREDENTIALS_DIRECTORY/key",
    }
    other.start()
    with other.client(Authorization="Bearer handed-over") as api:
        status = api.get("/api/v1/tasks").status_code

    assert (200, False) == (status, (other.data_dir / "master.key").exists())


def test_the_credential_master_key_is_the_key_for_service_and_commands(other, tmp_path):
    """Without a variable, which root's commands would not have; one that is set counts all the same."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "master_key").write_text("A" * 43 + "=\n")
    environ = {"CREDENTIALS_DIRECTORY": os.fspath(credentials)}
    save = ("providers", "set", "kept", "--kind", "demo", "--api-key", "-")
    good(other.imagegen(*save, stdin=KEY, environ=environ))
    opened = json.loads(good(other.imagegen("doctor", "--json", environ=environ)))["checks"]
    other_key = {**environ, "IMAGEGEN_MASTER_KEY": "B" * 43 + "="}
    closed = json.loads(other.imagegen("doctor", "--json", environ=other_key).stdout)["checks"]

    assert not (other.data_dir / "master.key").exists()
    assert ["ok", "fail"] == [
        check["status"] for checks in (opened, closed) for check in checks if check["name"] == "master key"
    ]


def test_the_command_has_the_variables_of_the_unit(tmp_path):
    """Those of node.env, word for word as systemd takes them, but for what whoever calls it has set."""
    script = INSTALL.read_text("utf-8")
    snippet = script[script.index("in_environment=") : script.index("# command_of RELEASE")]
    dsn = "postgresql://a:$HOME`id`@b?c=d&e=f"
    written = ["# of a node", f"DSN={dsn}", "QUOTED='a b'", "MINE=no", "no variable", "x-y=1"]
    (tmp_path / "node.env").write_text("\n".join(written))
    command = f'{snippet}\nexec env -i MINE=yes PATH="$PATH" /bin/sh -c "$in_environment\nenv"'
    done = subprocess.run(
        ["/bin/sh", "-euc", command],
        env={"CONFIG": tmp_path, "PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
        text=True,
    )
    variables = dict(line.split("=", 1) for line in done.stdout.splitlines())

    assert {
        "CREDENTIALS_DIRECTORY": f"{tmp_path}/credentials",
        "DSN": dsn,
        "IMAGEGEN_CONFIG": f"{tmp_path}/config.yaml",
        "MINE": "yes",
        "QUOTED": "a b",
    } == {name: value for name, value in variables.items() if name not in ("PATH", "PWD", "SHLVL", "_")}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--with", "nothing"], "takes cluster, mcp and s3, not nothing"),
        (["--with"], "needs cluster, mcp, s3 or several of them"),
        (["--rollback", "--with", "s3"], "--with and --rollback exclude each other"),
    ],
)
def test_extras_that_there_are_not_are_refused(options, reason):
    """Before anything is done; pip would only warn, and the service not start."""
    done = subprocess.run(["/bin/sh", INSTALL, *options], capture_output=True, text=True, check=False)

    assert (2, True) == (done.returncode, reason in done.stderr)


def test_a_missing_credentials_directory_is_reported(other):
    """With the key that needs it."""
    (other.folder / "config.yaml").write_text(
        yaml.safe_dump({"server": {"auth_token": "file:$CREDENTIALS_DIRECTORY/token"}})
    )
    message = failed(other.imagegen("config", "check"), code=2)

    assert "server.auth_token: the environment variable CREDENTIALS_DIRECTORY is not set" in message
