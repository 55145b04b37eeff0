"""The nodes of one process: where nobody else works, nobody has to listen for a beat."""


class LocalNodes:
    """Each node is alive until it leaves, as long as this process is."""

    def __init__(self) -> None:
        self._joined: set[str] = set()

    async def join(self, node: str) -> None:
        self._joined.add(node)

    async def beat(self, node: str) -> None:
        self._joined.add(node)

    async def alive(self, observer: str) -> frozenset[str]:
        return frozenset(self._joined)

    async def leave(self, node: str) -> None:
        self._joined.discard(node)
