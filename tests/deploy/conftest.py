"""Machines to install on, on each of the systems in `roots.py`."""

import os
import shutil
import subprocess

import pytest

from tests.deploy.history import by_hand, installed_before
from tests.deploy.machine import ROOT, Machine
from tests.deploy.roots import debian_12_with_old_sqlite, this_system


@pytest.fixture(scope="session", params=[this_system, debian_12_with_old_sqlite], ids=["here", "old"])
def root(request):
    """A system to boot."""
    if os.geteuid() != 0 or shutil.which("systemd-nspawn") is None:
        pytest.skip("booting a machine needs root and Debian's systemd-container")
    return request.param()


@pytest.fixture(scope="session")
def checkouts(tmp_path_factory):
    """The code as it is, as install.sh put it there long ago, and as it was installed by hand before."""
    folder = tmp_path_factory.mktemp("checkouts")
    for name, commit in (("before", installed_before()), ("by-hand", by_hand())):
        (folder / name).mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", folder / name], input=archive, check=True)
    # What git knows of, so that nothing of this checkout's own is in the way.
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    (folder / "now").mkdir()
    for name in names.decode().rstrip("\0").split("\0"):
        (folder / "now" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "now" / name)
    return folder


@pytest.fixture(scope="session")
def wheels(tmp_path_factory, root, checkouts):
    """Everything that an installation of any of them needs, for the Python of the system."""
    folder = tmp_path_factory.mktemp("wheels")
    shutil.copytree(checkouts, folder / "checkouts")
    pip = [root.python, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--wheel-dir", folder]
    for checkout in (folder / "checkouts").iterdir():
        root.run([*pip, "--constraint", checkout / "constraints.txt", checkout], folder)
    root.run([*pip, "hatchling", "editables"], folder)
    return folder


@pytest.fixture
def bare(tmp_path, root, wheels, checkouts):
    """A machine on which nothing is installed yet."""
    machine = Machine.boot(tmp_path, root, wheels, checkouts=checkouts)
    yield machine
    machine.off()


@pytest.fixture(scope="module")
def machine(tmp_path_factory, root, wheels, checkouts):
    """A machine on which imagegen was installed and runs."""
    machine = Machine.boot(tmp_path_factory.mktemp("machine"), root, wheels, checkouts=checkouts)
    try:
        machine.run("/checkout/deploy/install.sh")
        machine.log_in()
        yield machine
    finally:
        machine.off()
