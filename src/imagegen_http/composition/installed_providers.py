"""The provider adapters of this installation, by kind."""

from collections.abc import Callable, Iterator, Mapping

from imagegen_core.ports.provider import Provider


class InstalledProviders(Mapping[str, Provider]):
    """Builds the adapter of a kind when it is first asked for; only then are its modules loaded.

    That spares a service, and a command still more, the adapters that it does not use.
    """

    def __init__(self, builders: Mapping[str, Callable[[], Provider]]) -> None:
        self._builders = builders
        self._built: dict[str, Provider] = {}

    def __getitem__(self, kind: str) -> Provider:
        if kind not in self._built:
            self._built[kind] = self._builders[kind]()
        return self._built[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._builders  # the one of `Mapping` would build it

    def __iter__(self) -> Iterator[str]:
        return iter(self._builders)

    def __len__(self) -> int:
        return len(self._builders)
