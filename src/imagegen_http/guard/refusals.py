"""Requests that end before they reach the application."""

from collections.abc import Mapping
from typing import Any

import attrs

from imagegen_core.messages import Message
from imagegen_core.problems import Problem


@attrs.frozen
class RequestRefused(Exception):
    """``slug`` names a row of the error table; ``data`` and ``headers`` go into the response."""

    slug: str
    data: Mapping[str, Any] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def for_field(cls, field: str, reason: Message) -> "RequestRefused":
        """Return a refusal because of one part of the request."""
        return cls("validation_failed", {"errors": (Problem(field=field, reason=reason),)})


class RequestAborted(Exception):
    """The client disconnected before its request was complete; nobody waits for a response."""
