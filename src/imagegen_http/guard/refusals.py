"""Requests that end before they reach the application."""

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class RequestRefused(Exception):
    """``slug`` names a row of the error table; ``data`` and ``headers`` go into the response."""

    slug: str
    data: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def for_body(cls, message: str) -> "RequestRefused":
        """Return a refusal because of the body: its content, or how it was sent."""
        return cls("validation_failed", {"errors": [{"field": "body", "message": message}]})


class RequestAborted(Exception):
    """The client disconnected before its request was complete; nobody waits for a response."""
