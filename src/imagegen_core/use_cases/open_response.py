"""Open what was kept of the answers to a task's calls, which are paid for and could not be used."""

from collections.abc import AsyncIterator, Callable

import attrs

from imagegen_core.errors import ResponseNotKept
from imagegen_core.execution.kept_answers import kept_owners
from imagegen_core.ports.blobs import Spool
from imagegen_core.ports.task_repository import TaskRepository


@attrs.frozen(kw_only=True)
class OpenedResponse:
    """A file whose bytes ``read(start, end)`` yields, from start up to end; ``key`` is that of no other."""

    key: str
    size_bytes: int
    read: Callable[[int, int], AsyncIterator[bytes]]


@attrs.frozen(kw_only=True)
class OpenResponse:
    """Counts the files of all attempts, the latest first; of each, its images before the answer itself."""

    repository: TaskRepository
    spool: Spool

    async def __call__(self, *, task_id: str, index: int = 0) -> OpenedResponse:
        """Return the file with this number, from 0; nothing is read yet.

        Raises:
            TaskNotFound: there is no such task.
            ResponseNotKept: so many files were not kept of it, or they were removed after a week.
            StorageError: that cannot be told now.
        """
        await self.repository.get(task_id)
        files = []
        for attempt in reversed(await self.repository.attempts(task_id)):
            for owner in kept_owners(attempt):
                sizes = await self.spool.files(owner)
                names = sorted(sizes, key=lambda name: (not name.startswith("image-"), name))
                files += [(owner, name, sizes[name]) for name in names]
        if not 0 <= index < len(files):
            raise ResponseNotKept(task_id, index)
        owner, name, size = files[index]
        return OpenedResponse(
            key=f"{owner}.{name}",
            size_bytes=size,
            read=lambda start, end: self.spool.chunks(owner, name, start=start, end=end),
        )
