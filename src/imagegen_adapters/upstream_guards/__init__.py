"""Judges of addresses; the real one is `imagegen_adapters.outbound.OutboundGuard`."""
