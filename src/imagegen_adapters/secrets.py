"""Seals secrets with master keys: the key files, the box, and the rotation of keys.

``master.key`` and its witness ``master.check`` are created once, durably, and readable by their owner only.
"""

import hmac
import json
import os
import secrets
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import attrs

from imagegen_adapters.files.local import sync_directory
from imagegen_core.errors import ImagegenError, KeysLocked
from imagegen_core.messages import Message, MessageCode

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class KeyCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with the master key, or with a sealed token."""


KEY_FILE = "master.key"
CHECK_FILE = "master.check"
_TEMPORARY = ".master."
_KEY_CHARS, _KEY_BYTES = 44, 32


class MasterKeyRefused(ImagegenError):
    """The service must not start with these keys; the message says in one line what to do."""


def new_key() -> str:
    return urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii")


def is_valid_key(key: str) -> bool:
    try:  # the decoder ignores everything after the first "="
        return len(key) == _KEY_CHARS and len(urlsafe_b64decode(key)) == _KEY_BYTES
    except ValueError:
        return False


def parse_keys(text: str) -> tuple[str, ...]:
    """Split keys at commas and white space; the first one seals."""
    return tuple(text.replace(",", " ").split())


def read_keys(directory: Path) -> tuple[str, ...] | None:
    """Return the keys in ``master.key``, or None without that file; one that others can read is refused."""
    try:
        with (directory / KEY_FILE).open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise MasterKeyRefused(KeyCode.MASTER_KEY_OPEN(file=KEY_FILE, mode=f"{mode:04o}"))
            return parse_keys(file.read().decode("utf-8", "replace"))
    except FileNotFoundError:
        return None


def make_key(directory: Path) -> tuple[str, ...]:
    """Create ``master.key`` durably; if another process was faster, return that one's key."""
    key = new_key()
    temporary = _new_file(directory, key + "\n")
    try:
        os.link(temporary, directory / KEY_FILE)  # fails if the file exists
    except FileExistsError:
        return read_keys(directory) or ()
    finally:
        temporary.unlink()
        sync_directory(directory)
    return (key,)


def read_witness(directory: Path) -> str | None:
    try:
        return (directory / CHECK_FILE).read_text("utf-8", "replace").strip()
    except FileNotFoundError:
        return None


def replace_keys(directory: Path, keys: tuple[str, ...]) -> None:
    """Replace ``master.key`` atomically and durably."""
    _replace(directory, KEY_FILE, "".join(f"{key}\n" for key in keys))


def write_witness(directory: Path, token: str) -> None:
    """Write ``master.check`` atomically and durably."""
    _replace(directory, CHECK_FILE, token + "\n")


def _replace(directory: Path, name: str, text: str) -> None:
    _new_file(directory, text).replace(directory / name)
    sync_directory(directory)


def _new_file(directory: Path, text: str) -> Path:
    """Write and sync a new file of mode 0600."""
    path = directory / f"{_TEMPORARY}{secrets.token_hex(8)}.tmp"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return path


_VERSION = 1


class WrongContext(KeysLocked):
    """The token is valid, but was sealed for another provider or origin."""


class FernetSecretBox:
    """Seals with the first of its master keys and opens tokens of any of them.

    It is locked without keys, and with a ``lock_reason``. An invalid key raises ``ValueError``.
    """

    def __init__(self, keys: Sequence[str], *, lock_reason: Message | None = None) -> None:
        keys = keys if lock_reason is None else ()
        if not all(map(is_valid_key, keys)):
            raise ValueError("a key is not 32 bytes in URL-safe base64")
        self._keys = tuple(map(urlsafe_b64decode, keys))
        self.lock_reason = lock_reason or (None if keys else KeyCode.MASTER_KEY_MISSING())
        """Why the box is locked, without naming a key; None when it is not."""

    @classmethod
    def for_directory(cls, directory: Path, *, environment_keys: str | None, sample: str | None) -> Self:
        """Return the box of a data directory, which must exist and be locked by the caller.

        On the very first start, ``master.key`` is created. Later, a missing or wrong key locks the box:
        nothing is opened or sealed, and no file is changed. ``environment_keys``, separated by commas,
        replace the file, which must not differ. The ``sample`` is any token of the database.
        """
        for path in directory.glob(f"{_TEMPORARY}*.tmp"):  # of a killed process
            path.unlink(missing_ok=True)
        keys = _keys(directory, environment_keys)
        witness = read_witness(directory)
        if keys is None and witness is None and sample is None:
            keys = make_key(directory)
        box = cls._checked(keys, [token for token in (witness, sample) if token is not None])
        if not box.locked and witness != box.new_witness():
            write_witness(directory, box.new_witness())
        return box

    @classmethod
    def for_inspection(cls, directory: Path, *, environment_keys: str | None, tokens: Sequence[str]) -> Self:
        """Like `for_directory`, without changing any file; all ``tokens`` of the database must open."""
        witness = read_witness(directory)
        keys = _keys(directory, environment_keys)
        return cls._checked(keys, [*tokens, *([] if witness is None else [witness])])

    @classmethod
    def _checked(cls, keys: tuple[str, ...] | None, tokens: Sequence[str]) -> Self:
        """Return a box that opens all tokens, or a locked one."""
        if keys is None:
            return cls(())
        if not keys or not all(is_valid_key(key) for key in keys):
            return cls((), lock_reason=KeyCode.MASTER_KEY_MALFORMED())
        box = cls(keys)
        if not all(box.opens(token) for token in tokens):
            return cls((), lock_reason=KeyCode.OTHER_MASTER_KEY())
        return box

    def seal(self, plaintext: str, *, context: str) -> str:
        document = json.dumps({"v": _VERSION, "context": context, "secret": plaintext})
        self._refuse_if_locked()
        return _cipher(self._keys).encrypt(document.encode()).decode("ascii")

    def open(self, token: str, *, context: str) -> str:
        self._refuse_if_locked(token)
        try:
            document = json.loads(_cipher(self._keys).decrypt(token))
        except ValueError as error:
            raise KeysLocked(KeyCode.UNKNOWN_KEY_FORM()) from error
        document = document if isinstance(document, dict) else {}
        if document.get("v") != _VERSION or not isinstance(document.get("secret"), str):
            raise KeysLocked(KeyCode.UNKNOWN_KEY_FORM())
        if document.get("context") != context:
            raise WrongContext(KeyCode.OTHER_KEY_CONTEXT())
        secret: str = document["secret"]
        return secret

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        self._refuse_if_locked()
        info = purpose.encode() + b"\x01"  # the one block of HKDF-Expand (RFC 5869, 2.3)
        return tuple(hmac.digest(key, info, "sha256") for key in self._keys)

    def rotate(self, token: str) -> str:
        """Return the token sealed with the first key, or `KeysLocked`; unchanged if it already is."""
        self._refuse_if_locked(token)
        return token if self.is_current(token) else _cipher(self._keys).rotate(token).decode("ascii")

    def is_current(self, token: str) -> bool:
        """Whether the first key alone opens the token."""
        return _fits(self._keys[:1], token)

    def opens(self, token: str) -> bool:
        return _fits(self._keys, token)

    def new_witness(self) -> str:
        """Return the text of ``master.check``: it proves a key to be the master key, without the cipher."""
        self._refuse_if_locked()
        return _witness(self._keys[0])

    @property
    def locked(self) -> bool:
        return self.lock_reason is not None

    def _refuse_if_locked(self, token: str | None = None) -> None:
        if self.lock_reason is not None:
            raise KeysLocked(KeyCode.SAVED_KEYS_LOCKED(reason=self.lock_reason))
        if token is not None and (len(token) == _KEY_CHARS or not self.opens(token)):  # no witness, either
            raise KeysLocked(KeyCode.WRONG_MASTER_KEY())


def _witness(key: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, CHECK_FILE.encode(), "sha256")).decode("ascii")


def _fits(keys: Sequence[bytes], token: str) -> bool:
    """Whether a witness is of one of the keys, or one opens the token; half of a key is enough to sign it."""
    if token in map(_witness, keys):
        return True
    from cryptography.fernet import InvalidToken

    try:
        return bool(_cipher(keys).decrypt(token))
    except (InvalidToken, ValueError):
        return False


def _cipher(keys: Sequence[bytes]) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet  # 7 MB, which a start without saved keys saves

    return MultiFernet([Fernet(urlsafe_b64encode(key)) for key in keys])


def _keys(directory: Path, environment_keys: str | None) -> tuple[str, ...] | None:
    """Return the keys of the environment or the file; if there are both, they must be equal."""
    file_keys = read_keys(directory)
    variable_keys = parse_keys(environment_keys) if environment_keys else None
    if file_keys is not None and variable_keys is not None and file_keys != variable_keys:
        raise MasterKeyRefused(KeyCode.MASTER_KEYS_DIFFER(file=KEY_FILE))
    return file_keys if variable_keys is None else variable_keys


@attrs.frozen(kw_only=True)
class SealedRow:
    """A sealed token; only the store interprets its ``place``."""

    place: str
    token: str = attrs.field(repr=False)


class SealedRows(Protocol):
    """Where sealed tokens are."""

    def all(self) -> AsyncIterator[SealedRow]: ...

    async def replace(self, row: SealedRow, token: str) -> None: ...


async def rotate_master_key(directory: Path, rows: SealedRows) -> int:
    """Give the data directory a new master key; return how many tokens were sealed again.

    The caller holds the lock of the directory, so that nothing is sealed meanwhile. If no key opens one of
    the tokens, all keys are kept. An interrupted rotation is completed with its key. Keys from the
    environment are refused: list the new one first, ``IMAGEGEN_MASTER_KEY=new,old``, and call `reseal`.
    """
    keys = read_keys(directory)
    if not keys or not all(is_valid_key(key) for key in keys):
        raise MasterKeyRefused(KeyCode.NO_USABLE_MASTER_KEY())
    if len(keys) == 1:
        keys = (new_key(), *keys)
        box = FernetSecretBox(keys)
        async for row in rows.all():  # raises before anything is changed
            box.rotate(row.token)
        replace_keys(directory, keys)
    box = FernetSecretBox(keys)
    count = await reseal(box, rows)
    write_witness(directory, box.new_witness())
    replace_keys(directory, keys[:1])
    return count


async def reseal(box: FernetSecretBox, rows: SealedRows) -> int:
    """Seal every token with the first key; return how many were sealed with another one."""
    count = 0
    while stale := [row async for row in rows.all() if not box.is_current(row.token)]:
        for row in stale:
            await rows.replace(row, box.rotate(row.token))
            count += 1
    return count


class MemorySecretBox:
    """A box with a new key; while ``locked``, it raises as if the master key were missing."""

    def __init__(self, *, locked: bool = False) -> None:
        self.locked = locked
        self._box = FernetSecretBox([new_key()])

    def seal(self, plaintext: str, *, context: str) -> str:
        return self._unlocked().seal(plaintext, context=context)

    def open(self, token: str, *, context: str) -> str:
        return self._unlocked().open(token, context=context)

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        return self._unlocked().derive(purpose)

    def _unlocked(self) -> FernetSecretBox:
        return FernetSecretBox([]) if self.locked else self._box
