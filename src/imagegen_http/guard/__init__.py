"""What every request passes before routing: pure ASGI, so that no router's quirk can be a way around it."""

from imagegen_http.guard.inbound_guard import RELEASE_BODY, InboundGuard
from imagegen_http.guard.rules import GuardRules

__all__ = ["RELEASE_BODY", "GuardRules", "InboundGuard"]
