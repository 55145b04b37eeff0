"""Which part-wise uploads were begun, so that a later try goes on with them."""

import contextlib
import hashlib
import json
from pathlib import Path

from imagegen_adapters.blob_stores.atomic_file import AtomicFile


class UploadCheckpoints:
    """Upload ids by object name and size; in files below ``directory`` if there is one, else in memory.

    Blocking, for threads. Losing one costs an upload from the beginning, so that nothing here raises for a
    file that cannot be read or written.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._known: dict[str, tuple[str, int]] = {}

    def find(self, name: str, size: int) -> str | None:
        """Return the id of the upload that was begun for an object of this size."""
        upload = self.any(name)
        return upload[0] if upload and upload[1] == size else None

    def any(self, name: str) -> tuple[str, int] | None:
        """Return id and size of the upload that was begun for the object, whatever its size."""
        if name not in self._known and self._directory is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found = json.loads(self._file(self._directory, name).read_text("utf-8"))
                self._known[name] = (str(found["upload_id"]), int(found["size"]))
        return self._known.get(name)

    def keep(self, name: str, size: int, upload_id: str) -> None:
        """Remember an upload."""
        self._known[name] = (upload_id, size)
        if self._directory is not None:
            text = json.dumps({"name": name, "size": size, "upload_id": upload_id})
            with contextlib.suppress(OSError):
                file = AtomicFile(self._file(self._directory, name), crc64=False)
                try:
                    file.write([text.encode()])
                    file.commit()
                finally:
                    file.abandon()

    def forget(self, name: str) -> None:
        """Drop what is remembered of the object."""
        self._known.pop(name, None)
        if self._directory is not None:
            with contextlib.suppress(OSError):
                self._file(self._directory, name).unlink()

    def _file(self, directory: Path, name: str) -> Path:
        return directory / f"{hashlib.sha256(name.encode()).hexdigest()}.json"
