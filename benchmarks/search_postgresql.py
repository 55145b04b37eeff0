"""Measures searches in PostgreSQL over generated prompts by ten concurrent callers.

The server is Debian's, started for this in a temporary directory and removed afterwards; `--keep` names a
directory that keeps what was filled for the next run. The tables are those of `search`, and without LIKE: the
first page, the first page again (with its total remembered), page 1,000 by cursor, and the first page of
relevant mode, for each kind of keyword and for filters.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
import zlib
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import reports  # noqa: F401 - makes the checkout importable
from fill import SECONDS_APART, numbered_batches, prepared_batches
from prompts import prompts
from search import measure, measure_filters, resident_mb, table

from imagegen_adapters.databases.postgresql import ConnectionPolicy, Database
from imagegen_adapters.databases.postgresql.migrations import migrations
from imagegen_adapters.image_records.index_state import folding_version
from imagegen_adapters.image_records.postgresql import PostgresqlImageRecords
from imagegen_adapters.simplifiers.opencc import simplify
from tests.fakes.postgresql import Cluster

INSERT_IMAGES = """
INSERT INTO images OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::images, $1)
"""

INSERT_TEXTS = """
INSERT INTO image_texts (id, created_at, folded, folding, tokens)
SELECT id, created_at::timestamptz, folded, $5,
    array_to_tsvector(string_to_array(tokens, ' ') || format('#a%s', id >> 14) || format('#b%s', id >> 17))
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS entries (id, created_at, folded, tokens)
"""

INDEX = "SELECT pg_get_indexdef('image_texts_tokens'::regclass)"

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
        rows = [{"id": next(numbers), **row, "params": {}, "metadata": {}} for row, _ in batch]
        texts = [
            (row["id"], row["created_at"], folded, tokens)
            for row, (_, (_, folded, tokens)) in zip(rows, batch, strict=True)
        ]
        images_json, columns = json.dumps(rows), list(zip(*texts, strict=True))
        async with database.transaction() as connection:
            await connection.execute(INSERT_IMAGES, images_json)
            await connection.execute(INSERT_TEXTS, *columns, folding)


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


async def main(options):
    """Fill a database, measure and print."""
    starting = partial(Cluster.in_folder, options.keep) if options.keep else Cluster.start
    with starting(shared_buffers=options.shared_buffers) as cluster:
        database = await Database.open(await filled(cluster, options.images))
        try:
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
    parser.add_argument("--keep", type=Path, help="a directory that keeps the server's data for the next run")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(main(parsed(sys.argv[1:])))
