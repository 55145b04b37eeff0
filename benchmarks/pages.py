"""Measures pages of all images by their number over a filled data directory: ``--data-dir D``.

Prints, for pages ever further down, the milliseconds of the page as the service finds it and of the same page
by skipping rows (``LIMIT … OFFSET …``), medians of a few rounds; `fill.py` makes the directory.
"""

import asyncio
import statistics
import time
from pathlib import Path

from reports import Report, option_parser

from imagegen_adapters.stores.directory import DataDirectory
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_core.limits import DEFAULT_PAGE_SIZE
from imagegen_core.ports.gallery import ImageFilter
from imagegen_core.search import Paging
from tests.contracts.samples import find

SKIPPING = "SELECT * FROM images ORDER BY id DESC LIMIT ? OFFSET ?"
PAGES = (1, 50, 1_000, 10_000, 40_000)


async def median_ms(rounds, read):
    """Return the median of so many reads."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        await read()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000


async def measure(database, rounds):
    """Return the report."""
    report = Report(
        "pages", {"page": "page", "by_number_ms": "by its number, ms", "by_skipping_ms": "by skipping, ms"}
    )
    records = sqlite_gallery(database)
    for page in PAGES:
        paging = Paging(page=page)

        def skip(connection, paging=paging):
            return connection.execute(SKIPPING, (DEFAULT_PAGE_SIZE, paging.offset)).fetchall()

        by_number_ms = await median_ms(rounds, lambda paging=paging: find(records, ImageFilter(), paging))
        by_skipping_ms = await median_ms(rounds, lambda skip=skip: database.read(skip))
        report.add(page=page, by_number_ms=by_number_ms, by_skipping_ms=by_skipping_ms)
    return report


async def main():
    parser = option_parser(__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    directory = DataDirectory.open(options.data_dir, lock=False)
    database = Database.open(directory.database, read_only=True)
    try:
        report = await measure(database, options.rounds)
        report.publish(options.json)
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
