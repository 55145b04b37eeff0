"""Files that appear when they are whole, and not before."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from imagegen_http.cli.context import CommandFailed
from imagegen_http.cli.messages import CommandCode
from imagegen_http.problems.system_errors import system_reason


class FileTaken(CommandFailed):
    """There is a file of that name, which was not to be replaced."""


@contextmanager
def atomic_file(target: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Yield a temporary file that atomically becomes ``target`` once all of it is on the disk.

    Raises:
        FileTaken: ``target`` exists and is not to be replaced.
        CommandFailed: it cannot be written.
    """
    if not replace and os.path.lexists(target):
        raise FileTaken(CommandCode.NOT_REPLACED(path=str(target)))
    temporary = target.with_name(f".imagegen-{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not replace:
            _take(target)
        temporary.replace(target)
    except OSError as error:
        reason = CommandCode.CONCERNING(subject=str(target), reason=system_reason(error))
        raise CommandFailed(reason) from error
    finally:
        temporary.unlink(missing_ok=True)


def _take(target: Path) -> None:
    """Create the file, empty, so that no other program can do so; unlike a link, all file systems can."""
    try:
        target.open("xb").close()
    except FileExistsError as error:
        raise FileTaken(CommandCode.NOT_REPLACED(path=str(target))) from error
