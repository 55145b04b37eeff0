"""What `deploy/cluster/` ships works, as far as that shows without containers."""

import shutil
import stat
import subprocess

import pytest
import yaml

from imagegen_http.settings.loader import load_settings
from tests.markdown import ROOT

CLUSTER = ROOT / "deploy" / "cluster"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(CLUSTER, tmp_path / "cluster", ignore=shutil.ignore_patterns("*.env", "certs"))


def make_secrets(folder):
    return subprocess.run(["sh", folder / "secrets.sh"], check=False, capture_output=True, text=True)


def test_secrets_are_made_once(folder):
    """For their owner only, and what is in use is never overwritten."""
    first, second = make_secrets(folder), make_secrets(folder)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.env")}
    assert dict.fromkeys(["postgresql.env", "s3.env", "node.env"], 0o600) == modes
    assert (0, 1, "postgresql.env is here already; its secrets are in use\n") == (
        first.returncode,
        second.returncode,
        second.stderr,
    )


def test_the_settings_are_valid(folder):
    """With the variables that the secrets and the compose file set."""
    make_secrets(folder)
    variables = dict(line.split("=", 1) for line in (folder / "node.env").read_text().splitlines())
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    environ = {**variables, "IMAGEGEN_ROLES": services["worker1"]["environment"]["IMAGEGEN_ROLES"]}

    settings = load_settings(config=folder / "node.yaml", environ=environ, cwd=folder)

    assert (("worker",), None) == (settings.roles, settings.storage.local)
    assert (variables["DATABASE_URL"], "imagegen") == (settings.database, settings.storage.s3.bucket)
