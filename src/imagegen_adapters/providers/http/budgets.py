"""How much work and text an expression or a template of a document may cost.

A document comes from a caller and a response from a provider, and both run on the event loop. So work is
counted before it is done, by sizes rather than by a clock, and ends with `OverBudget`.
"""

from collections.abc import Mapping
from typing import Any

import attrs

MAX_STEPS = 5000
"""Nodes that are visited for one response or one request; a step takes two or three microseconds.

``benchmarks/document_limits.py`` measures the longest.
"""

MAX_CHARS = 1_000_000
"""Characters that they make or compare."""

MAX_DEPTH = 64
"""Nesting of a value that is written as text."""

_MAX_NUMBER_BITS = 1024


class OverBudget(Exception):
    """More work or text than the budget allows; it stays exceeded."""


@attrs.define(kw_only=True)
class Budget:
    """What is left for one response or one request, over all its expressions or templates."""

    steps: int = MAX_STEPS
    chars: int = MAX_CHARS

    @property
    def is_exceeded(self) -> bool:
        """Whether more was needed than there was."""
        return self.steps < 0 or self.chars < 0

    def spend(self, steps: int = 1, *, chars: int = 0) -> None:
        """Take steps and characters.

        Raises:
            OverBudget: there are not as many left.
        """
        self.steps -= steps
        self.chars -= chars
        if self.steps < 0 or self.chars < 0:  # as `is_exceeded`, for each node
            raise OverBudget

    def spend_tree(self, value: Any) -> None:
        """Take what a value costs that is written as text: what is in it twice counts twice.

        Raises:
            OverBudget: it is too large, or nested more deeply than `MAX_DEPTH`.
        """
        level, depth = [value], 0
        while level:
            self.spend(len(level))
            if depth > MAX_DEPTH:
                raise OverBudget
            following: list[Any] = []
            for item in level:
                if isinstance(item, str):
                    self.spend(0, chars=len(item))
                elif isinstance(item, Mapping):
                    self.spend(len(item), chars=sum(len(str(name)) for name in item))
                    following += item.values()
                elif isinstance(item, list | tuple):
                    self.spend(len(item))
                    following += item
                elif isinstance(item, int):
                    check_digits(item)
            level, depth = following, depth + 1


@attrs.frozen(kw_only=True)
class Reading:
    """The budgets of one response, for what its images depend on and for what they do not.

    ``skipped`` are the texts of expressions that failed and that nothing depends on: one warning each.
    """

    essential: Budget = attrs.field(factory=Budget)
    optional: Budget = attrs.field(factory=Budget)
    skipped: dict[str, None] = attrs.field(factory=dict)


def check_digits(number: int) -> None:
    """Check that a number can be written.

    Raises:
        OverBudget: it has thousands of digits, which Python itself refuses to write.
    """
    if number.bit_length() > _MAX_NUMBER_BITS:
        raise OverBudget
