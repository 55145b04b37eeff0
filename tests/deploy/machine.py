"""A machine: systemd as a container's first process.

Needs root and Debian's systemd-container, and a control group of version 2, which a container without
privileges does not have. The machine has no network and installs from wheels that were collected before.
"""

import os
import subprocess
import time
from pathlib import Path

import attrs

from tests.deploy.roots import Root

ROOT = Path(__file__).parents[2]
BOOT_SECONDS = 60
CALL = "curl --silent --show-error --fail-with-body -H @/run/token http://127.0.0.1:8080"


@attrs.define
class Machine:
    """It is booted when it is made; `run` is a root shell in it."""

    folder: Path
    root: Root
    nspawn: subprocess.Popen
    leader: int = 0

    @classmethod
    def boot(cls, folder, root, wheels, **shown):
        """Boot it; a directory of this machine is shown to it under the name of each further argument."""
        (folder / "opt").mkdir()
        arguments = ["systemd-nspawn", "--quiet", "--private-network", "--register=no", "--keep-unit"]
        arguments += [f"--directory={root.directory}", f"--volatile={root.volatile}", "--console=pipe"]
        arguments += [f"--machine=imagegen-{os.getpid()}", f"--bind={folder}/opt:/opt", "--tmpfs=/usr/local"]
        shown |= {"checkout": ROOT, "wheels": wheels}
        arguments += [f"--bind-ro={path}:/{name}" for name, path in shown.items()]
        arguments += root.options
        with (folder / "console").open("wb") as console:
            nspawn = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT
            )
        machine = cls(folder, root, nspawn)
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

    def log_in(self):
        """Let CALL have the service's token."""
        token = "/etc/imagegen/credentials/auth_token"
        self.run(f'printf "Authorization: Bearer %s" "$(cat {token})" >/run/token')

    def journal(self):
        return self._shell("journalctl -u imagegen -n 30 --no-pager -o cat").stdout

    def show(self, *names, unit="imagegen"):
        """Return properties of the unit."""
        output = self.run(f"systemctl show {unit} " + " ".join(f"-p {name}" for name in names))
        return dict(line.split("=", 1) for line in output.splitlines())

    def until(self, name, value, seconds=30):
        """Wait until a property of the unit has this value."""
        deadline = time.monotonic() + seconds
        while value != (current := self.show(name)[name]):
            assert time.monotonic() < deadline, f"{name} stays {current}\n{self.journal()}"
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
        environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels", "IMAGEGEN_PYTHON": self.root.python}
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
