"""Reads a backup that anybody may have made: only expected names, only plain files."""

import json
import os
import tarfile
from pathlib import Path
from typing import IO, BinaryIO

import attrs

from imagegen_adapters.backups.contents import (
    CHUNK_BYTES,
    FORMAT,
    HEADER,
    TRAILER,
    BackupError,
    Progress,
    Tally,
    is_expected,
)
from imagegen_adapters.blob_stores.atomic_file import make_directory
from imagegen_adapters.databases.data_directory import DATABASE_FILE

_MAX_JSON_BYTES = 64 * 1024
_MALFORMED_ERRORS = (
    tarfile.TarError,
    EOFError,
    ValueError,
    OverflowError,
    RecursionError,
    FileExistsError,
    NotADirectoryError,
)
_NOT_A_BACKUP = "the file is not a backup of imagegen"
_DAMAGED = "the backup is damaged or was cut off"


class BackupReader:
    """The backup in a file that is open; made by `of`, which looks at its beginning.

    Files are written by hand, under names that were checked, never over another one; so neither links,
    devices, modes nor paths of the archive matter. Nothing is compressed, so nothing grows.
    """

    def __init__(self, tar: tarfile.TarFile, file_bytes: int) -> None:
        self._tar = tar
        self.file_bytes = file_bytes

    @classmethod
    def of(cls, file: BinaryIO) -> "BackupReader":
        """Return the reader of a file that stays open for as long as it is used.

        Raises:
            BackupError: it is no backup, or of a later format.
            OSError: it cannot be read.
        """
        try:
            tar = tarfile.TarFile(fileobj=_BoundedFile(file))  # type: ignore[arg-type] # only read, seek and tell are used
            reader = cls(tar, os.fstat(file.fileno()).st_size)
            header = reader._json(reader._next(), HEADER)
        except _MALFORMED_ERRORS as error:
            raise BackupError(_NOT_A_BACKUP) from error
        if header.get("format") != FORMAT:
            raise BackupError("the backup was made by another version of imagegen")
        return reader

    def extract(self, into: Path, progress: Progress) -> Tally:
        """Write all files below ``into``, each for its owner only, and compare them with the end's words.

        Raises:
            BackupError: damaged, cut off, or not what a backup holds.
            OSError: the files cannot be written.
        """
        tally = Tally()
        try:
            while (member := self._next()).name != TRAILER:
                self._check(member, first=tally.files == 0)
                self._write(member, into / member.name, tally, progress)
            if self._json(member, TRAILER) != tally.told():
                raise BackupError(_DAMAGED)
        except _MALFORMED_ERRORS as error:
            raise BackupError(_DAMAGED) from error
        return tally

    def _next(self) -> tarfile.TarInfo:
        member = self._tar.next()
        if member is None:
            raise EOFError
        self._tar.members.clear()  # type: ignore[attr-defined] # tarfile remembers each, which a million images would feel
        if member.type != tarfile.REGTYPE or member.sparse is not None or member.size < 0:
            raise ValueError(member.name)
        return member

    def _check(self, member: tarfile.TarInfo, *, first: bool) -> None:
        if not is_expected(member.name) or first != (member.name == DATABASE_FILE):
            raise ValueError(member.name)

    def _write(self, member: tarfile.TarInfo, path: Path, tally: Tally, progress: Progress) -> None:
        make_directory(path.parent)
        tally.begin(member.name)
        left = member.size
        with self._content(member) as source, _new_file(path) as target:
            while left and (piece := source.read(min(CHUNK_BYTES, left))):
                target.write(piece)
                left -= len(piece)
                tally.add(piece)
                progress(tally.size_bytes, self.file_bytes)
        if left:
            raise EOFError
        os.utime(path, (member.mtime, member.mtime))

    def _json(self, member: tarfile.TarInfo, name: str) -> dict[str, object]:
        if member.name != name or member.size > _MAX_JSON_BYTES:
            raise ValueError(member.name)
        with self._content(member) as source:
            told = json.loads(source.read())
        if not isinstance(told, dict):
            raise ValueError(name)  # noqa: TRY004 - one way to say that it is none of ours
        return told

    def _content(self, member: tarfile.TarInfo) -> IO[bytes]:
        source = self._tar.extractfile(member)
        if source is None:
            raise ValueError(member.name)
        return source


def _new_file(path: Path) -> IO[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


@attrs.frozen
class _BoundedFile:
    """A file that is never read in one large piece: a header may claim any length for a name."""

    _file: IO[bytes]

    def read(self, size: int) -> bytes:
        if not 0 <= size <= 4 * CHUNK_BYTES:
            raise tarfile.ReadError("too long")
        return self._file.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()
