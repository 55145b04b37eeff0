"""What `deploy/` ships agrees with the program."""

import configparser
import json
import re
import tomllib
from pathlib import Path

import yaml

from imagegen_http.cli.context import EXIT_UNRECOVERABLE, EXIT_USAGE
from imagegen_http.server.server import SOCKET_CLOSE_SECONDS
from imagegen_http.settings.schema import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = (DEPLOY / "imagegen.service").read_text("utf-8")


def _service():
    """Return the section of the unit; of keys that stand there several times, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, comment_prefixes="#")
    parser.optionxform = str
    parser.read_string(UNIT)
    return parser["Service"]


def test_systemd_waits_for_calls_that_are_paid_for():
    """Longer than the service itself does."""
    assert Settings().shutdown_grace_seconds + SOCKET_CLOSE_SECONDS < int(_service()["TimeoutStopSec"])


def test_what_no_restart_mends_is_not_restarted():
    """By the exit codes that the program has."""
    assert f"{EXIT_USAGE} {EXIT_UNRECOVERABLE}" == _service()["RestartPreventExitStatus"]


def test_a_system_call_that_is_not_allowed_fails_and_kills_nothing():
    """A library that tries one at its import would end the service without a word."""
    assert "EPERM" == _service()["SystemCallErrorNumber"]
    assert "SystemCallFilter=setrlimit prlimit64\n" in UNIT.partition("SystemCallFilter=~")[2]


def test_the_installation_knows_the_extras():
    """Each by a package that comes with it, so that an upgrade keeps those that were installed."""
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text("utf-8"))["project"]
    extras = {
        name: requirements
        for name, requirements in project["optional-dependencies"].items()
        if name not in ("test", "browser", "dev")
    }
    packages = {name: re.match(r"[\w-]+", needs[0])[0] for name, needs in extras.items() if needs}
    script = (DEPLOY / "install.sh").read_text("utf-8")

    assert packages == json.loads(re.search(r"in (\{.*\})\.items", script)[1])
    assert f"{' | '.join(extras)}) extras=" in script


def test_service_backup_and_command_read_the_same_variables():
    """The command reads the file by itself."""
    units = [(DEPLOY / f"imagegen{name}.service").read_text("utf-8") for name in ("", "-backup")]

    assert all("\nEnvironmentFile=-/etc/imagegen/node.env\n" in unit for unit in units)
    assert "done <$CONFIG/node.env\n" in (DEPLOY / "install.sh").read_text("utf-8")


def test_the_container_has_no_rights():
    """Neither root nor a writable system."""
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["imagegen"]
    lines = (DEPLOY / "Containerfile").read_text("utf-8").splitlines()

    assert (True, ["ALL"], ["data:/data"]) == (service["read_only"], service["cap_drop"], service["volumes"])
    assert {"USER 10001:10001", "VOLUME /data"} <= set(lines)
    assert lines.index("USER 10001:10001") < next(
        n for n, line in enumerate(lines) if line.startswith("ENTRYPOINT")
    )
    assert Settings().shutdown_grace_seconds < int(service["stop_grace_period"].removesuffix("s"))


def test_the_containers_health_is_checked_with_either_tool():
    """Podman leaves HEALTHCHECK out of an image, and podman-compose spoils a command with blanks in it."""
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["imagegen"]
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("HEALTHCHECK")]

    assert (["CMD", "healthy"], 1) == (service["healthcheck"]["test"], len(lines))
    assert lines[0].endswith(' CMD ["healthy"]')
    assert ">/usr/local/bin/healthy" in text


def test_the_container_knows_its_version():
    """There is no git in it, so whoever builds it says the version."""
    build = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["imagegen"]["build"]

    assert {"BUILD_VERSION": "${BUILD_VERSION:-}"} == build["args"]
    assert "\nARG BUILD_VERSION=\n" in (DEPLOY / "Containerfile").read_text("utf-8")


def test_the_containers_token_can_be_read_and_goes_nowhere():
    """Compose mounts a secret that is a file with its owner, so a user without rights could not read it."""
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["imagegen"]
    ignored = [
        (DEPLOY.parent / name).read_text("utf-8").splitlines() for name in (".dockerignore", ".gitignore")
    ]

    assert ("auth.env", False) == (service["env_file"], "secrets" in service)
    assert all({"deploy/auth.env", "/deploy/auth.env"} & set(lines) for lines in ignored)


CLUSTER = yaml.safe_load((DEPLOY / "cluster" / "compose.yaml").read_text("utf-8"))["services"]
NODES = [name for name in CLUSTER if name.startswith(("api", "worker"))]


def test_each_service_of_a_cluster_knows_only_its_own_secrets():
    """Neither the database's server nor the object store has the master key."""
    files = {name: service.get("env_file") for name, service in CLUSTER.items()}

    databases = dict.fromkeys(("primary", "standby"), "postgresql.env")
    assert {**dict.fromkeys(NODES, "node.env"), **databases, "s3": "s3.env", "nginx": None} == files


def test_the_nodes_of_a_cluster_have_no_rights_and_share_no_disk():
    """Each has a volume of its own, and time to end calls that are paid for."""
    nodes = [CLUSTER[name] for name in NODES]

    assert {(True, "ALL")} == {(node["read_only"], *node["cap_drop"]) for node in nodes}
    assert len(NODES) == len({volume for node in nodes for volume in node["volumes"] if ":/data" in volume})
    assert all(
        Settings().shutdown_grace_seconds < int(node["stop_grace_period"].removesuffix("s")) for node in nodes
    )
