"""Checks addresses before anything is sent to them."""

from typing import Protocol


class UpstreamGuard(Protocol):
    """Refuses private, loopback, link-local and metadata addresses unless they are allow-listed."""

    async def check(self, url: str) -> None:
        """Resolve the host and check all of its addresses; a name that does not resolve passes.

        Raises:
            UpstreamNotAllowed: at least one address is not allowed, or the URL is not http(s).
        """
        ...
