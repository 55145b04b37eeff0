"""Measures days and neighbours over a filled data directory: ``--data-dir D``, which `fill.py` makes.

Prints the milliseconds of counting the images of several lists by the days of Shanghai, and of looking up
what is beside an image in the middle of the list, medians of a few rounds, each without anything remembered.
"""

import asyncio
import statistics
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from reports import Report, option_parser

from imagegen_adapters.stores.directory import DataDirectory
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import sqlite_gallery
from imagegen_adapters.system import simplify
from imagegen_core.ports.gallery import ImageFilter, ImageList, SearchMode
from imagegen_core.requests import Operation
from imagegen_core.search import Paging, SearchQuery
from imagegen_core.services.gallery import Images
from tests.contracts.samples import find, find_hits

COLUMNS = {
    "list": "list",
    "images": "images",
    "days": "days",
    "days_ms": "its days, ms",
    "beside_ms": "its neighbours, ms",
}
SHANGHAI = ZoneInfo("Asia/Shanghai")


def days_of(timeline, images, *, zone):
    """Return what the gallery shows of the days of a list."""
    return Images(parts=SimpleNamespace(images=timeline), on_change=lambda: None).days(images, zone=zone)


def lists_of(newest):
    """Return the lists to measure by their names; ``newest`` is when the newest image was made."""
    month, odd = newest - timedelta(days=30), newest - timedelta(days=300, seconds=1)
    midnight = month.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "all": ImageList(),
        "a provider": ImageList(criteria=ImageFilter(provider_name="gemini")),
        "a provider and an operation": ImageList(
            criteria=ImageFilter(provider_name="gemini", operation=Operation.EDIT)
        ),
        "the last 30 days": ImageList(criteria=ImageFilter(created_from=midnight)),
        "300 days, from an odd second on": ImageList(criteria=ImageFilter(created_from=odd)),
        "a provider's, likewise": ImageList(criteria=ImageFilter(provider_name="gemini", created_from=odd)),
        **{f"with {words}": ImageList(query=_query(words)) for words in ("猫", "可爱的橘猫", "鳖", "cat 4k")},
        "like 可爱的橘猫": ImageList(query=_query("可爱的橘猫"), mode=SearchMode.RELEVANT),
    }


def _query(words):
    return SearchQuery.parse(words, simplify)


async def median(rounds, act):
    """Return the median milliseconds of so many calls, and what the last one returned."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        result = await act()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000, result


async def count_days(database, images):
    """Count images by the days of Shanghai."""
    return await days_of(sqlite_gallery(database), images, zone=SHANGHAI)


async def middle_of(records, images):
    """Return the id of an image on page 50, or on the first one."""
    for page in (50, 1):
        paging = Paging(page=page)
        if images.query is None:
            matches = await find(records, images.criteria, paging)
            ids = [image.id for image in matches.items]
        else:
            matches = await find_hits(records, images.query, images.mode, images.criteria, paging)
            ids = [hit.image.id for hit in matches.items]
        if ids:
            return ids[len(ids) // 2]
    return 1


async def measure(database, rounds):
    """Return the report."""
    report = Report("timeline", COLUMNS)
    records = sqlite_gallery(database)
    (newest,) = (await find(records, ImageFilter(), Paging(page_size=1))).items
    for name, images in lists_of(newest.created_at).items():
        image_id = await middle_of(records, images)
        days_ms, days = await median(rounds, lambda images=images: count_days(database, images))
        beside_ms, _ = await median(
            rounds,
            lambda images=images, i=image_id: sqlite_gallery(database).neighbours(i, images),
        )
        total = sum(count for _, count in days)
        report.add(list=name, images=total, days=len(days), days_ms=days_ms, beside_ms=beside_ms)
    return report


async def main():
    parser = option_parser(__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
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
