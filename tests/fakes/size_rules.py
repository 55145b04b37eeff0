"""Which sizes a provider accepts, by the rules of its documentation and not by our document of it."""

import re

import attrs


@attrs.frozen(kw_only=True)
class SizeRule:
    """Sizes as ``WIDTHxHEIGHT`` or one of the ``words``; every number is inclusive.

    Attributes:
        separator: between width and height.
        sides: the shortest and the longest side.
        pixels: the smallest and the largest area.
        ratio: the largest of the longer side by the shorter one.
        multiple: what both sides are multiples of.
        words: the names that the provider has for sizes.
    """

    separator: str = "x"
    sides: tuple[int, int] = (1, 100_000)
    pixels: tuple[int, int] = (1, 10**10)
    ratio: float = 100_000.0
    multiple: int = 1
    words: frozenset[str] = frozenset()

    def allows(self, size: str | None) -> bool:
        """Return whether the provider makes images of this size; of None, it chooses one."""
        if size is None or size in self.words:
            return True
        match = re.fullmatch(rf"(\d+){re.escape(self.separator)}(\d+)", size)
        return match is not None and self._allows_sides(int(match[1]), int(match[2]))

    def _allows_sides(self, *sides: int) -> bool:
        return (
            self.sides[0] <= min(sides)
            and max(sides) <= self.sides[1]
            and self.pixels[0] <= sides[0] * sides[1] <= self.pixels[1]
            and max(sides) <= min(sides) * self.ratio
            and all(side % self.multiple == 0 for side in sides)
        )
