"""What a provider says a call was charged for: in its response to the submission, or with the images."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from imagegen_adapters.providers.http.budgets import Reading
from imagegen_adapters.providers.http.schema.response import UsageSpec
from imagegen_core.costs.reported_usage import ReportedUsage

_MAX_BITS = 64
_NUMBER = re.compile(r"[0-9][0-9.eE+-]{0,38}")


def find_usage(
    spec: UsageSpec | None, tree: Any, headers: Mapping[str, str], reading: Reading | None = None
) -> dict[str, Any]:
    """Return the numbers that the expressions find, or their digits; fit to be stored."""
    if spec is None:
        return {}
    named = {kind.value: expression for kind, expression in spec.tokens.items()}
    if spec.amount is not None:
        named["amount"] = spec.amount
    values = {
        name: expression.search(tree, headers=headers, reading=reading, optional=True)
        for name, expression in named.items()
    }
    return {name: value for name, value in values.items() if _may_be_number(value)}


def usage_of(spec: UsageSpec | None, *values: Mapping[str, Any]) -> ReportedUsage | None:
    """Return what the provider says; of several values of one name, the first counts."""
    merged: dict[str, Any] = {}
    for earlier in values:
        merged = {**earlier, **merged}
    if spec is None or not merged:
        return None
    return ReportedUsage.from_values(
        merged.get("amount"),
        currency=spec.currency,
        unit=Decimal(str(spec.unit)),
        tokens={kind: merged.get(kind.value) for kind in spec.tokens},
    )


def _may_be_number(value: Any) -> bool:
    """Return whether it looks like a number, as a key that the provider sends back does not."""
    if isinstance(value, int) and (isinstance(value, bool) or value.bit_length() > _MAX_BITS):
        return False
    return isinstance(value, str | int | float) and _NUMBER.fullmatch(str(value)) is not None
