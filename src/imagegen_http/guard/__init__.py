"""The checks that every request passes before routing: pure ASGI, so that no router's quirk bypasses them."""

from imagegen_http.guard.bodies import BufferedBody
from imagegen_http.guard.inbound_guard import InboundGuard
from imagegen_http.guard.json_outline import Text
from imagegen_http.guard.rules import GuardRules

__all__ = ["BufferedBody", "GuardRules", "InboundGuard", "Text"]
