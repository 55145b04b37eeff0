"""Measures searches over a filled data directory, ten callers at once, beside a scan with LIKE.

::

    python benchmarks/search.py --data-dir D [--callers 10] [--rounds 20] [--no-like]

Prints a Markdown table of the median and the 95th percentile in milliseconds for each kind of keyword: the
first page, the first page again (its total is remembered then), page 1,000 by cursor, the first page of
relevant mode, and the same keyword by ``LIKE '%…%'`` on the prompts (without a total).
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs

from imagegen_adapters.databases.data_directory import DataDirectory
from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.image_records.index import active_generation
from imagegen_adapters.image_records.sqlite import SqliteImageRecords
from imagegen_adapters.simplifiers.opencc import simplify
from imagegen_core.pages import Paging
from imagegen_core.ports.image_records import ImageFilter, SearchMode
from imagegen_core.search_query import SearchQuery

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
Call = Callable[[int], Awaitable[object]]
"""Takes the number of the round."""

PAGE = 20
DEEP = 1000


@attrs.frozen(kw_only=True)
class Timing:
    """Milliseconds."""

    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Timing | None":
        if not seconds:
            return None
        ordered = sorted(seconds)
        return cls(
            p50=statistics.median(ordered) * 1000,
            p95=ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)] * 1000,
        )


@attrs.frozen(kw_only=True)
class Result:
    """What was measured of one kind of keyword."""

    kind: str
    hits: str
    first: Timing | None
    again: Timing | None
    deep: Timing | None
    relevant: Timing | None
    like: Timing | None


async def measure(database: Database, *, callers: int, rounds: int, like: bool = True) -> list[Result]:
    """Return what each kind of keyword takes."""
    records = SqliteImageRecords(database, simplify=simplify)
    results = []
    for kind, keywords in KINDS.items():
        queries = [SearchQuery.parse(keyword, simplify) for keyword in keywords]
        pages = [await records.search(q, SearchMode.CONTAINS, ImageFilter(), Paging()) for q in queries]
        deep = [(q, await _position(records, q)) for q in queries]
        results.append(
            Result(
                kind=kind,
                hits=" / ".join(f"{p.total:,}{'' if p.total_is_exact else '+'}" for p in pages),
                first=await _together(callers, rounds, _new_searches(database, queries, rounds)),
                again=await _together(callers, rounds, [_search(records, q, None) for q in queries]),
                deep=await _together(callers, rounds, [_search(records, q, at) for q, at in deep if at]),
                relevant=await _together(
                    callers,
                    max(1, rounds // 4),
                    [_search(records, q, None, SearchMode.RELEVANT) for q in queries],
                ),
                like=await _together(callers, 1, [_like(database, k) for k in keywords]) if like else None,
            )
        )
    return results


async def _position(records: SqliteImageRecords, query: SearchQuery) -> int | None:
    """Return where the page before page 1,000 ends, None when there are not so many."""
    paging = Paging(page=DEEP - 1, page_size=PAGE)
    page = await records.search(query, SearchMode.CONTAINS, ImageFilter(), paging)
    return page.last if page.has_more else None


def _search(
    records: SqliteImageRecords, query: SearchQuery, after: int | None, mode: SearchMode = SearchMode.CONTAINS
) -> Call:
    paging = Paging(page_size=PAGE, after=after)
    return lambda _: records.search(query, mode, ImageFilter(), paging)


def _new_searches(database: Database, queries: list[SearchQuery], rounds: int) -> list[Call]:
    """Return searches that, in every round anew, remember no totals of earlier ones."""
    fresh = [SqliteImageRecords(database, simplify=simplify) for _ in range(rounds)]

    def search(query: SearchQuery) -> Call:
        return lambda n: fresh[n].search(query, SearchMode.CONTAINS, ImageFilter(), Paging(page_size=PAGE))

    return [search(query) for query in queries]


def _like(database: Database, keyword: str) -> Call:
    escaped = keyword.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    sql = "SELECT * FROM images WHERE prompt LIKE ? ESCAPE '\\' ORDER BY id DESC LIMIT ?"
    return lambda _: database.read(
        lambda c: c.execute(sql, (f"%{escaped}%", PAGE)).fetchall(), deadline_seconds=600
    )


async def _together(callers: int, rounds: int, calls: list[Call]) -> Timing | None:
    """Let callers go through the calls at the same time, each beginning at another one."""
    seconds: list[float] = []

    async def caller(number: int) -> None:
        for n in range(rounds * bool(calls)):
            started = time.perf_counter()
            await calls[(number + n) % len(calls)](n)
            seconds.append(time.perf_counter() - started)

    await asyncio.gather(*(caller(number) for number in range(callers)))
    return Timing.of(seconds)


def table(results: list[Result]) -> str:
    """Return the results as Markdown; milliseconds, median / 95th percentile."""
    head = "| keywords | hits | page 1 | page 1 again | page 1,000 | relevant | LIKE |\n" + "|---" * 7 + "|\n"
    rows = (
        f"| {r.kind} | {r.hits} | {' | '.join(map(_cell, (r.first, r.again, r.deep, r.relevant, r.like)))} |"
        for r in results
    )
    return head + "\n".join(rows)


def _cell(timing: Timing | None) -> str:
    return "–" if timing is None else f"{timing.p50:.1f} / {timing.p95:.1f}"


@attrs.frozen(kw_only=True)
class Sizes:
    """Bytes, and how many pictures they are of."""

    pictures: int
    prompts: int
    index: int
    texts: int
    file: int

    def __str__(self) -> str:
        return (
            f"{self.pictures:,} pictures: prompts {self.prompts / 1e6:.1f} MB, "
            f"index {self.index / 1e6:.1f} MB, "
            f"folded prompts {self.texts / 1e6:.1f} MB, the whole file {self.file / 1e6:.1f} MB"
        )


async def sizes(database: Database) -> Sizes:
    """Return how large the index is beside the prompts."""

    def read(connection):
        generation = active_generation(connection)
        pictures, prompts = connection.execute(
            "SELECT count(*), coalesce(sum(length(CAST(prompt AS BLOB))), 0) FROM images"
        ).fetchone()
        size = "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name LIKE ? AND aggregate = TRUE"
        return Sizes(
            pictures=pictures,
            prompts=prompts,
            index=connection.execute(size, (f"image_index_{generation}_%",)).fetchone()[0],
            texts=connection.execute(size, (f"image_texts_{generation}",)).fetchone()[0],
            file=database.path.stat().st_size,
        )

    return await database.read(read, deadline_seconds=600)


def resident_mb() -> float:
    """Return this process's resident memory, in units of a million bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _main(chosen: argparse.Namespace) -> None:
    directory = DataDirectory.open(chosen.data_dir, lock=False)
    database = Database.open(directory.database, read_only=True)
    try:
        before = resident_mb()
        results = await measure(
            database, callers=chosen.callers, rounds=chosen.rounds, like=not chosen.no_like
        )
        after = resident_mb()
        print(table(results))
        kept = await sizes(database)
        print(f"\n{kept}")
        print(f"memory {before:.0f} MB before, {after:.0f} MB after; {chosen.callers} callers at once")
    finally:
        await database.close()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data-dir", type=Path, required=True)
    options.add_argument("--callers", type=int, default=10)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--no-like", action="store_true")
    asyncio.run(_main(options.parse_args()))


if __name__ == "__main__":
    main()
