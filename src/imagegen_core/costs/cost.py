"""An amount of money, and how sure it is: exact decimals, added up by currency and split without a rest."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Self

import attrs

TICKS_PER_UNIT = 10**10
"""A tick is a ten-billionth of a currency's unit: the smallest amount, and what databases store and add up.

A token at 0.001 for a million is ten of them. It is the unit in which xAI bills.
"""

MAX_AMOUNT = Decimal(1_000_000)
"""What one call can cost at most; more is a mistake, of a price list or of an answer."""

_TICK = Decimal(1).scaleb(-10)


class Basis(StrEnum):
    """How sure an amount is, surest first."""

    KNOWN = "known"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Cost:
    """What was or will be charged.

    ``known``: the provider said the amount. ``estimated``: it is a price times what was made. ``unknown``: it
    costs something, and the amount is all that is known of it, or None.
    """

    amount: Decimal | None = None
    currency: str | None = None
    basis: Basis

    @classmethod
    def from_amount(cls, amount: Decimal, currency: str, basis: Basis) -> Self:
        """Return the cost, rounded to ticks; unknown if the amount cannot be what one call costs."""
        if not amount.is_finite() or not 0 <= amount <= MAX_AMOUNT:
            return cls.unknown()
        return cls(amount=amount.quantize(_TICK), currency=currency, basis=basis)

    @classmethod
    def from_ticks(cls, ticks: int, currency: str, basis: Basis) -> Self:
        """Return the cost of that many ticks, as a database stores it."""
        return cls(amount=amount_of(ticks), currency=currency, basis=basis)

    @classmethod
    def unknown(cls) -> Self:
        """Return the cost of what costs nobody knows how much."""
        return cls(basis=Basis.UNKNOWN)

    @property
    def ticks(self) -> int | None:
        """The amount in ticks."""
        return None if self.amount is None else ticks_of(self.amount)

    @property
    def text(self) -> str | None:
        """The amount as a decimal number with at least two places, such as ``0.20``."""
        return None if self.amount is None else amount_text(self.amount)

    def shares(self, count: int) -> tuple["Cost", ...]:
        """Return the cost of each of ``count`` images, which add up to this; the first cost a tick more."""
        if self.amount is None or self.currency is None:
            return (self,) * count
        each, rest = divmod(ticks_of(self.amount), count) if count else (0, 0)
        ticks = (each + (position < rest) for position in range(count))
        return tuple(self.from_ticks(share, self.currency, self.basis) for share in ticks)


def total(costs: Iterable[Cost]) -> tuple[Cost, ...]:
    """Return the sum of each currency, in the order in which they first occur.

    A sum is as sure as its least sure part; a part without an amount makes every sum unknown.
    """
    parts = tuple(costs)
    ticks: dict[str, int] = {}
    bases: dict[str, Basis] = {}
    for cost in parts:
        if cost.amount is not None and cost.currency is not None:
            ticks[cost.currency] = ticks.get(cost.currency, 0) + ticks_of(cost.amount)
            bases[cost.currency] = least_sure(bases.get(cost.currency, cost.basis), cost.basis)
    has_unknown = any(cost.amount is None for cost in parts)
    if has_unknown and not ticks:
        return (Cost.unknown(),)
    return tuple(
        Cost.from_ticks(sum_, currency, Basis.UNKNOWN if has_unknown else bases[currency])
        for currency, sum_ in ticks.items()
    )


def least_sure(*bases: Basis) -> Basis:
    """Return the one of them that is least sure."""
    return max(bases, key=tuple(Basis).index)


def ticks_of(amount: Decimal) -> int:
    """Return an amount in ticks."""
    return int(amount.scaleb(10))


def amount_of(ticks: int) -> Decimal:
    """Return the amount of that many ticks, however many, exactly."""
    whole, rest = divmod(ticks, TICKS_PER_UNIT)
    return Decimal(f"{whole}.{rest:010d}")


def amount_text(amount: Decimal) -> str:
    """Return an amount with as many places as it needs, and at least two."""
    digits = f"{amount:f}"
    if "." in digits:
        digits = digits.rstrip("0")
    whole, _, places = digits.partition(".")
    return f"{whole}.{places:0<2}"
