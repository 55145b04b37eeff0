"""The files that ``-o`` names, and standard output."""

import contextlib
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from imagegen_http.cli.api import Api
from imagegen_http.cli.atomic_file import FileTaken
from imagegen_http.cli.context import CommandFailed, WrongUsage, complain
from imagegen_http.cli.image_files import matching_name, name_of, numbered
from imagegen_http.cli.messages import CommandCode, NoteCode, UsageCode
from imagegen_http.cli.privileges import check_writable

STDOUT = Path("-")


def check_stdout(*, force: bool) -> None:
    """Refuse to write bytes to a terminal, which could take them for commands.

    Raises:
        WrongUsage: standard output is a terminal, and nobody insists.
    """
    if sys.stdout.isatty() and not force:
        raise WrongUsage(UsageCode.NOT_ON_A_TERMINAL())


@attrs.frozen
class OutputFiles:
    """One image goes to ``target``, several beside it with numbers, any into it if it is a directory.

    ``STDOUT`` takes one image. With ``force`` files are replaced.
    """

    target: Path
    into_directory: bool
    force: bool

    @classmethod
    def at(cls, cwd: Path, output: str, *, count: int, force: bool) -> "OutputFiles":
        """Return the files for ``count`` images, before anything is paid for.

        Raises:
            CommandFailed: the directory does not exist.
            WrongUsage: a file exists, or several images are meant for standard output, or it is a terminal.
        """
        if output == str(STDOUT):
            if count > 1:
                raise WrongUsage(UsageCode.ONE_IMAGE_ONLY(count=count))
            check_stdout(force=force)
            return cls(STDOUT, into_directory=False, force=force)
        target = cwd / output
        files = cls(target, target.is_dir(), force)
        if not (files.into_directory or (target.parent.is_dir() and not output.endswith(os.sep))):
            raise CommandFailed(CommandCode.NO_DIRECTORY(path=str(target)))
        for number in () if files.into_directory else range(1, count + 1):
            files._check_free(files._numbered(number))
        return files

    @property
    def directory(self) -> Path | None:
        """The directory to which the images are written."""
        if self.target == STDOUT:
            return None
        return self.target if self.into_directory else self.target.parent

    def check_writable(self) -> None:
        """Check, before anything is paid for, that the current user can write there.

        Raises:
            CommandFailed: the directory is not writable.
        """
        check_writable(self.directory)

    async def write(self, api: Api, images: Sequence[Mapping[str, Any]]) -> list[Path]:
        """Write the images and return their files.

        What has taken a name meanwhile is kept, and the image gets another name.
        """
        if self.target == STDOUT:
            await write_to_stdout(partial(api.download, images[0]["id"]))
            return [STDOUT]
        written = []
        for number, image in enumerate(images, 1):
            path = self.target / name_of(image) if self.into_directory else self._numbered(number)
            expected = matching_name(path, image["mime_type"])
            name = await self._save(api, image["id"], expected, replace=self.force and expected == path)
            note = None
            if expected != path:
                note = NoteCode.WRITTEN_AS(path=str(path), mime_type=image["mime_type"], name=name.name)
            elif name != path:
                note = NoteCode.WRITTEN_BESIDE(path=str(path), name=name.name)
            if note is not None:
                complain(note, api.language)
            written.append(name)
        return written

    def _numbered(self, number: int) -> Path:
        return self.target if number == 1 else self.target.with_stem(f"{self.target.stem}-{number}")

    def _check_free(self, file: Path) -> None:
        if not os.path.lexists(file):
            return
        if file.exists() and not file.is_file():
            raise WrongUsage(UsageCode.NOT_A_FILE(path=str(file)))
        if not self.force:
            raise WrongUsage(CommandCode.NOT_REPLACED(path=str(file)))

    async def _save(self, api: Api, image_id: int, file: Path, *, replace: bool) -> Path:
        """Write an image to the file or, where that exists, to a name that is free; return which."""
        for name in numbered(file):
            with contextlib.suppress(FileTaken):
                await api.download(image_id, name, replace=replace)
                return name
        raise AssertionError  # there is always another number


async def write_to_stdout(download: Callable[[Path], Awaitable[None]]) -> None:
    """Write what is downloaded once all of it is here."""
    with TemporaryDirectory(prefix="imagegen-") as folder:
        copy = Path(folder) / "image"
        await download(copy)
        with copy.open("rb") as content:
            shutil.copyfileobj(content, sys.stdout.buffer)
        sys.stdout.buffer.flush()
