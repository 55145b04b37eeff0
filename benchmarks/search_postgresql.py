"""Measures searches in PostgreSQL over generated prompts by ten concurrent callers.

The server is Debian's, started for this in a temporary directory and removed afterwards; `--keep` names a
directory that keeps what was filled for the next run. The tables are those of `search`, and without LIKE: the
first page, the first page again (with its total remembered), page 1,000 by cursor, and the first page of
relevant mode, for each kind of keyword and for filters. With `--writes` so many images a second are stored
meanwhile, in a copy of the database. The last table says what one search takes of the processors, of the
server's and the node's, and so how long ten callers wait at least who ask at once.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
import zlib
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import uvloop
from fill import SECONDS_APART, numbered_batches, prepared_batches
from prompts import prompts
from search import measure, measure_filters, resident_mb, table
from search_processor import processor_table

from imagegen_adapters.stores.postgresql.database import ConnectionPolicy, Database, migrations
from imagegen_adapters.stores.postgresql.search import postgresql_gallery
from imagegen_adapters.stores.search import folding_version
from imagegen_adapters.system import simplify
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import a_task, an_attempt, an_image, find_hits
from tests.fakes.postgresql import Cluster, insert_images

INSERT_IMAGES = """
INSERT INTO images OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::images, $1)
"""

INSERT_TEXTS = """
INSERT INTO image_texts SELECT * FROM json_populate_recordset(NULL::image_texts, $1)
"""

COPIED = ("id", "created_at", "provider_name", "model_id", "operation")
"""The columns of an image that its entry of the search index has, too."""

INDEX = "SELECT pg_get_indexdef('image_texts_tokens'::regclass)"

WRITTEN_SEED = 3

CONTINUE = "SELECT setval(pg_get_serial_sequence('images', 'id'), $1)"

PATIENT = ConnectionPolicy(command_timeout_seconds=3600, idle_in_transaction_seconds=600)

SIZES = """
SELECT relname, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class
WHERE relname IN ('images', 'image_texts', 'image_texts_tokens') ORDER BY relname
"""


async def fill(dsn, images):
    """Insert so many images, then index them, as a move does; return how many a second."""
    database = await Database.open(dsn, PATIENT)
    try:
        started = time.perf_counter()
        ((index,),) = await database.rows(INDEX)
        await database.rows("DROP INDEX image_texts_tokens")
        await insert(database, images)
        async with database.connection() as connection:
            await connection.execute("SET maintenance_work_mem = '512MB'")
            await connection.execute(index)
            await connection.execute("RESET maintenance_work_mem")
        await database.rows(CONTINUE, images)
        return images / (time.perf_counter() - started)
    finally:
        await database.close()


async def insert(database, images):
    """Insert so many images and their entries of the index, in batches."""
    first = datetime.now(UTC) - timedelta(seconds=SECONDS_APART * images)
    numbers, folding = itertools.count(1), folding_version(simplify)
    async for batch in prepared_batches(numbered_batches(prompts(images)), first):
        columns = {"params": {}, "metadata": {}, "favourite": False}
        rows = [{"id": next(numbers), **row, **columns} for row, _ in batch]
        texts = [
            {name: row[name] for name in COPIED} | {"folded": folded, "folding": folding}
            for row, (_, (_, folded, _)) in zip(rows, batch, strict=True)
        ]
        async with database.transaction() as connection:
            await connection.execute(INSERT_IMAGES, json.dumps(rows))
            await connection.execute(INSERT_TEXTS, json.dumps(texts))


async def filled(cluster, images):
    """Return the DSN of a database with this schema and so many images, which is made unless there is one."""
    name = f"images_{images}_{zlib.crc32(''.join(migrations().values()).encode()):08x}"
    if cluster.run(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608 - a number
        return cluster.dsn(name)
    cluster.run("DROP DATABASE IF EXISTS filling")
    dsn = cluster.create_database("filling")
    print(f"{await fill(dsn, images):,.0f} images inserted and indexed a second")
    cluster.run("VACUUM ANALYZE", "filling")
    cluster.run(f"ALTER DATABASE filling RENAME TO {name}")
    return cluster.dsn(name)


@asynccontextmanager
async def copied(cluster, dsn):
    """Yield the DSN of a copy of a database to which nobody is connected."""
    cluster.run("DROP DATABASE IF EXISTS written")
    yield cluster.create_database(
        "written", f"TEMPLATE {dsn.rsplit('/', 1)[1].split('?')[0]} STRATEGY FILE_COPY"
    )
    cluster.run("DROP DATABASE written")


@asynccontextmanager
async def writes(database, per_second):
    """Store so many images a second while the body runs, and print how many it were."""
    if not per_second:
        yield
        return
    started, stored = time.perf_counter(), 0

    async def write():
        nonlocal stored
        for prompt in prompts(10**9, seed=WRITTEN_SEED):
            await asyncio.sleep(max(0, started + stored / per_second - time.perf_counter()))
            async with database.transaction() as connection:
                await insert_images(connection, (an_image(an_attempt(a_task()), prompt=prompt),), simplify)
            stored += 1

    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.wait([writing])
        print(f"\n{stored / (time.perf_counter() - started):.1f} images a second were stored meanwhile")


async def main(options):
    """Fill a database, measure and print."""
    starting = partial(Cluster.in_folder, options.keep) if options.keep else Cluster.start
    with starting(shared_buffers=options.shared_buffers) as cluster:
        dsn = await filled(cluster, options.images)
        async with copied(cluster, dsn) if options.writes else nullcontext(dsn) as measured:
            database = await Database.open(measured)
            try:
                await report(database, options)
            finally:
                await database.close()


async def open_connections(records, callers):
    """Let each caller search once: the first search of a connection plans what all later ones run."""
    for mode in SearchMode:
        queries = [SearchQuery(words=(f"猫 {number}",)) for number in range(callers)]
        await asyncio.gather(*(find_hits(records, query, mode, ImageFilter(), Paging()) for query in queries))


async def report(database, options):
    """Measure a filled database and print."""
    new_records = partial(postgresql_gallery, database)
    before, counts = resident_mb(), {"callers": options.callers, "rounds": options.rounds}
    await open_connections(new_records(), options.callers)
    async with writes(database, options.writes):
        results = await measure(new_records, **counts)
        filtered = await measure_filters(new_records, **counts)
    print(f"\n{table(results)}\n\n{table(filtered)}\n")
    print(f"{await processor_table(database, new_records, options.callers)}\n")
    for name, size in await database.rows(SIZES):
        print(f"{name}: {size}")
    print(f"memory of a node {before:.0f} MB before, {resident_mb():.0f} MB after")


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--callers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writes", type=int, default=0, metavar="N", help="images stored a second meanwhile")
    parser.add_argument("--shared-buffers", default="256MB", help="PostgreSQL's own memory")
    parser.add_argument("--keep", type=Path, help="a directory that keeps the server's data for the next run")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the service does
        runner.run(main(parsed(sys.argv[1:])))
