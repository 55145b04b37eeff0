"""How fast a filled gallery is read: lists, records, searches, images.

Callers in a closed loop ask a service over ``--images`` records for records by id, page 1 of the list, a
common word, and for an image that it stored itself and its thumbnail. Nothing is written meanwhile, so what
was asked for before comes from memory; "each another" are records and pages in any order, none of them from
memory. The limit of each is a bare route that answers the same bytes. ``--data-dir D`` takes a directory that
``fill.py`` filled; the service adds one image to it. ``--svg FILE`` plots rates over callers for the latter,
a line for each size of the gallery.
"""

import contextlib
import random
import tempfile
from pathlib import Path
from urllib.parse import quote

from bare_route import Answer, BareRoutes
from fill import fill
from load import get
from plots import svg
from prompts import prompts
from reports import Report, add_load_options, option_parser
from stage import GENERATE, LOAD_COLUMNS, Cost, stage, task

from imagegen_core.limits import DEFAULT_PAGE_SIZE
from tests.chaos.service import wait_until

COLUMNS = {
    "work": "what",
    "images": "images",
    "callers": "callers",
    **LOAD_COLUMNS,
    "bare_rate": "bare route, a second",
    "bare_processor_ms": "its processor ms",
    "ratio": "of its rate",
}
COMMON_WORD = "猫"
PLOTTED = ("record by id, each another", "list, each another page", "a common word, each another page")
MAX_DIFFERENT = 1_000
"""Records or pages that callers ask for in turn, each caller beginning with another."""

NEW = "new=########"
"""A parameter that nothing reads: it has another value in each request, so that no response is in memory."""


def measure(options):
    """Return the report of all sizes of the gallery."""
    report = Report("reads", COLUMNS)
    for images in options.images:
        with gallery(options, images) as data_dir, stage(options.work_dir, data_dir=data_dir) as each:
            paths = {
                title: some
                for title, some in reads(each).items()
                if not options.only or options.only in title
            }
            measure_gallery(report, each.service, paths, options)
    return report


@contextlib.contextmanager
def gallery(options, images):
    """Yield a data directory with so many records, or the one that there is."""
    if options.data_dir:
        yield options.data_dir
        return
    with tempfile.TemporaryDirectory(prefix="imagegen-gallery-", dir=options.work_dir) as name:
        lines = Path(name, "prompts.txt")
        with lines.open("w", encoding="utf-8") as out:
            out.writelines(f"{prompt}\n" for prompt in prompts(images))
        fill(Path(name, "data"), lines)
        yield Path(name, "data")


def reads(each):
    """Let the service store an image; return the paths of each kind of read."""
    service = each.service
    newest = "SELECT max(id) FROM images"
    before = service.rows(newest)[0][0]
    with service.client() as client:
        client.post(GENERATE, json=task("inline-photograph")).raise_for_status()
    stored = wait_until(
        lambda: (number := service.rows(newest)[0][0]) != before and number, awaited="the image"
    )
    listing, search = "/api/v1/images", f"/api/v1/images/search?keyword={quote(COMMON_WORD)}"
    ids = shuffled(stored - 1)
    with service.client() as client:
        pages, hits = (shuffled(pages_of(client.get(path))) for path in (listing, search))
    return {
        "/health/live": ["/health/live"],
        "record by id": [f"{listing}/{number}" for number in ids],
        "record by id, each another": [f"{listing}/{number}?{NEW}" for number in ids],
        "list, page 1": [listing],
        "list, each another page": [f"{listing}?page={page}&{NEW}" for page in pages],
        "a common word": [search],
        "a common word, each another page": [f"{search}&page={page}&{NEW}" for page in hits],
        "thumbnail": [f"/api/v1/images/{stored}/thumbnail"],
        "content, 1 MB": [f"/api/v1/images/{stored}/content"],
    }


def shuffled(maximum):
    """Return numbers from 1 to the maximum in any order, but always the same one."""
    return random.Random(1).sample(range(1, maximum + 1), min(maximum, MAX_DIFFERENT))


def pages_of(response):
    """Return how many full pages a list has, at least one."""
    return max(1, response.raise_for_status().json()["data"]["total"] // DEFAULT_PAGE_SIZE)


def measure_gallery(report, service, paths, options):
    """Measure each kind of read, with each number of callers."""
    images = service.rows("SELECT count(*) FROM images")[0][0]
    with service.client() as client:
        answers = [Answer.recorded(client.get(some[0]).raise_for_status()) for some in paths.values()]
    with BareRoutes(answers) as bare:
        for number, (title, some) in enumerate(paths.items()):
            for callers in options.callers:
                load = {"callers": callers, "seconds": options.seconds}
                limit = Cost.measured(bare.url, bare.pid, [get(f"/{number}")], **load)
                cost = Cost.measured(service.url, service.pid, [get(path) for path in some], **load)
                row = {
                    **cost.row(),
                    "bare_rate": limit.result.rate,
                    "bare_processor_ms": limit.row()["processor_ms"],
                    "ratio": cost.result.rate / limit.result.rate,
                }
                report.add(work=title, images=images, callers=callers, **row)


def main():
    parser = option_parser(__doc__)
    add_load_options(parser, callers=[1, 10, 100])
    parser.add_argument(
        "--images", type=int, nargs="+", default=[100_000], metavar="N", help="records beforehand"
    )
    parser.add_argument("--data-dir", type=Path, help="filled by fill.py, instead of --images")
    parser.add_argument("--only", metavar="WORD", help="reads with this word in their names")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="plot rates over callers")
    options = parser.parse_args()
    if options.data_dir:
        options.images = options.images[:1]
    report = measure(options)
    report.publish(options.json)
    if options.svg:
        options.svg.write_text(plot(report.rows), encoding="utf-8")


def plot(rows):
    """Return the drawing of the kinds of reads that grow, or do not, with the gallery."""
    lines = {}
    for title in PLOTTED:
        for row in rows:
            if row["work"] == title:
                name = f"{title}, {row['images'] - 1:,}"
                lines.setdefault(name, []).append((row["callers"], row["rate"]))
    return svg("Requests a second, by callers at once and images stored", "callers", lines)


if __name__ == "__main__":
    main()
