"""How fast tasks get done, from the request to the image on the disk, and what each costs.

Tasks are posted by callers in a closed loop to a service whose upstream answers at once: with images of 10 kB
or photographs of 1 MB, in base64 or by URL. A rate is that from the first request to the last image that is
stored; its processor time is that of the service with its decoding children. Then callers of
``/v1/images/generations``, who wait for their images. The limits, in the same run: the upstream alone, asked
for the same images by the same callers, and a file of the same size that is copied and synced.
"""

import time

from disk_limits import copies
from instant_upstream import PHOTOGRAPH, photograph
from load import Callers, get, post
from reports import Report, add_load_options, option_parser
from stage import GENERATE, UNENDED, Cost, stage, task

from tests.chaos.service import wait_until
from tests.processes import cpu_seconds

COLUMNS = {
    "work": "work",
    "callers": "callers",
    "rate": "a second",
    "processor_ms": "processor ms each",
    "upstream_rate": "upstream alone",
    "copy_rate": "file copies",
}
KINDS = ("inline-small", "linked-small", "linked-photograph")
TITLES = {
    "inline-small": "10 kB in base64",
    "linked-small": "10 kB by URL",
    "linked-photograph": "1 MB by URL",
    "inline-photograph": "1 MB in base64",
}
GENERATIONS = "/v1/images/generations"
NUMBERED = "a task ########"


def measure(options):
    """Return the report."""
    report = Report("end_to_end", COLUMNS)
    callers = max(options.callers)
    with stage(options.work_dir) as each:
        rows = {}
        for kind in options.kind or KINDS:
            number = options.photographs if kind.endswith(PHOTOGRAPH) else options.number
            rows[kind] = tasks(each, kind, number=number, callers=callers)
        generated = {number: generations(each, number, options) for number in options.callers}
        # Last: each copy frees an inode, and ext4 may search long for one that was not freed just now.
        for kind, row in rows.items():
            limits = measure_limits(each, kind, options)
            report.add(work=f"tasks, {TITLES[kind]}", callers=callers, **row, **limits)
        for number, row in generated.items():
            report.add(work=f"{GENERATIONS}, {TITLES[KINDS[0]]}", callers=number, **row)
    return report


def tasks(each, kind, *, number, callers):
    """Return the rate of tasks that end, and the milliseconds of processor time that each took."""
    service = each.service
    before = each.stored()
    with Callers.connected(service.url, [post(GENERATE, task(kind, NUMBERED))], callers=callers) as some:
        each.stores(before + callers)
        wait_until(lambda: not service.rows(UNENDED)[0][0], awaited="the end of the first tasks")
        processor, started = cpu_seconds(service.pid), time.perf_counter()
        some.run(number=number)
        each.stores(before + callers + number)
        seconds = time.perf_counter() - started
        wait_until(lambda: not service.rows(UNENDED)[0][0], awaited="the end of all tasks")
        processor = cpu_seconds(service.pid) - processor
    return {"rate": number / seconds, "processor_ms": processor * 1000 / number}


def generations(each, callers, options):
    """Return the rate of callers who wait for their images, and the processor milliseconds of each."""
    requests = [post(GENERATIONS, {"model": f"instant/{KINDS[0]}", "prompt": NUMBERED})]
    load = {"callers": callers, "seconds": options.seconds}
    cost = Cost.measured(each.service.url, each.service.pid, requests, **load).row()
    return {key: cost[key] for key in ("rate", "processor_ms")}


def measure_limits(each, kind, options):
    """Return how many images of a kind the upstream sends a second, and the disk keeps."""
    requests = [post("/make", {"model": kind})]
    content = photograph(kind.partition("-")[2])
    if kind.startswith("linked"):
        requests.append(get(f"/files/{kind.partition('-')[2]}.jpg"))
    with Callers.connected(each.upstream.url, requests, callers=max(options.callers)) as some:
        rate = some.run(seconds=options.seconds).rate / len(requests)
    copied = copies(content, seconds=options.seconds, work_dir=options.work_dir).row()
    return {"upstream_rate": rate, "copy_rate": copied["rate"]}


def main():
    parser = option_parser(__doc__)
    add_load_options(parser, callers=[10, 100])
    parser.add_argument("--number", type=int, default=2000, help="tasks with small images")
    parser.add_argument("--photographs", type=int, default=500, help="tasks with an image of 1 MB")
    parser.add_argument("--kind", choices=KINDS, action="append")
    options = parser.parse_args()
    measure(options).publish(options.json)


if __name__ == "__main__":
    main()
