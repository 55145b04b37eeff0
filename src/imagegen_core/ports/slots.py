"""Places for calls in flight to each provider, which all nodes share."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Slots(Protocol):
    """No provider has more calls in flight than it takes, whichever nodes make them.

    A node bounds and orders its own calls (`ProviderSlots`): it never asks for more places of a provider at a
    time than the provider takes, so that where it is alone, there is nothing left to do.
    """

    def hold(self, provider_name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        """Wait until less than ``limit`` of the provider's places are taken, and hold one for the body.

        It is free again when the body ends, however it does, or when the node is no longer alive; ``node``
        has joined its `Nodes`.

        Raises:
            StorageError: on entering: which places are taken is not known now, or could not be stored.
        """
        ...
