"""Remembers unfinished multipart uploads, so that a later attempt can resume them."""

import contextlib
import hashlib
import json
from pathlib import Path

from imagegen_adapters.files.local import AtomicFile, sync_directory


class UploadCheckpoints:
    """Upload ids by object name; stored in ``directory`` if there is one, otherwise only in memory.

    Blocking, for use in threads. A lost checkpoint only means that an upload starts over, so errors in
    reading and writing the files are ignored.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._uploads: dict[str, tuple[str, int]] = {}

    def find(self, name: str, size: int) -> str | None:
        """Return the id of the unfinished upload of an object with this size."""
        upload = self.get(name)
        return upload[0] if upload and upload[1] == size else None

    def get(self, name: str) -> tuple[str, int] | None:
        """Return id and size of the unfinished upload of the object, whatever its size."""
        if name not in self._uploads and self._directory is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                document = json.loads(self._file(self._directory, name).read_text("utf-8"))
                self._uploads[name] = (str(document["upload_id"]), int(document["size"]))
        return self._uploads.get(name)

    def save(self, name: str, size: int, upload_id: str) -> None:
        """Remember an upload."""
        self._uploads[name] = (upload_id, size)
        if self._directory is not None:
            text = json.dumps({"name": name, "size": size, "upload_id": upload_id})
            with contextlib.suppress(OSError):
                file = AtomicFile(self._file(self._directory, name))
                try:
                    file.write([text.encode()])
                    file.commit()
                    sync_directory(self._directory)
                finally:
                    file.abandon()

    def remove(self, name: str) -> None:
        """Forget the upload of the object."""
        self._uploads.pop(name, None)
        if self._directory is not None:
            with contextlib.suppress(OSError):
                self._file(self._directory, name).unlink()

    def _file(self, directory: Path, name: str) -> Path:
        return directory / f"{hashlib.sha256(name.encode()).hexdigest()}.json"
