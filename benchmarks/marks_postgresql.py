"""Measures marks, days and neighbours in PostgreSQL over generated prompts, by concurrent callers.

Half of the images become favourites, a third of the others get a tag, ten images another one, and the
oldest fifth is a collection, in batches of a thousand images. Then callers ask at the same time, each for
all lists in turn from another one on: for the first page, with a total that nobody has counted; for the days
of Shanghai that have images, and for these once more; for what is beside an image of its first page.
Milliseconds are medians, behind the stroke 95th percentiles, and in brackets what the processors of server
and node are busy with a call. `--keep` is that of `search_postgresql`, whose database is copied.
"""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import uvloop
from marks import changes_of, lists_of, make_batches
from reports import Report, option_parser
from search import Timing
from search_postgresql import copied, filled, open_connections
from search_processor import Processor
from timeline import SHANGHAI
from timeline import lists_of as timeline_lists_of

from imagegen_adapters.stores.marks import SqlMarks
from imagegen_adapters.stores.postgresql.database import Database
from imagegen_adapters.stores.postgresql.search import PostgresqlIndex, postgresql_gallery
from imagegen_adapters.stores.sql import PostgresqlSql
from imagegen_adapters.system import simplify
from imagegen_core.errors import Unavailable
from imagegen_core.ports.gallery import ImageFilter, ImageList
from imagegen_core.search import Paging, SearchQuery
from imagegen_core.services.gallery import Images
from tests.contracts.samples import find, find_hits
from tests.fakes.postgresql import DURABLE, Cluster

COLUMNS = {
    "work": "batches of 1,000 images, and lists",
    "images": "images",
    "batch_ms": "a batch, ms",
    "log_kb": "log of a batch, kB",
    "page_ms": "page, ms",
    "days_ms": "days, ms",
    "again_ms": "days again, ms",
    "beside_ms": "neighbours, ms",
}


def days_of(timeline, images, *, zone):
    """Return what the gallery shows of the days of a list."""
    return Images(parts=SimpleNamespace(images=timeline), on_change=lambda: None).days(images, zone=zone)


async def measure_batches(database, report, collection, newest):
    """Put the marks on the images, and report how long a batch took and what it wrote to the log."""
    marks = SqlMarks(PostgresqlSql(database), PostgresqlIndex())
    for name, (change, ids) in changes_of(newest, collection).items():
        ((start,),) = await database.rows("SELECT pg_current_wal_insert_lsn()::text")
        milliseconds = await make_batches(marks, change, ids)
        ((written,),) = await database.rows(
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::text::pg_lsn)::bigint", start
        )
        timing = Timing.from_seconds([each / 1000 for each in milliseconds])
        kilobytes = written / 1024 / len(milliseconds)
        report.add(work=name, images=len(ids), batch_ms=_stroke(timing), log_kb=kilobytes)


def _stroke(timing):
    return f"{timing.p50:.1f} / {timing.p95:.1f}"


def image_lists(collection, newest):
    """Return the lists to measure by their names."""
    lists = {
        name: ImageList(criteria=criteria, query=words and SearchQuery.parse(words, simplify))
        for name, (criteria, words) in lists_of(collection).items()
    }
    return lists | timeline_lists_of(newest)


async def page_of(records, images):
    """Return the first page of a list."""
    if images.query is None:
        return await find(records, images.criteria, Paging())
    page = await find_hits(records, images.query, images.mode, images.criteria, Paging())
    return page.with_items(hit.image for hit in page.items)


async def in_turn(callers, rounds, calls):
    """Let each caller make all calls in turn, beginning with another one; return their timings by name."""
    names, seconds = list(calls), defaultdict(list)

    async def caller(number):
        for n in range(rounds * len(names)):
            name = names[(number * len(names) // callers + n) % len(names)]
            started = time.perf_counter()
            await calls[name]()
            seconds[name].append(time.perf_counter() - started)

    await asyncio.gather(*map(caller, range(callers)))
    return {name: Timing.from_seconds(each) for name, each in seconds.items()}


async def answer(ask, name):
    """Ask about a list; a refusal takes its time, too."""
    with suppress(Unavailable):
        await ask(name)


async def cells_of(database, lists, ask, options):
    """Return how long what is asked takes, as text, by the names of the lists."""
    calls = {name: partial(answer, ask, name) for name in lists}
    busy = {name: await Processor.from_calls(database, call) for name, call in calls.items()}
    timings = await in_turn(options.callers, options.rounds, calls)
    return {name: f"{_stroke(timings[name])} ({busy[name].server + busy[name].node:.1f})" for name in lists}


async def measure_lists(database, report, lists, options):
    """Report how long pages, days and neighbours take."""
    records = partial(postgresql_gallery, database)
    timeline = postgresql_gallery(database)
    pages = {name: await page_of(records(), images) for name, images in lists.items()}
    middle = {name: page.items[len(page.items) // 2].id for name, page in pages.items() if page.items}
    questions = {
        "page_ms": lambda name: page_of(records(), lists[name]),
        "days_ms": lambda name: days_of(postgresql_gallery(database), lists[name], zone=SHANGHAI),
        "again_ms": lambda name: days_of(timeline, lists[name], zone=SHANGHAI),
        "beside_ms": lambda name: timeline.neighbours(middle.get(name, 1), lists[name]),
    }
    cells = {column: await cells_of(database, lists, ask, options) for column, ask in questions.items()}
    for name, page in pages.items():
        total = f"{page.total:,}{'' if page.total_is_exact else '+'}"
        report.add(work=name, images=total, **{column: texts[name] for column, texts in cells.items()})


async def measure(database, options):
    """Return the report."""
    report, marks = (
        Report("marks_postgresql", COLUMNS),
        SqlMarks(PostgresqlSql(database), PostgresqlIndex()),
    )
    records = postgresql_gallery(database)
    collection = (await marks.add_collection(f"{time.time()}", datetime.now(UTC))).id
    (newest,) = (await find(records, ImageFilter(), Paging(page_size=1))).items
    await measure_batches(database, report, collection, newest.id)
    await database.rows("ANALYZE")
    await open_connections(records, options.callers)
    await measure_lists(database, report, image_lists(collection, newest.created_at), options)
    started = time.perf_counter()
    await marks.remove_collection(collection)
    report.add(work="removing the collection", batch_ms=(time.perf_counter() - started) * 1000)
    return report


async def main(options):
    """Fill a database unless there is one, measure a copy of it and print."""
    settings = DURABLE | {"shared_buffers": options.shared_buffers}
    starting = partial(Cluster.in_folder, options.keep) if options.keep else Cluster.start
    with starting(**settings) as cluster:
        dsn = await filled(cluster, options.images)
        async with copied(cluster, dsn) as copy:
            database = await Database.open(copy)
            try:
                (await measure(database, options)).publish(options.json)
            finally:
                await database.close()


def parsed():
    parser = option_parser(__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--callers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shared-buffers", default="256MB", help="PostgreSQL's own memory")
    parser.add_argument("--keep", type=Path, help="a directory that keeps the server's data for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the service does
        runner.run(main(parsed()))
