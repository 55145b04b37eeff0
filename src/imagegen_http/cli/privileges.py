"""Drops root's privileges, so that the service can use what a command writes to its data directory."""

import os
import pwd
import sys
from pathlib import Path

from imagegen_http.cli.context import CommandFailed
from imagegen_http.runtime.accounts import user_name


def become_owner(data_dir: Path) -> None:
    """Switch from root to the owner of the data directory, permanently.

    A directory that does not exist yet counts as its nearest existing parent's. Without root's privileges
    nothing happens. Call this before anything below the directory is opened.

    Raises:
        CommandFailed: this process cannot become that user, or that user cannot run this program.
    """
    if os.geteuid() != 0:
        return
    existing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    owner = existing.stat()
    if owner.st_uid == 0:
        return
    name = user_name(owner.st_uid)
    try:
        _become(owner)
    except OSError as error:
        raise CommandFailed(
            f"{data_dir} belongs to {name}, whom this process cannot become ({error.strerror}): "
            f"run the command as {name}"
        ) from error
    for path in (Path(sys.executable), Path(__file__), existing):
        if not os.access(path, os.R_OK):
            raise CommandFailed(
                f"{data_dir} belongs to {name}, who cannot read {path}: run an installation that every "
                "user can read, such as the one that deploy/install.sh makes"
            )


def check_writable(directory: Path | None) -> None:
    """Check, before anything is paid for, that the current user can write files to a directory.

    None means that nothing will be written.

    Raises:
        CommandFailed: the directory is not writable.
    """
    if directory is not None and not os.access(directory, os.W_OK | os.X_OK):
        raise CommandFailed(f"{directory}: {user_name(os.geteuid())}, who does the work, cannot write there")


def _become(owner: os.stat_result) -> None:
    try:
        account = pwd.getpwuid(owner.st_uid)
    except KeyError:
        os.setgroups([owner.st_gid])
        os.setgid(owner.st_gid)
    else:
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
    os.setuid(owner.st_uid)
