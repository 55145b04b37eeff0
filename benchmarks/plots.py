"""A plot as SVG: lines over two logarithmic axes, with their names beside it."""

from math import ceil, floor, log10

COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2", "#9c6b4e", "#9498a0", "#97bbf5")
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 480, 45, 370
_CHARACTER = 7.5  # the width of an average one, amply


def svg(title, x_title, lines):
    """Return the drawing of lines, which are lists of x and y by their names; all are above 0."""
    points = [point for line in lines.values() for point in line]
    x_axis = _Axis([x for x, _ in points], _LEFT + 10, _RIGHT - 10)
    y_axis = _Axis([y for _, y in points], _BOTTOM, _TOP)
    width = round(_RIGHT + 36 + _CHARACTER * max(map(len, lines)))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 420" font-size="13">',
        "<style>text { font-family: sans-serif }</style>",
        f'<rect width="{width}" height="420" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="24" font-size="15">{title}</text>',
        *(_gridline(y, y_axis.at(y)) for y in y_axis.ticks()),
        *(_tick(x, x_axis.at(x)) for x in sorted({x for x, _ in points})),
        f'<text x="{_RIGHT + 15}" y="{_BOTTOM + 24}">{x_title}</text>',
    ]
    for place, (name, line) in enumerate(lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = "L".join(f"{x_axis.at(x):.1f} {y_axis.at(y):.1f}" for x, y in line)
        parts += [
            f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
            *(
                f'<circle cx="{x_axis.at(x):.1f}" cy="{y_axis.at(y):.1f}" r="3.5" fill="{colour}"/>'
                for x, y in line
            ),
            f'<rect x="{_RIGHT + 15}" y="{55 + 26 * place}" width="14" height="4" fill="{colour}"/>',
            f'<text x="{_RIGHT + 36}" y="{62 + 26 * place}">{name}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """Places values between two coordinates, from the power of ten below them all to that above."""

    def __init__(self, values, start, end):
        self._low = floor(log10(min(values)))
        self._high = max(self._low + 1, ceil(log10(max(values))))
        self._start, self._end = start, end

    def at(self, value):
        share = (log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def ticks(self):
        return [10**power for power in range(self._low, self._high + 1)]


def _gridline(value, y):
    return (
        f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="#dddddd"/>'
        f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>'
    )


def _tick(value, x):
    return f'<text x="{x:.1f}" y="{_BOTTOM + 24}" text-anchor="middle">{value:,}</text>'
