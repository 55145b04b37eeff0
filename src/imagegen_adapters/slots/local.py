"""The places of a process that is the only node."""

from contextlib import AbstractAsyncContextManager, nullcontext


class LocalSlots:
    """Grants every place at once: the node bounds its calls before it asks, and nobody else makes any."""

    def hold(self, provider_name: str, *, node: str, limit: int) -> AbstractAsyncContextManager[None]:
        return _GRANTED


_GRANTED = nullcontext()
