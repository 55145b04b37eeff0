"""A loop-mounted disk that can be small, full, or cut off from power."""

import contextlib
import fcntl
import os
import struct
import subprocess
from pathlib import Path

import attrs

from tests.chaos.service import wait_until

FS_IOC_SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING_THE_LOG = 2


@attrs.define
class Disk:
    """An ext4 file system in a file, mounted through a loop device."""

    image: Path
    mount_point: Path

    @classmethod
    def make(cls, folder, *, megabytes):
        """Create and mount one.

        Fails on a machine that allows no loop mounts, since a skipped test would look like a passed one.
        """
        disk = cls(folder / "disk.img", folder / "disk")
        with disk.image.open("wb") as file:
            file.truncate(megabytes * 1024 * 1024)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", disk.image)
        disk.mount_point.mkdir()
        disk.mount()
        return disk

    def mount(self):
        _run("mount", "-o", "loop", self.image, self.mount_point)

    def unmount(self):
        """Unmount it once no process has open files on it."""
        wait_until(self._try_to_unmount, awaited="the disk free of open files", pause=0.1)

    def _try_to_unmount(self):
        return subprocess.run(["umount", self.mount_point], capture_output=True, check=False).returncode == 0

    def cut_power(self):
        """Let no further write reach the disk, as if the machine had lost power."""
        directory = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, FS_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING_THE_LOG))
        finally:
            os.close(directory)

    @contextlib.contextmanager
    def filled(self, *, leaving_bytes=0):
        """Fill the disk, except for ``leaving_bytes``, while the body runs."""
        ballast = self.mount_point / "ballast"
        room = os.statvfs(self.mount_point)
        with ballast.open("wb", buffering=0) as file:
            rest = room.f_bavail * room.f_frsize - leaving_bytes
            with contextlib.suppress(OSError):  # until the disk is full
                while rest > 0:
                    rest -= file.write(bytes(min(rest, 65536)))
        try:
            yield
        finally:
            ballast.unlink()

    def destroy(self):
        """Unmount it lazily and delete it; open files remain usable until they are closed."""
        if os.path.ismount(self.mount_point):
            _run("umount", "--lazy", self.mount_point)
        self.image.unlink()


def _run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this machine allows no loop mounts (root is needed): {done.stderr.strip()}"
