"""Measures favourites, tags and collections over a filled data directory, which keeps them: ``--data-dir D``.

`fill.py` makes it, and nothing else may use it. Half of the images become favourites, a third of the others
get a tag, ten images another one. Prints the milliseconds of batches of a thousand images, and of the first
page of lists and searches with such filters, without totals that are remembered: medians of a few rounds.
"""

import asyncio
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from reports import Report, option_parser

from imagegen_adapters.stores.directory import DataDirectory
from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.sql import SqliteSql
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import SqliteIndex, sqlite_gallery
from imagegen_adapters.system import simplify
from imagegen_core.images import MarkChange
from imagegen_core.limits import MAX_BATCH_IMAGES
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import find, find_hits

COLUMNS = {
    "what": "batches of 1,000 images, and pages of lists",
    "images": "images",
    "median_ms": "median, ms",
    "max_ms": "slowest batch, or page 50, ms",
}


def changes_of(newest, collection):
    """Return the changes to make by their names, and the ids of the images that each changes."""
    return {
        "favourites, every second image": (MarkChange(favourite=True), range(2, newest, 2)),
        "a tag, every third of the others": (MarkChange(tag="others"), range(1, newest, 6)),
        "another one, ten of all": (MarkChange(tag="ten"), range(5, newest, newest // 10)),
        "a collection, the oldest fifth": (MarkChange(add_to=collection), range(1, newest // 5)),
    }


def lists_of(collection):
    """Return the filters to measure by their names, with words or None."""
    return {
        "favourites": (ImageFilter(favourite=True), None),
        "no favourites": (ImageFilter(favourite=False), None),
        "the tag of many": (ImageFilter(tag="others"), None),
        "the tag of ten": (ImageFilter(tag="ten"), None),
        "a tag that no image has": (ImageFilter(tag="nobody's"), None),
        "the collection": (ImageFilter(collection=collection), None),
        "favourites with the tag of many: none": (ImageFilter(favourite=True, tag="others"), None),
        "no favourites, of a provider": (ImageFilter(favourite=False, provider_name="gemini"), None),
        "猫, favourites": (ImageFilter(favourite=True), "猫"),
        "猫, no favourites": (ImageFilter(favourite=False), "猫"),
        "猫, favourites with the tag of many: none": (ImageFilter(favourite=True, tag="others"), "猫"),
        "的, the tag of ten": (ImageFilter(tag="ten"), "的"),
        "可爱的橘猫, the collection": (ImageFilter(collection=collection), "可爱的橘猫"),
    }


async def make_batches(marks, change, ids):
    """Change images a thousand at a time; return the milliseconds of each batch."""
    milliseconds = []
    for start in range(0, len(ids), MAX_BATCH_IMAGES):
        started = time.perf_counter()
        await marks.change(ids[start : start + MAX_BATCH_IMAGES], change)
        milliseconds.append((time.perf_counter() - started) * 1000)
    return milliseconds


async def page_of(database, criteria, words, number):
    """Return a page, and the milliseconds that it took records that have counted nothing before."""
    records = sqlite_gallery(database)
    started = time.perf_counter()
    if words is None:
        page = await find(records, criteria, Paging(page=number))
    else:
        query = SearchQuery.parse(words, simplify)
        page = await find_hits(records, query, SearchMode.CONTAINS, criteria, Paging(page=number))
    return page, (time.perf_counter() - started) * 1000


async def measure_batches(database, report, collection):
    """Put the marks on the images, and report how long it took."""
    newest = await database.read(lambda c: c.execute("SELECT max(id) FROM images").fetchone()[0])
    for name, (change, ids) in changes_of(newest, collection).items():
        milliseconds = await make_batches(SqlMarks(SqliteSql(database), SqliteIndex()), change, ids)
        median, slowest = statistics.median(milliseconds), max(milliseconds)
        report.add(what=name, images=f"{len(ids):,}", median_ms=median, max_ms=slowest)


async def measure_lists(database, report, collection, rounds):
    """Report how long the first page and page 50 of each list take."""
    for name, (criteria, words) in lists_of(collection).items():
        timings = []
        for number in (1, 50):
            pages = [await page_of(database, criteria, words, number) for _ in range(rounds)]
            timings.append(statistics.median(milliseconds for _, milliseconds in pages))
        page = pages[0][0]
        total = f"{page.total:,}{'' if page.total_is_exact else '+'}"
        report.add(what=name, images=total, median_ms=timings[0], max_ms=timings[1])


async def measure(database, rounds):
    """Return the report."""
    report, marks = Report("marks", COLUMNS), SqlMarks(SqliteSql(database), SqliteIndex())
    collection = (await marks.add_collection(f"{time.time()}", datetime.now(UTC))).id
    await measure_batches(database, report, collection)
    await measure_lists(database, report, collection, rounds)
    started = time.perf_counter()
    await marks.remove_collection(collection)
    report.add(what="removing the collection", median_ms=(time.perf_counter() - started) * 1000)
    return report


async def main():
    parser = option_parser(__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    directory = DataDirectory.open(options.data_dir)
    database = Database.open(directory.database)
    try:
        (await measure(database, options.rounds)).publish(options.json)
    finally:
        await database.close()
        directory.close()


if __name__ == "__main__":
    asyncio.run(main())
