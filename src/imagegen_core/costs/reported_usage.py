"""What a provider says of a call's cost: an amount, or the tokens that it counted. Both are outside text."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import attrs

from imagegen_core.costs.cost import MAX_AMOUNT
from imagegen_core.providers.prices import TokenKind
from imagegen_core.values.frozen_mappings import frozen_mapping

MAX_TOKENS = 10**9
"""What one call can count at most; more is a mistake."""

_MAX_NUMBER = 10**18
_MAX_NUMBER_CHARS = 40


@attrs.frozen(kw_only=True)
class ReportedUsage:
    """What one call was charged for; nothing of it is None or empty where the provider does not say it."""

    amount: Decimal | None = None
    currency: str | None = None
    tokens: Mapping[TokenKind, int] = attrs.field(factory=dict, converter=frozen_mapping)

    @classmethod
    def from_values(
        cls,
        amount: Any = None,
        *,
        currency: str | None = None,
        unit: Decimal = Decimal(1),
        tokens: Mapping[TokenKind, Any] | None = None,
    ) -> Self:
        """Return the report in a provider's values; one that cannot be true counts as missing.

        Args:
            amount: in units of ``unit`` of the currency, such as credits; a number, or its digits.
            currency: what the provider bills in.
            unit: what one of them is worth.
            tokens: how many of each kind.
        """
        number = None if currency is None else _number(amount)
        sum_ = None if number is None else number * unit
        plausible = sum_ is not None and sum_ <= MAX_AMOUNT
        counts = {kind: _count(value) for kind, value in (tokens or {}).items()}
        return cls(
            amount=sum_ if plausible else None,
            currency=currency if plausible else None,
            tokens={kind: count for kind, count in counts.items() if count is not None},
        )


def _number(value: Any) -> Decimal | None:
    """Return a finite number that is not negative, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, int) and abs(value) > _MAX_NUMBER:
        return None  # its digits may be more than Python converts
    text = str(value)
    if len(text) > _MAX_NUMBER_CHARS:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= _MAX_NUMBER else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or number > MAX_TOKENS or number != int(number) else int(number)
