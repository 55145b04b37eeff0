"""The file ``master.key`` and its witness ``master.check``, created once and readable by their owner only."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.fernet import Fernet

from imagegen_adapters.secret_boxes.messages import KeyCode
from imagegen_core.errors import ImagegenError

KEY_FILE = "master.key"
CHECK_FILE = "master.check"
_TEMPORARY = ".master."
_KEY_CHARS = 44


class MasterKeyRefused(ImagegenError):
    """The service must not start with these keys; the message says in one line what to do."""


def new_key() -> str:
    """Return a new master key: 32 random bytes as 44 characters of URL-safe base64."""
    return Fernet.generate_key().decode("ascii")


def is_valid_key(key: str) -> bool:
    """Return whether the text is a valid master key."""
    try:
        Fernet(key)
    except ValueError:
        return False
    return len(key) == _KEY_CHARS  # the decoder ignores everything after the first "="


def parse_keys(text: str) -> tuple[str, ...]:
    """Return the keys in the text, separated by commas or white space; the first one seals."""
    return tuple(text.replace(",", " ").split())


def read_keys(directory: Path) -> tuple[str, ...] | None:
    """Return the keys in ``master.key``, or None if there is no such file.

    Raises:
        MasterKeyRefused: the file is readable by others.
    """
    try:
        with (directory / KEY_FILE).open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if os.name == "posix" and mode & 0o077:
                raise MasterKeyRefused(KeyCode.MASTER_KEY_OPEN(file=KEY_FILE, mode=f"{mode:04o}"))
            return parse_keys(file.read().decode("utf-8", "replace"))
    except FileNotFoundError:
        return None


def make_key(directory: Path) -> tuple[str, ...]:
    """Create ``master.key`` durably and return its key, or that of a file created concurrently."""
    key = new_key()
    temporary = _written(directory, key + "\n")
    try:
        os.link(temporary, directory / KEY_FILE)  # fails if the file exists
    except FileExistsError:
        return read_keys(directory) or ()
    finally:
        temporary.unlink()
        _sync(directory)
    return (key,)


def replace_keys(directory: Path, keys: tuple[str, ...]) -> None:
    """Replace the keys in ``master.key``, atomically and durably."""
    _replace(directory, KEY_FILE, "".join(f"{key}\n" for key in keys))


def read_witness(directory: Path) -> str | None:
    """Return the token in ``master.check``, or None."""
    try:
        return (directory / CHECK_FILE).read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return None


def write_witness(directory: Path, token: str) -> None:
    """Write the token to ``master.check``, atomically and durably."""
    _replace(directory, CHECK_FILE, token + "\n")


def sweep_temporary(directory: Path) -> None:
    """Remove temporary files of a killed process; the caller must hold the lock of the data directory."""
    for path in directory.glob(f"{_TEMPORARY}*.tmp"):
        path.unlink(missing_ok=True)


def _replace(directory: Path, name: str, text: str) -> None:
    temporary = _written(directory, text)
    temporary.replace(directory / name)
    _sync(directory)


def _written(directory: Path, text: str) -> Path:
    """Write a new file of mode 0600 in the directory, sync it and return its path."""
    path = directory / f"{_TEMPORARY}{secrets.token_hex(8)}.tmp"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return path


def _sync(directory: Path) -> None:
    with contextlib.suppress(PermissionError):  # Windows cannot open directories
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
