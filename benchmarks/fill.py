"""Fills a data directory with image records, one for each line of a file; there are no image files.

::

    python benchmarks/fill.py --data-dir D --prompts FILE [--no-index]

The records go through the same code as those of real images. The server must be stopped: the data directory
is locked meanwhile. With ``--no-index`` no search index is kept; `imagegen reindex` builds it later.
"""

import argparse
import asyncio
import itertools
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from imagegen_adapters.stores.directory import DataDirectory, DataDirectoryInUse
from imagegen_adapters.stores.gallery import image_to_row
from imagegen_adapters.stores.search import IndexEntry, milliseconds
from imagegen_adapters.stores.sql import runner
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_adapters.stores.sqlite.search import (
    INSERT_IMAGE,
    active_generation,
    compact,
    index_new,
    remove_retired_generations,
)
from imagegen_adapters.system import new_id, simplify
from imagegen_core.images import Image, MediaType
from imagegen_core.requests import Operation

Prepared = tuple[dict[str, Any], tuple[int, str, str]]
"""A row and the parts of its index entry, which are faster to send between processes than the entry."""

BATCH = 10_000
SECONDS_APART = 20
_MODELS = [("demo", "demo-1")] * 6 + [("gemini", "gemini-3-pro-image")] * 3 + [("stable-diffusion", "sd-xl")]
_OPERATIONS = [Operation.GENERATE] * 8 + [Operation.REFERENCE, Operation.EDIT]


def fill(data_dir: Path, prompts: Path, *, index: bool = True, limit: int | None = None) -> float:
    """Insert a record for each line, at most ``limit``; return the records per second."""
    directory = DataDirectory.open(data_dir)
    try:
        database = Database.open(directory.database)
        try:
            return asyncio.run(_fill(database, prompts, index=index, limit=limit))
        finally:
            database.close_now()
    finally:
        directory.close()


async def _fill(database: Database, prompts: Path, *, index: bool, limit: int | None) -> float:
    if not index:
        await database.writer.execute("UPDATE search_generations SET state = 'leaving'")
        await remove_retired_generations(database)
    with prompts.open(encoding="utf-8") as lines:
        total = sum(1 for _ in itertools.islice(lines, limit))
    first = datetime.now(UTC) - timedelta(seconds=SECONDS_APART * total)
    started, done = time.perf_counter(), 0
    async for batch in prepared_batches(_batches(prompts, limit), first, index=index):
        await database.writer.write(lambda c, batch=batch: _insert(c, batch))
        done += len(batch)
        _report(done, total, started)
    if index:
        await compact(database, await database.read(runner(active_generation())))
    return done / max(1e-9, time.perf_counter() - started)


async def prepared_batches(
    batches: Iterator[tuple[int, list[str]]], first: datetime, *, index: bool = True
) -> AsyncIterator[list[Prepared]]:
    """Yield the rows of batches of prompts, which processes prepare ahead."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for future in _ahead(pool, batches, partial(prepare, first=first, index=index)):
            yield await asyncio.wrap_future(future)


def _ahead(
    pool: ProcessPoolExecutor,
    batches: Iterator[tuple[int, list[str]]],
    work: Callable[[int, list[str]], list[Prepared]],
) -> Iterator["Future[list[Prepared]]"]:
    """Yield prepared batches in order while the next ones are being prepared."""
    waiting: deque[Future[list[Prepared]]] = deque()
    for number, lines in batches:
        waiting.append(pool.submit(work, number, lines))
        if len(waiting) > 3:
            yield waiting.popleft()
    yield from waiting


def _batches(prompts: Path, limit: int | None) -> Iterator[tuple[int, list[str]]]:
    with prompts.open(encoding="utf-8") as file:
        yield from numbered_batches(line.rstrip("\r\n") for line in itertools.islice(file, limit))


def numbered_batches(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield batches of lines, each with the number of its first line."""
    for number in itertools.count(0, BATCH):
        batch = list(itertools.islice(lines, BATCH))
        if not batch:
            return
        yield number, batch


def prepare(number: int, lines: list[str], first: datetime, *, index: bool = True) -> list[Prepared]:
    """Return the rows of images with these prompts; runs in a worker process."""
    images = (_image(number + n, prompt, first) for n, prompt in enumerate(lines) if prompt)
    return [(image_to_row(image), _entry_parts(image, index=index)) for image in images]


def _entry_parts(image: Image, *, index: bool) -> tuple[int, str, str]:
    if not index:
        return milliseconds(image.created_at), "", ""  # only its day is recorded
    entry = IndexEntry.from_image(image, simplify)
    return entry.created_ms, entry.folded, entry.tokens


def _insert(connection: sqlite3.Connection, batch: list[Prepared]) -> None:
    entries = {}
    for row, (created_ms, folded, tokens) in batch:
        entry = IndexEntry(created_ms=created_ms, folded=folded, tokens=tokens)
        entries[connection.execute(INSERT_IMAGE, row).lastrowid] = entry
    index_new(connection, [((), entries)], simplify)


def _image(number: int, prompt: str, first: datetime) -> Image:
    task_id = new_id()
    provider, model = _MODELS[number % len(_MODELS)]
    return Image(
        task_id=task_id,
        attempt_id=task_id,
        position=0,
        operation=_OPERATIONS[number // 7 % len(_OPERATIONS)],
        prompt=prompt,
        provider_name=provider,
        model_id=model,
        mime_type=MediaType.PNG,
        width=1024,
        height=1024,
        size_bytes=1_500_000 + number,
        sha256=f"{number:064x}",
        blob_key=f"images/{task_id}-0.png",
        thumbnail_key=f"thumbnails/{task_id}-0.webp",
        archive_checksum=str(number),
        created_at=first + timedelta(seconds=SECONDS_APART * number),
    )


def _report(done: int, total: int, started: float) -> None:
    if sys.stderr.isatty():
        rate = done / max(1e-9, time.perf_counter() - started)
        sys.stderr.write(f"\r{done:,} of {total:,} records, {rate:,.0f} a second ")


def main() -> int:
    """Fill the directory and print the rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True, help="one prompt a line, UTF-8")
    parser.add_argument("--no-index", action="store_true", help="keep no search index")
    arguments = parser.parse_args()
    try:
        rate = fill(arguments.data_dir, arguments.prompts, index=not arguments.no_index)
    except DataDirectoryInUse as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(f"{rate:,.0f} records a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
