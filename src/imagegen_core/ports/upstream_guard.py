"""Judges addresses before anything is sent to them."""

from typing import Protocol


class UpstreamGuard(Protocol):
    """Private, loopback, link-local and metadata addresses are refused unless the operator listed them."""

    async def check(self, url: str) -> None:
        """Resolve the host and check every address; a name that does not resolve passes.

        Raises:
            UpstreamNotAllowed: at least one address is not allowed, or the URL is not http(s).
        """
        ...
