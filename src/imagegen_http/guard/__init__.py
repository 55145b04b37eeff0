"""What every request passes before routing: pure ASGI, so that no router's quirk bypasses it."""
