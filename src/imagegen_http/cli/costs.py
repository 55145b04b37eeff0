"""Costs in a line for a person."""

from collections.abc import Mapping
from typing import Any


def cost_note(cost: Mapping[str, Any] | None) -> str | None:
    """Return an amount with its currency; None where there is nothing to pay, or nobody knows how much."""
    return None if cost is None or cost["amount"] is None else f"{cost['amount']} {cost['currency']}"
