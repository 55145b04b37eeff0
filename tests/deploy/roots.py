"""Systems that a machine can be booted on: this one's, and one with an SQLite of 2021 as RHEL 9 has it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import attrs
import pytest

NOT_IN_IT = re.compile(rb"\0sqlite3_(?:de)?serialize(?=\0)")


@attrs.frozen
class Root:
    """A directory with a system, the Python in it, and what of it a machine begins with (`--volatile`)."""

    directory: Path
    python: str
    volatile: str
    options: tuple[str, ...] = ()

    def run(self, command, folder):
        """Run a command of this system that sees folder and the network of this machine."""
        if self.directory != Path("/"):
            into = ["systemd-nspawn", "--quiet", f"--directory={self.directory}", "--volatile=overlay"]
            into += ["--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=replace-host"]
            into += [f"--machine=imagegen-{os.getpid()}"]
            into += [f"--bind={folder}", f"--chdir={folder}", "--bind-ro=/etc/ssl"]
            into += [f"--bind-ro={path}" for path in ("/etc/pip.conf",) if Path(path).exists()]
            into += [f"--setenv={k}={v}" for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_"))]
            command = [*into, *command]
        subprocess.run(command, check=True, cwd=folder)


def this_system():
    """Return this machine's /usr, with an empty /etc and /var."""
    # pip reads /etc/ssl, although it fetches nothing. It is a first boot, which enables whatever this
    # system has; no network will ever be online.
    masked = ("systemd-networkd-wait-online", "systemd-networkd", "NetworkManager-wait-online")
    masks = [f"systemd.mask={name}.service" for name in (*masked, "systemd-firstboot")]
    return Root(Path("/"), "/usr/bin/python3", "yes", ("--bind-ro=/etc/ssl", "--boot", *masks))


def debian_12_with_old_sqlite():
    """Return Debian 12 with Debian 11's SQLite; OLD_DEBIAN_ROOT may name one."""
    # Making it takes minutes, so it is kept.
    named = os.environ.get("OLD_DEBIAN_ROOT")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagegen-tests"
    root = Path(named) if named else cache / "debian-12-sqlite-3.34"
    if not named and not root.exists():
        _make(root)
    return Root(root, "/usr/bin/python3", "overlay", ("--boot",))


def _make(root):
    if shutil.which("debootstrap") is None:
        pytest.skip("making a Debian 12 needs debootstrap; OLD_DEBIAN_ROOT may name one")
    mirror, growing = _mirror(), root.with_name(f"{root.name}.growing")
    shutil.rmtree(growing, ignore_errors=True)
    growing.parent.mkdir(parents=True, exist_ok=True)
    packages = "--include=systemd-sysv,python3,python3-pip,curl,ca-certificates"
    command = ["debootstrap", "--variant=minbase", packages, "bookworm", growing, mirror]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    if done.returncode != 0:
        pytest.skip(f"Debian 12 cannot be made here: {done.stdout[-300:]}{done.stderr[-300:]}")
    _replace_sqlite(growing, mirror)
    growing.rename(root)


def _mirror():
    """Return where this system has its own packages from."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    has_apt = shutil.which("apt-get") is not None
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout if has_apt else ""
    mirrors = re.findall(r"^Debian (http\S+)", output, re.MULTILINE)
    if not mirrors:
        pytest.skip("apt knows no mirror of Debian here, or was not updated yet")
    return mirrors[0]


def _replace_sqlite(root, mirror):
    shutil.copy("/etc/resolv.conf", root / "etc")
    (root / "etc/apt/sources.list").write_text(f"deb {mirror} bullseye main\n")
    script = "cd /root; apt-get -qq update; apt-get -qq download libsqlite3-0/bullseye; dpkg-deb -x *.deb /"
    subprocess.run(["chroot", root, "sh", "-ec", f"{script}; rm -r *.deb /var/lib/apt/lists"], check=True)
    # Debian 12's Python names two functions that Debian 11's SQLite was built without, and would not load.
    # Nothing calls them, so the name of another takes their places.
    library = next(root.glob("usr/lib/python3.11/lib-dynload/_sqlite3.*.so"))
    another = b"\0sqlite3_complete"
    library.write_bytes(NOT_IN_IT.sub(lambda name: another.ljust(len(name[0]), b"\0"), library.read_bytes()))
