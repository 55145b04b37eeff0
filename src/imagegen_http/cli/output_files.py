"""The files that ``-o`` names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from imagegen_http.cli.api import Api
from imagegen_http.cli.context import CommandFailed, complain
from imagegen_http.cli.image_files import matching_name, name_of
from imagegen_http.cli.messages import CommandCode, NoteCode
from imagegen_http.cli.privileges import check_writable


@attrs.frozen
class OutputFiles:
    """One image goes to ``target``, several beside it with numbers, any into it if it is a directory."""

    target: Path
    into_directory: bool

    @classmethod
    def at(cls, target: Path) -> "OutputFiles":
        """Return the files at a path.

        Raises:
            CommandFailed: the directory does not exist.
        """
        files = cls(target, target.is_dir())
        if not files.directory.is_dir():
            raise CommandFailed(CommandCode.NO_DIRECTORY(path=str(target)))
        return files

    @property
    def directory(self) -> Path:
        """The directory to which the images are written."""
        return self.target if self.into_directory else self.target.parent

    def check_writable(self) -> None:
        """Check, before anything is paid for, that the current user can write there.

        Raises:
            CommandFailed: the directory is not writable.
        """
        check_writable(self.directory)

    async def write(self, api: Api, images: Sequence[Mapping[str, Any]]) -> list[Path]:
        """Write the images and return their files."""
        written = []
        for number, image in enumerate(images, 1):
            path = self._path(image, number)
            name = matching_name(path, image["mime_type"])
            if name != path:
                note = NoteCode.WRITTEN_AS(path=str(path), mime_type=image["mime_type"], name=name.name)
                complain(note, api.language)
            await api.download(image["id"], name)
            written.append(name)
        return written

    def _path(self, image: Mapping[str, Any], number: int) -> Path:
        if self.into_directory:
            return self.target / name_of(image)
        return self.target if number == 1 else self.target.with_stem(f"{self.target.stem}-{number}")
