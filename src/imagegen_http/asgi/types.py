"""The types of ASGI, as in its specification."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Refuse = Callable[[Scope, Receive, Send, str, dict[str, Any], dict[str, str]], Awaitable[None]]
"""Sends an error from outside the router: (scope, receive, send, slug, data, headers)."""
