"""A request that is turned away before it reaches the application."""

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class RequestRefused(Exception):
    """``slug`` is a row of the error table; ``data`` and ``headers`` go into its answer."""

    slug: str
    data: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def for_body(cls, message: str) -> "RequestRefused":
        """Return a refusal of what the body says, or how it came."""
        return cls("validation_failed", {"errors": [{"field": "body", "message": message}]})


class RequestAborted(Exception):
    """The client left before its request was complete; nobody waits for an answer."""
