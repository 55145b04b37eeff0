"""Measures searches in PostgreSQL over generated prompts by ten concurrent callers.

The server is Debian's, started for this in a temporary directory and removed afterwards. Its tables are those
of `search`, and without LIKE: the first page, the first page again (with its total remembered), page 1,000 by
cursor, and the first page of relevant mode, for each kind of keyword and for filters.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import reports  # noqa: F401 - makes the checkout importable
from fill import SECONDS_APART, numbered_batches, prepared_batches
from prompts import prompts
from search import measure, measure_filters, resident_mb, table

from imagegen_adapters.databases.postgresql import Database
from imagegen_adapters.image_records.postgresql import PostgresqlImageRecords
from imagegen_adapters.simplifiers.opencc import simplify
from tests.fakes.postgresql import Cluster

INSERT_IMAGES = """
INSERT INTO images OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::images, $1)
"""

INSERT_TEXT = """
INSERT INTO image_texts (id, created_at, folded, tokens)
SELECT id, $2, $3, array_to_tsvector($4::text[] || format('#a%s', id >> 14) || format('#b%s', id >> 17))
FROM (VALUES ($1::bigint)) AS image (id)
"""
"""What the service does for each image; but of images ten thousand are inserted, and so counted, at once."""

SIZES = """
SELECT relname, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class
WHERE relname IN ('images', 'image_texts', 'image_texts_tokens') ORDER BY relname
"""


async def fill(database, images):
    """Insert so many images in batches; return how many a second."""
    first = datetime.now(UTC) - timedelta(seconds=SECONDS_APART * images)
    started, number = time.perf_counter(), itertools.count(1)
    async for batch in prepared_batches(numbered_batches(prompts(images)), first):
        rows = [{"id": next(number), **row, "params": {}, "metadata": {}} for row, _ in batch]
        texts = [
            (row["id"], row["created_at"], folded, sorted(set(tokens.split(" "))))
            for row, (_, (_, folded, tokens)) in zip(rows, batch, strict=True)
        ]
        images_json = json.dumps(rows)  # before the transaction, which the server ends if it is idle
        async with database.transaction() as connection:
            await connection.execute(INSERT_IMAGES, images_json, timeout=600)
            await connection.executemany(INSERT_TEXT, texts, timeout=600)
    return images / (time.perf_counter() - started)


async def main(options):
    """Fill a database, measure and print."""
    with Cluster.start(shared_buffers=options.shared_buffers) as cluster:
        database = await Database.open(cluster.create_database("search"))
        try:
            print(f"{await fill(database, options.images):,.0f} images inserted a second")
            cluster.run("VACUUM ANALYZE", "search")
            new_records = partial(PostgresqlImageRecords, database, simplify=simplify)
            before, counts = resident_mb(), {"callers": options.callers, "rounds": options.rounds}
            results = await measure(new_records, **counts)
            filtered = await measure_filters(new_records, **counts)
            print(f"\n{table(results)}\n\n{table(filtered)}\n")
            for name, size in await database.rows(SIZES):
                print(f"{name}: {size}")
            print(f"memory of a node {before:.0f} MB before, {resident_mb():.0f} MB after")
        finally:
            await database.close()


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--callers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--shared-buffers", default="256MB", help="PostgreSQL's own memory")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(main(parsed(sys.argv[1:])))
