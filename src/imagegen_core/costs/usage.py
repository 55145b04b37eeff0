"""What was used in a time: tasks, their images, and what they cost, by currency and never converted."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import attrs

from imagegen_core.costs.cost import amount_of
from imagegen_core.values.frozen_mappings import frozen_mapping


class UsageGrouping(StrEnum):
    """What totals are grouped by."""

    DAY = "day"
    PROVIDER = "provider"
    MODEL = "model"


@attrs.frozen(kw_only=True)
class Ticks:
    """Sums of one currency in ticks; a charge that is only possible is in none of the others."""

    known_ticks: int = 0
    estimated_ticks: int = 0
    possible_ticks: int = 0

    def plus(self, other: "Ticks") -> "Ticks":
        """Return the sums of both."""
        return Ticks(
            known_ticks=self.known_ticks + other.known_ticks,
            estimated_ticks=self.estimated_ticks + other.estimated_ticks,
            possible_ticks=self.possible_ticks + other.possible_ticks,
        )


@attrs.frozen(kw_only=True)
class Usage:
    """What the tasks that ended in a time have used.

    ``unknown_attempts`` are paid calls, or calls that may have been paid for, whose amount nobody knows.
    """

    tasks: int = 0
    images: int = 0
    unknown_attempts: int = 0
    currencies: Mapping[str, Ticks] = attrs.field(factory=dict, converter=frozen_mapping)

    def plus(self, other: "Usage") -> "Usage":
        """Return what both have used."""
        currencies = dict(self.currencies)
        for currency, ticks in other.currencies.items():
            currencies[currency] = currencies.get(currency, Ticks()).plus(ticks)
        return Usage(
            tasks=self.tasks + other.tasks,
            images=self.images + other.images,
            unknown_attempts=self.unknown_attempts + other.unknown_attempts,
            currencies=currencies,
        )

    @property
    def known_amounts(self) -> dict[str, Decimal]:
        """What the providers said that they charged."""
        return self._amounts({c: ticks.known_ticks for c, ticks in self.currencies.items()})

    @property
    def estimated_amounts(self) -> dict[str, Decimal]:
        """What was charged by the price lists."""
        return self._amounts({c: ticks.estimated_ticks for c, ticks in self.currencies.items()})

    @property
    def possible_amounts(self) -> dict[str, Decimal]:
        """What calls with an unknown outcome may have cost."""
        return self._amounts({c: ticks.possible_ticks for c, ticks in self.currencies.items()})

    def _amounts(self, ticks: Mapping[str, int]) -> dict[str, Decimal]:
        return {currency: amount_of(ticks[currency]) for currency in sorted(ticks) if ticks[currency]}
