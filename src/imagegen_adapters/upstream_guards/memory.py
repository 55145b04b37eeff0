"""A guard for programs without a network."""

from collections.abc import Collection

from imagegen_core.errors import UpstreamNotAllowed


class MemoryUpstreamGuard:
    """Refuses the addresses that it was told to refuse."""

    def __init__(self, refused: Collection[str] = ()) -> None:
        self._refused = frozenset(refused)

    async def check(self, url: str) -> None:
        if url in self._refused:
            raise UpstreamNotAllowed(f"{url} is not allowed")
