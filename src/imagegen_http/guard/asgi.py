"""The types of ASGI, as loose as the specification: servers and frameworks each type it in their own way."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Scope: TypeAlias = Any
Message: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

Refuse: TypeAlias = Callable[[Scope, Receive, Send, str, dict[str, Any], dict[str, str]], Awaitable[None]]
"""Sends the error envelope: (scope, receive, send, slug, data, headers)."""
