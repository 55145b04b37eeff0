"""Files that appear when they are whole, and not before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from imagegen_http.cli.context import CommandFailed
from imagegen_http.cli.messages import CommandCode
from imagegen_http.problems.system_errors import system_reason


@contextmanager
def atomic_file(target: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file that atomically replaces ``target`` once all of it is on the disk.

    Raises:
        CommandFailed: it cannot be written.
    """
    temporary = target.with_name(f".{target.name}.part")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        reason = CommandCode.CONCERNING(subject=str(target), reason=system_reason(error))
        raise CommandFailed(reason) from error
    finally:
        temporary.unlink(missing_ok=True)
