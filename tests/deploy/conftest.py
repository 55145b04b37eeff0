"""A machine: systemd as a container's first process, this system's /usr, and an empty /etc, /var and /opt.

Needs root, Debian's systemd-container, and Python 3.11 or later with pip in /usr. The container has no
network and installs from wheels that were collected before. It needs a control group of version 2, which a
container without privileges does not have.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parents[2]
BOOT_SECONDS = 60
PYTHON = "/usr/bin/python3"
CALL = "curl --silent --show-error --fail-with-body -H @/run/token http://127.0.0.1:8080"


@attrs.define
class Machine:
    """It is booted when it is made; `run` is a root shell in it."""

    folder: Path
    nspawn: subprocess.Popen
    leader: int = 0

    @classmethod
    def boot(cls, folder, wheels):
        (folder / "opt").mkdir()
        arguments = ["systemd-nspawn", "--quiet", "--directory=/", "--volatile=yes", "--private-network"]
        arguments += ["--register=no", "--keep-unit", "--console=pipe", "--machine=imagegen-test"]
        arguments += [f"--bind-ro={ROOT}:/checkout", f"--bind-ro={wheels}:/wheels"]
        arguments += [f"--bind={folder}/opt:/opt", "--tmpfs=/usr/local"]
        arguments += ["--bind-ro=/etc/ssl"]  # which pip reads, although it fetches nothing
        # It is a first boot, which enables whatever this system has; no network will ever be online.
        masked = ("systemd-networkd-wait-online", "systemd-networkd", "NetworkManager-wait-online")
        arguments += ["--boot", *(f"systemd.mask={name}.service" for name in (*masked, "systemd-firstboot"))]
        with (folder / "console").open("wb") as console:
            nspawn = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
            )
        machine = cls(folder, nspawn)
        try:
            machine._await()
        except BaseException:
            machine.off()
            raise
        return machine

    def run(self, script, *, code=0):
        """Return what a script prints; it has to end with this code."""
        done = self._shell(script)
        assert code == done.returncode, f"{script}\n{done.stdout}\n{done.stderr}\n{self.journal()}"
        return done.stdout.strip()

    def journal(self):
        return self._shell("journalctl -u imagegen -n 30 --no-pager -o cat").stdout

    def show(self, *names, unit="imagegen"):
        """Return properties of the unit."""
        told = self.run(f"systemctl show {unit} " + " ".join(f"-p {name}" for name in names))
        return dict(line.split("=", 1) for line in told.splitlines())

    def until(self, name, value, seconds=30):
        """Wait until a property of the unit has this value."""
        deadline = time.monotonic() + seconds
        while value != (found := self.show(name)[name]):
            assert time.monotonic() < deadline, f"{name} stays {found}\n{self.journal()}"
            time.sleep(0.1)

    def off(self):
        self.nspawn.terminate()
        try:
            self.nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait(30)

    def _shell(self, script):
        command = ["nsenter", "--target", str(self.leader), "--all", "/bin/sh", "-euc", script]
        environ = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
        environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", "IMAGEGEN_PYTHON": PYTHON}
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=600, check=False, cwd="/"
        )

    def _await(self):
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline and self.nspawn.poll() is None:
            children = Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
            if children:
                self.leader = int(children[0])
                if self._shell("systemctl is-active basic.target || true").stdout.strip() == "active":
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "console").read_text(errors="replace"))


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """Everything that an installation needs, for the Python in /usr."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--wheel-dir", folder]
    wanted = ["--constraint", ROOT / "constraints.txt", ROOT]
    subprocess.run([*pip, *wanted], check=True, cwd=folder)
    subprocess.run([*pip, "hatchling"], check=True, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory, wheels):
    """A machine on which imagegen was installed and runs."""
    if os.geteuid() != 0 or shutil.which("systemd-nspawn") is None:
        pytest.skip("booting a machine needs root and Debian's systemd-container")
    machine = Machine.boot(tmp_path_factory.mktemp("machine"), wheels)
    try:
        machine.run("/checkout/deploy/install.sh")
        token = "/etc/imagegen/credentials/auth_token"
        machine.run(f'printf "Authorization: Bearer %s" "$(cat {token})" >/run/token')
        yield machine
    finally:
        machine.off()
