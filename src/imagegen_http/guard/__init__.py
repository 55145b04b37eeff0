"""The checks that every request passes before routing: pure ASGI, so that no router's quirk bypasses them.

The names exported here are imported lazily, so that the settings can check a host without loading the guard.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_http.guard.bodies import BufferedBody
    from imagegen_http.guard.inbound_guard import InboundGuard
    from imagegen_http.guard.json_outline import Text
    from imagegen_http.guard.rules import GuardRules

__all__ = ["BufferedBody", "GuardRules", "InboundGuard", "Text"]

_HOMES = {
    "BufferedBody": "bodies",
    "GuardRules": "rules",
    "InboundGuard": "inbound_guard",
    "Text": "json_outline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
