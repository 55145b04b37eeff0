"""Drops root's privileges, so that the service can use what a command writes to its data directory."""

import os
import pwd
import sys
from pathlib import Path

from imagegen_http.cli.context import CommandFailed
from imagegen_http.cli.messages import CommandCode
from imagegen_http.problems.system_errors import system_reason


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
    name = _user_name(owner.st_uid)
    try:
        _become(owner)
    except OSError as error:
        detail = system_reason(error)
        raise CommandFailed(
            CommandCode.CANNOT_BECOME(path=str(data_dir), user=name, detail=detail)
        ) from error
    for path in (Path(sys.executable), Path(__file__), existing):
        if not os.access(path, os.R_OK):
            raise CommandFailed(
                CommandCode.OWNER_CANNOT_READ(path=str(data_dir), user=name, program=str(path))
            )


def check_writable(directory: Path | None) -> None:
    """Check, before anything is paid for, that the current user can write files to a directory.

    None means that nothing will be written.

    Raises:
        CommandFailed: the directory is not writable.
    """
    if directory is not None and not os.access(directory, os.W_OK | os.X_OK):
        user = _user_name(os.geteuid())
        raise CommandFailed(CommandCode.CANNOT_WRITE(path=str(directory), user=user))


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


def _user_name(uid: int) -> str:
    from imagegen_http.runtime.accounts import user_name  # of the service, which most commands do not load

    return user_name(uid)
