"""Measures how searches and inserts scale with the number of images, and plots it.

::

    python benchmarks/growth.py --prompts FILE --work-dir EMPTY_DIR [--svg docs/explanation/search.svg]
                                [--sizes 10000 100000 1000000 3000000]

Fills a data directory of its own for each size, with and without an index, measures, and removes it again.
"""

import argparse
import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from math import log10
from pathlib import Path

import attrs
from fill import fill
from search import Like, Result, Sizes, measure, sizes

from imagegen_adapters.stores.directory import DATABASE_FILE
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import sqlite_gallery

SIZES = (10_000, 100_000, 1_000_000)
MAX_IMAGES = 3_000_000
COMMON = "common, 1 character"
SHOWN = {
    COMMON: "#4269d0",
    "common, 4 and 5": "#efb118",
    "absent, of common parts": "#ff725c",
    "Latin": "#6cc5b0",
}
LIKE_OF = "absent, 1 character"
LIKE_COLOUR = "#9498a0"
BUDGET_MS = 50


@attrs.frozen(kw_only=True)
class Step:
    """Measurements with a number of images; rates are in records per second."""

    images: int
    rate: float
    rate_without: float
    sizes_on_disk: Sizes
    results: dict[str, Result]


def step(images: int, prompts: Path, work_dir: Path) -> Step:
    """Fill, measure and remove."""
    directory = work_dir / str(images)
    try:
        without = fill(directory, prompts, index=False, limit=images)
        shutil.rmtree(directory)
        rate = fill(directory, prompts, limit=images)
        results, sizes_on_disk = asyncio.run(_measure(directory))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return Step(images=images, rate=rate, rate_without=without, sizes_on_disk=sizes_on_disk, results=results)


async def _measure(directory: Path) -> tuple[dict[str, Result], Sizes]:
    database = Database.open(directory / DATABASE_FILE, read_only=True)
    try:
        galleries = partial(sqlite_gallery, database)
        results = await measure(galleries, callers=10, rounds=20, like=Like(database))
        return {result.kind: result for result in results}, await sizes(database)
    finally:
        await database.close()


def table(steps: list[Step]) -> str:
    """Return the steps as Markdown: 95th percentiles of the first page in milliseconds, then the rest."""
    lines = [
        "| | " + " | ".join(f"{s.images:,}" for s in steps) + " |",
        "|---|" + "---|" * len(steps),
        *(
            _row(f"{kind}, page 1, p95 ms", steps, lambda s, k=kind: f"{s.results[k].first.p95:.1f}")
            for kind in steps[0].results
        ),
        _row("page 1 again, worst p95 ms", steps, lambda s: _worst(s, "again")),
        _row("page 1,000, worst p95 ms", steps, lambda s: _worst(s, "deep")),
        _row("relevant, worst p95 ms", steps, lambda s: _worst(s, "relevant")),
        _row("LIKE, a common character, p95 ms", steps, lambda s: f"{s.results[COMMON].like.p95:.0f}"),
        _row("LIKE, nothing found, p95 ms", steps, lambda s: f"{s.results[LIKE_OF].like.p95:.0f}"),
        _row("records a second, with index", steps, lambda s: f"{s.rate:,.0f}"),
        _row("records a second, without", steps, lambda s: f"{s.rate_without:,.0f}"),
        _row("prompts, MB", steps, lambda s: f"{s.sizes_on_disk.prompts / 1e6:.1f}"),
        _row("index, MB", steps, lambda s: f"{s.sizes_on_disk.index / 1e6:.1f}"),
        _row("folded prompts, MB", steps, lambda s: f"{s.sizes_on_disk.texts / 1e6:.1f}"),
        _row("whole file, MB", steps, lambda s: f"{s.sizes_on_disk.file / 1e6:.1f}"),
    ]
    return "\n".join(lines)


def _row(label: str, steps: list[Step], cell: Callable[[Step], str]) -> str:
    return f"| {label} | " + " | ".join(map(cell, steps)) + " |"


def _worst(step: Step, timing_name: str) -> str:
    timings = [timing for result in step.results.values() if (timing := getattr(result, timing_name))]
    return f"{max(timing.p95 for timing in timings):.1f}" if timings else "–"


def svg(steps: list[Step]) -> str:
    """Return a plot of the 95th percentile over the number of images; both axes are logarithmic."""
    lines = {
        **{kind: [s.results[kind].first.p95 for s in steps] for kind in SHOWN},
        "LIKE, nothing found": [s.results[LIKE_OF].like.p95 for s in steps],
    }
    colours = {**SHOWN, "LIKE, nothing found": LIKE_COLOUR}
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 420" font-size="13">',
        "<style>text { font-family: sans-serif }</style>",
        '<rect width="760" height="420" fill="#ffffff"/>',
        '<text x="70" y="24" font-size="15">Page 1, 95th percentile, 10 callers at once (ms)</text>',
        *(_gridline(ms) for ms in (0.1, 1, 10, 100, 1000, 10_000)),
        f'<path d="M70 {_y(BUDGET_MS):.1f}H500" stroke="#d62728" stroke-dasharray="5 4"/>',
        f'<text x="74" y="{_y(BUDGET_MS) - 5:.1f}" fill="#d62728">{BUDGET_MS} ms</text>',
        *(_tick(s.images) for s in steps),
        '<text x="525" y="394">images</text>',
    ]
    ends = sorted(lines, key=lambda kind: -lines[kind][-1])
    for place, kind in enumerate(ends):
        points = [(_x(s.images), _y(ms)) for s, ms in zip(steps, lines[kind], strict=True)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colours[kind]}" stroke-width="2.5"/>')
        parts += (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colours[kind]}"/>' for x, y in points)
        parts.append(f'<rect x="525" y="{60 + 26 * place}" width="14" height="4" fill="{colours[kind]}"/>')
        parts.append(f'<text x="546" y="{67 + 26 * place}">{kind}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(images: int) -> float:
    return 90 + 390 * (log10(images) - 4) / (log10(MAX_IMAGES) - 4)


def _y(milliseconds: float) -> float:
    return 370 - 66 * (log10(max(0.1, milliseconds)) + 1)


def _gridline(ms: float) -> str:
    return (
        f'<path d="M70 {_y(ms):.1f}H500" stroke="#dddddd"/>'
        f'<text x="62" y="{_y(ms) + 4:.1f}" text-anchor="end">{ms:g}</text>'
    )


def _tick(images: int) -> str:
    return f'<text x="{_x(images):.1f}" y="394" text-anchor="middle">{images:,}</text>'


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--work-dir", type=Path, required=True)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help=f"up to {MAX_IMAGES:,}")
    arguments = parser.parse_args()
    with arguments.prompts.open(encoding="utf-8") as lines:
        line_count = sum(1 for _ in lines)
    if line_count < max(arguments.sizes):
        parser.error(f"{arguments.prompts} has only {line_count:,} lines")
    steps = [step(images, arguments.prompts, arguments.work_dir) for images in sorted(arguments.sizes)]
    print(table(steps))
    if arguments.svg:
        arguments.svg.write_text(svg(steps), encoding="utf-8")


if __name__ == "__main__":
    main()
