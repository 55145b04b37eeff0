"""Seeds for providers that draw none."""

import hashlib


def random_seed(call_id: str) -> int:
    """Return a seed for a call without one, from its random id: 31 bits, which every provider accepts."""
    return int.from_bytes(hashlib.sha256(call_id.encode()).digest()[:4], "big") >> 1
