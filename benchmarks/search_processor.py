"""What searches in PostgreSQL take of the processors, and how long concurrent callers wait at least."""

import os
import time
from functools import partial
from pathlib import Path

import attrs
from search import KINDS, PAGE

from imagegen_adapters.system import simplify
from imagegen_core.ports.gallery import ImageFilter, SearchMode
from imagegen_core.search import Paging, SearchQuery
from tests.contracts.samples import find_hits

CALLS = 3
HEAD = "|  | page 1 | again | relevant | page 1, at least | relevant, at least |"


@attrs.frozen(kw_only=True)
class Processor:
    """Milliseconds of the server's processors and of this process's."""

    server: float
    node: float

    @classmethod
    async def from_calls(cls, database, call):
        """Return what a call takes, without its first time."""
        await call()
        server, node = await _server_ms(database), time.process_time()
        for _ in range(CALLS):
            await call()
        node = (time.process_time() - node) * 1000
        return cls(server=(await _server_ms(database) - server) / CALLS, node=node / CALLS)

    def __str__(self):
        return f"{self.server:.1f} + {self.node:.1f}"


async def processor_table(database, new_records, callers):
    """Return Markdown: of each kind of keyword the slowest one's, and how long such callers wait at least.

    A total is counted once for all who ask for it at the same time.
    """
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    for kind, keywords in KINDS.items():
        first, again, relevant = zip(
            *[await _searches(database, new_records, keyword) for keyword in keywords], strict=True
        )
        slowest = [max(times, key=lambda each: each.server) for times in (first, again, relevant)]
        others = max(0, callers - len(keywords))
        waits = (
            _together(first) + _together(again) * others / len(keywords),
            (_together(relevant) * callers / len(keywords)),
        )
        lines.append(f"| {kind} | {' | '.join([*map(str, slowest), *(f'{wait:.0f}' for wait in waits)])} |")
    return "\n".join(lines)


async def _searches(database, new_records, keyword):
    """Return what a first page takes whose total is unknown, the same once it is known, and similar ones."""
    records, query = new_records(), SearchQuery.parse(keyword, simplify)

    def search(new, mode):
        return find_hits(new(), query, mode, ImageFilter(), Paging(page_size=PAGE))

    return [
        await Processor.from_calls(database, partial(search, new, mode))
        for new, mode in (
            (new_records, SearchMode.CONTAINS),
            (lambda: records, SearchMode.CONTAINS),
            (lambda: records, SearchMode.RELEVANT),
        )
    ]


def _together(times):
    """Return how long all of these take together at least: those of the node are one after another."""
    node = sum(each.node for each in times)
    return max(node, (node + sum(each.server for each in times)) / os.cpu_count())


async def _server_ms(database):
    """Return how long the processes of all connections have run, which only Linux counts finely."""
    pids = await database.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'imagegen'")
    return sum(map(_running_ms, (pid for (pid,) in pids)))


def _running_ms(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e6
