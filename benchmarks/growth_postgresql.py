"""What each image adds to PostgreSQL: write-ahead log, rows with their indexes, entries of the search index.

Nodes, which are processes, complete tasks with generated prompts. Before that, so many images are stored that
the search index has a size: its share of the log grows with it. The log begins with a checkpoint, after which
the first change of each page writes the whole page; these full pages are counted apart, since they depend on
how much is written between two checkpoints. Rows are measured after VACUUM FULL: what is there to stay.
"""

import asyncio

from fleet import Fleet
from prompts import prompts
from reports import Report, option_parser
from search_postgresql import fill

COLUMNS = {"work": "of each image", "images": "images before", "bytes": "bytes", "number": "number"}

RESOURCES = {
    "log: search index": ("Gin",),
    "log: other indexes": ("Btree",),
    "log: rows": ("Heap", "Heap2"),
}
REST, PAGES = "log: the rest", "log: full pages"

SIZES = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
LOG = """
SELECT "resource_manager/record_type", record_size, fpi_size
FROM pg_get_wal_stats('{start}', pg_current_wal_flush_lsn())
"""
ENTRIES = """
SELECT count(*) FROM image_texts CROSS JOIN LATERAL (
    SELECT DISTINCT unnest(image_tokens(id, folded, provider_name, model_id, operation))
) AS tokens
"""
GROWING = ("tasks", "attempts", "events", "images", "image_texts")
MEASURED_SEED = 2


def measure(options):
    """Return the report; each number of images has nodes and a database of its own."""
    report = Report("growth_postgresql", COLUMNS)
    for images in options.images:
        with Fleet.started(options.nodes, workers=options.workers, work_dir=options.work_dir) as fleet:
            fleet.run("CREATE EXTENSION pg_walinspect")
            if images:
                asyncio.run(fill(fleet.dsn, images))
            _measure(report, fleet, images, options.tasks)
    return report


def _measure(report, fleet, images, tasks):
    fleet.run("VACUUM FULL ANALYZE")
    sizes, entries = _sizes(fleet), _entries(fleet)
    fleet.run("CHECKPOINT")
    start = fleet.run("SELECT pg_current_wal_insert_lsn()")[0]
    fleet.post(tasks, list(prompts(tasks, seed=MEASURED_SEED)))
    fleet.completes(tasks)
    for name, number in _log(fleet, start).items():
        report.add(work=name, images=images, bytes=number / tasks)
    entries = (_entries(fleet) - entries) / tasks
    fleet.run("VACUUM FULL")
    grown = {name: size - sizes[name] for name, size in _sizes(fleet).items()}
    for name in GROWING:
        report.add(work=f"rows and indexes: {name}", images=images, bytes=grown[name] / tasks)
    report.add(work="rows and indexes: all", images=images, bytes=sum(grown.values()) / tasks)
    report.add(work="entries of the search index", images=images, number=entries)


def _log(fleet, start):
    """Return the bytes of the log since then, by what they are for."""
    rows = [line.split("|") for line in fleet.run(LOG.format(start=start))]
    records = {resource: int(size) for resource, size, _ in rows}
    log = {name: sum(records.pop(each, 0) for each in each_of) for name, each_of in RESOURCES.items()}
    return log | {REST: sum(records.values()), PAGES: sum(int(pages) for _, _, pages in rows)}


def _sizes(fleet):
    return {name: int(size) for name, size in (line.split("|") for line in fleet.run(SIZES))}


def _entries(fleet):
    return fleet.count(ENTRIES)


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[0, 100_000], metavar="N", help="before")
    parser.add_argument("--tasks", type=int, default=2000, metavar="N", help="that are measured")
    parser.add_argument("--nodes", type=int, default=2, metavar="N")
    parser.add_argument("--workers", type=int, default=8, metavar="N", help="of each node")
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
