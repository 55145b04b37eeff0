"""Measures searches over a filled data directory by ten concurrent callers, compared with a scan by LIKE.

::

    python benchmarks/search.py --data-dir D [--callers 10] [--rounds 20] [--no-like]

Prints a Markdown table of the median and the 95th percentile in milliseconds for each kind of keyword: the
first page, the first page again (with its total cached), page 1,000 by cursor, the first page of relevant
mode, and the same result (page and total) by ``LIKE '%…%'`` on the prompts; last a page by ``LIKE`` without a
total, which is fast for a common word. Then the same for filters, and the cost of looking up one character as
the prefix of longer tokens instead of as a token of its own.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import reports  # noqa: F401 - makes the checkout importable

from imagegen_adapters.stores.directory import DataDirectory
from imagegen_adapters.stores.gallery import row_to_image
from imagegen_adapters.stores.rows import MAX_EXACT_TOTAL
from imagegen_adapters.stores.sql import runner
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.search import active_generation, sqlite_gallery
from imagegen_adapters.system import simplify
from imagegen_core.ports.gallery import Gallery, ImageFilter, SearchMode
from imagegen_core.requests import Operation
from imagegen_core.search import Page, Paging, SearchQuery
from tests.contracts.samples import find, find_hits

KINDS = {
    "common, 1 character": ["猫", "的", "爱", "一"],
    "common, 2 characters": ["可爱", "神秘", "窗台", "清晨"],
    "common, 4 and 5": ["赛博朋克", "像素艺术", "可爱的橘猫", "霓虹灯闪烁"],
    "10 characters": ["穿过霓虹灯闪烁的小巷", "一位穿汉服的少女站在", "着一座古城，敦煌石窟"],
    "rare": ["编号0000", "名叫龙", "鳖", "罐猫"],
    "absent, 1 character": ["龘", "靐", "爨"],
    "absent, of common parts": ["神秘的可爱", "猫守护着神秘", "赛博朋克朋", "窗台上望"],
    "Latin": ["cat", "interior", "4k", "nematic light"],
    "Latin, absent": ["hermione", "qzx", "interiors of", "catalogue"],
    "several words": ["猫 油画", "cat lake 4k", "猫 可爱 窗台 逆光", "龙 猫"],
    "punctuation, emoji": ["✨", "(", "--ar 16:9", "，油"],
}
CAT = "猫"
FILTERS = {
    "no filter": (None, ImageFilter()),
    "one provider": (None, ImageFilter(provider_name="gemini")),
    "provider, model, operation": (
        None,
        ImageFilter(provider_name="gemini", model_id="gemini-3-pro-image", operation=Operation.REFERENCE),
    ),
    "猫, one provider": (CAT, ImageFilter(provider_name="gemini")),
    "猫, one operation": (CAT, ImageFilter(operation=Operation.EDIT)),
    "可爱的橘猫, one provider": ("可爱的橘猫", ImageFilter(provider_name="gemini")),
    "a provider without images": (CAT, ImageFilter(provider_name="nobody")),
}
"""Filters by values that `fill.py` assigns."""

Call = Callable[[int], Awaitable[object]]
"""A call that is passed the number of the round."""

NewRecords = Callable[[], Gallery]

FEW = ("rare", "absent", "Latin, absent")
PAGE = 20
DEEP = 1000


@attrs.frozen(kw_only=True)
class Timing:
    """Milliseconds."""

    p50: float
    p95: float

    @classmethod
    def from_seconds(cls, seconds: list[float]) -> "Timing | None":
        if not seconds:
            return None
        ordered = sorted(seconds)
        return cls(
            p50=statistics.median(ordered) * 1000,
            p95=ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)] * 1000,
        )


@attrs.frozen(kw_only=True)
class Result:
    """Measurements of one kind of keyword."""

    kind: str
    hits: str
    first: Timing | None
    again: Timing | None
    deep: Timing | None
    relevant: Timing | None
    like: Timing | None
    like_page: Timing | None


@attrs.frozen
class Like:
    """Searches by LIKE in SQLite."""

    database: Database

    def result(self, keyword: str) -> Call:
        """Return a search with the same result: a page of records and the total, limited to 10,001."""
        pattern = _pattern(keyword)

        def search(connection):
            total = connection.execute(_LIKE_TOTAL, (pattern, MAX_EXACT_TOTAL + 1)).fetchone()[0]
            rows = connection.execute(_LIKE_PAGE, (pattern, PAGE)).fetchall() if total else []
            return total, [row_to_image(row) for row in rows]

        return lambda _: self.database.read(search, deadline_seconds=600)

    def page(self, keyword: str) -> Call:
        """Return a search for a page without its total."""
        values = (_pattern(keyword), PAGE)
        return lambda _: self.database.read(
            lambda c: c.execute(_LIKE_PAGE, values).fetchall(), deadline_seconds=600
        )


async def measure(
    new_records: NewRecords, *, callers: int, rounds: int, like: Like | None = None
) -> list[Result]:
    """Return the measurements of each kind of keyword; new records have no cached totals."""
    records = new_records()
    results = []
    for kind, keywords in KINDS.items():
        queries = [SearchQuery.parse(keyword, simplify) for keyword in keywords]
        pages = [await find_hits(records, q, SearchMode.CONTAINS, ImageFilter(), Paging()) for q in queries]
        deep = [(q, await _position(records, q)) for q in queries]
        results.append(
            Result(
                kind=kind,
                hits=" / ".join(map(_hits, pages)),
                first=await _together(callers, rounds, _new_searches(new_records, queries, rounds)),
                again=await _together(callers, rounds, [_search(records, q, None) for q in queries]),
                deep=await _together(callers, rounds, [_search(records, q, at) for q, at in deep if at]),
                relevant=await _together(
                    callers,
                    max(1, rounds // 4),
                    [_search(records, q, None, SearchMode.RELEVANT) for q in queries],
                ),
                like=await _together(callers, 1, [like.result(k) for k in keywords]) if like else None,
                like_page=await _together(callers, 1, [like.page(k) for k in keywords]) if like else None,
            )
        )
    return results


async def _position(records: Gallery, query: SearchQuery) -> int | None:
    """Return the position at which page 999 ends; None if there are not so many pages."""
    paging = Paging(page=DEEP - 1, page_size=PAGE)
    page = await find_hits(records, query, SearchMode.CONTAINS, ImageFilter(), paging)
    return page.last if page.has_more else None


def _search(
    records: Gallery, query: SearchQuery, after: int | None, mode: SearchMode = SearchMode.CONTAINS
) -> Call:
    paging = Paging(page_size=PAGE, after=after)
    return lambda _: find_hits(records, query, mode, ImageFilter(), paging)


def _new_searches(new_records: NewRecords, queries: list[SearchQuery], rounds: int) -> list[Call]:
    """Return searches that start every round without cached totals."""
    fresh = [new_records() for _ in range(rounds)]

    def search(query: SearchQuery) -> Call:
        return lambda n: find_hits(
            fresh[n], query, SearchMode.CONTAINS, ImageFilter(), Paging(page_size=PAGE)
        )

    return [search(query) for query in queries]


_LIKE_PAGE = "SELECT * FROM images WHERE prompt LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT ?"
_LIKE_TOTAL = "SELECT count(*) FROM (SELECT 1 FROM images WHERE prompt LIKE ? ESCAPE '\\' LIMIT ?)"


def _pattern(keyword: str) -> str:
    escaped = keyword.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


async def measure_filters(new_records: NewRecords, *, callers: int, rounds: int) -> list[Result]:
    """Return the measurements of lists and searches with filters."""
    results = []
    for kind, (keyword, criteria) in FILTERS.items():
        records = new_records()
        asking = partial(_ask, keyword=keyword, criteria=criteria)
        page = await asking(records, Paging())
        last = await asking(records, Paging(page=DEEP - 1, page_size=PAGE))
        deep = Paging(page_size=PAGE, after=last.last) if last.has_more else None
        fresh = [new_records() for _ in range(rounds)]
        results.append(
            Result(
                kind=kind,
                hits=_hits(page),
                first=await _together(callers, rounds, [lambda n, f=fresh, a=asking: a(f[n], Paging())]),
                again=await _together(callers, rounds, [lambda _, r=records, a=asking: a(r, Paging())]),
                deep=await _together(
                    callers, rounds, [lambda _, r=records, a=asking, p=deep: a(r, p)] if deep else []
                ),
                relevant=None,
                like=None,
                like_page=None,
            )
        )
    return results


def _ask(
    records: Gallery, paging: Paging, *, keyword: str | None, criteria: ImageFilter
) -> Awaitable[Page[Any]]:
    if keyword is None:
        return find(records, criteria, paging)
    return find_hits(records, SearchQuery.parse(keyword, simplify), SearchMode.CONTAINS, criteria, paging)


async def prefixes(database: Database) -> str:
    """Return the cost of finding the newest images with one character, by its token and as a prefix."""

    def read(connection):
        name = f"image_index_{runner(active_generation())(connection)}"
        selecting = f"SELECT rowid FROM {name} WHERE {name} MATCH ? ORDER BY rowid DESC LIMIT {PAGE}"  # noqa: S608 - constants
        lines = ["| character | by its token | as a prefix |", "|---|---|---|"]
        for character in (CAT, "的", "龙"):
            seconds = []
            for expression in (f'"{character}"', f'"{character}" *'):
                started = time.perf_counter()
                connection.execute(selecting, (expression,)).fetchall()
                seconds.append(time.perf_counter() - started)
            lines.append(f"| {character} | " + " | ".join(f"{s * 1000:.1f}" for s in seconds) + " |")
        return "\n".join(lines)

    return await database.read(read, deadline_seconds=600)


async def _together(callers: int, rounds: int, calls: list[Call]) -> Timing | None:
    """Run the calls by concurrent callers, each starting at another call."""
    seconds: list[float] = []

    async def caller(number: int) -> None:
        for n in range(rounds * bool(calls)):
            started = time.perf_counter()
            await calls[(number + n) % len(calls)](n)
            seconds.append(time.perf_counter() - started)

    await asyncio.gather(*(caller(number) for number in range(callers)))
    return Timing.from_seconds(seconds)


def table(results: list[Result]) -> str:
    """Return the results as Markdown; milliseconds, median / 95th percentile."""
    columns = ["", "hits", "page 1", "page 1 again", "page 1,000", "relevant", "LIKE", "LIKE, no total"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for r in results:
        timings = (r.first, r.again, r.deep, r.relevant, r.like, r.like_page)
        lines.append(f"| {r.kind} | {r.hits} | {' | '.join(map(_cell, timings))} |")
    return "\n".join(lines)


def speed_ups(results: list[Result]) -> str:
    """Return how many times faster than LIKE the slowest kinds of keywords are."""
    ratios = {r.kind: r.like.p95 / r.first.p95 for r in results if r.first and r.like}
    few = {kind: ratio for kind, ratio in ratios.items() if kind.startswith(FEW)}
    lines = [
        f"{title}: {min(some.values()):.1f} times quicker than LIKE at least ({min(some, key=some.get)})"
        for title, some in (("rare and absent", few), ("all", ratios))
        if some
    ]
    return "\n".join(lines)


def _hits(page: Page[Any]) -> str:
    return f"{page.total:,}{'' if page.total_is_exact else '+'}"


def _cell(timing: Timing | None) -> str:
    return "–" if timing is None else f"{timing.p50:.1f} / {timing.p95:.1f}"


@attrs.frozen(kw_only=True)
class Sizes:
    """Sizes in bytes, and the number of images; those of tables are of what they hold, without free space."""

    images: int
    prompts: int
    index: int
    texts: int
    file: int

    def __str__(self) -> str:
        return (
            f"{self.images:,} images: prompts {self.prompts / 1e6:.1f} MB, "
            f"index {self.index / 1e6:.1f} MB, "
            f"folded prompts {self.texts / 1e6:.1f} MB, the whole file {self.file / 1e6:.1f} MB"
        )


async def sizes(database: Database) -> Sizes:
    """Return how large the index is beside the prompts."""

    def read(connection):
        generation = runner(active_generation())(connection)
        images, prompts = connection.execute(
            "SELECT count(*), coalesce(sum(length(CAST(prompt AS BLOB))), 0) FROM images"
        ).fetchone()
        return Sizes(
            images=images,
            prompts=prompts,
            index=_content_bytes(connection, f"image_index_{generation}_*"),
            texts=_content_bytes(connection, f"image_texts_{generation}"),
            file=database.path.stat().st_size,
        )

    return await database.read(read, deadline_seconds=600)


def _content_bytes(connection, pattern: str) -> int:
    """Return the size of all values in the tables with such names; not every SQLite has ``dbstat``."""
    names = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB ?", (pattern,)
    ).fetchall()
    return sum(_table_bytes(connection, name) for (name,) in names)


def _table_bytes(connection, table: str) -> int:
    columns = [row["name"] for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    sizes_of_values = " + ".join(f"coalesce(length(CAST({column} AS BLOB)), 0)" for column in columns)
    total = f"SELECT coalesce(sum({sizes_of_values}), 0) FROM {table}"  # noqa: S608 - names of the schema
    return connection.execute(total).fetchone()[0]


def resident_mb() -> float:
    """Return this process's resident memory, in units of a million bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _main(arguments: argparse.Namespace) -> None:
    directory = DataDirectory.open(arguments.data_dir, lock=False)
    database = Database.open(directory.database, read_only=True)
    try:
        before = resident_mb()
        new_records = partial(sqlite_gallery, database)
        counts = {"callers": arguments.callers, "rounds": arguments.rounds}
        results = await measure(new_records, **counts, like=None if arguments.no_like else Like(database))
        filtered = await measure_filters(new_records, **counts)
        after = resident_mb()
        print(f"{table(results)}\n\n{table(filtered)}\n\n{await prefixes(database)}\n\n{speed_ups(results)}")
        index_sizes = await sizes(database)
        print(f"\n{index_sizes}")
        print(f"memory {before:.0f} MB before, {after:.0f} MB after; {arguments.callers} callers at once")
    finally:
        await database.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--callers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--no-like", action="store_true")
    asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
