"""Measures the gallery in Chromium over 1,606 images: scrolls to the end, a screen at a time, and back.

Prints how many figures the page had at most, its longest task by the clock and by the processor, which other
work on the machine does not lengthen, and the memory that is left after a garbage collection before, at the
end, and back at the beginning. With ``--slower 4`` the page has a fourth of the processor, the rest of which
counts as the task's.
"""

import contextlib
import json
import time

import httpx
import websocket
from chromium import looking_at
from reports import Report, option_parser

COLUMNS = {
    "images": "images",
    "figures": "figures on the page, at most",
    "slower": "processor, times slower",
    "longest_ms": "longest task, ms",
    "processor_ms": "longest by processor time, ms",
    "long_tasks": "tasks over 50 ms of processor time",
    "steps": "screens",
    "requests": "requests",
    "heap_mb": "heap at first / end / back, MB",
    "nodes": "nodes at first / end / back",
}
STEP = 0.9  # of a screen
PAUSE = 0.06  # seconds between two steps, as a quick wheel
PATIENCE = 200  # steps without a new place before it is the end

MAX_TASK_MS = 50  # after which a person notices
_TRACED = {
    "includedCategories": ["devtools.timeline", "disabled-by-default-devtools.timeline"],
    "excludedCategories": ["*"],
}
_STEP = """
scrollBy(0, innerHeight * arguments[0]);
return [Math.round(scrollY), document.querySelectorAll("figure").length,
  Math.round(scrollY + innerHeight) >= document.documentElement.scrollHeight - 2];
"""
_REQUESTS = """
return performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/v1/images?")).length;
"""


@contextlib.contextmanager
def tasks_of_pages(driver):
    """Yield a list that has the tasks of all pages' main threads after its end, as Chromium traces them."""
    address = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
    about = httpx.get(f"http://{address}/json/version", trust_env=False).json()
    socket = websocket.create_connection(about["webSocketDebuggerUrl"], suppress_origin=True, timeout=120)
    with contextlib.closing(socket):
        start = {"id": 1, "method": "Tracing.start", "params": {"traceConfig": _TRACED}}
        socket.send(json.dumps(start))
        tasks, events, message = [], [], {}
        yield tasks
        socket.send(json.dumps({"id": 2, "method": "Tracing.end"}))
        while message.get("method") != "Tracing.tracingComplete":
            message = json.loads(socket.recv())
            events += message.get("params", {}).get("value", []) if "method" in message else []
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks += [e for e in events if e["name"] == "RunTask" and (e["pid"], e["tid"]) in threads and "dur" in e]


def memory(driver):
    """Return the heap's MB and the number of nodes after a garbage collection."""
    driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    values = {metric["name"]: metric["value"] for metric in metrics}
    return values["JSHeapUsedSize"] / 1_048_576, int(values["Nodes"])


def scroll(driver, share):
    """Scroll until nothing moves any more; return the steps, and the most figures."""
    steps = most = still = 0
    last = None
    while still < PATIENCE:
        place, figures, at_end = driver.execute_script(_STEP, share)
        most, steps = max(most, figures), steps + 1
        still = 0 if place != last else still + (20 if at_end or place == 0 else 1)
        last = place
        time.sleep(PAUSE)
    return steps, most


def measure(driver, url, images, slower):
    """Return the row of the report."""
    driver.execute_cdp_cmd("Performance.enable", {})
    driver.get(f"{url}/gallery")
    time.sleep(3)
    driver.execute_script("performance.setResourceTimingBufferSize(100_000)")
    first = memory(driver)
    driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": slower})
    with tasks_of_pages(driver) as tasks:
        down, most = scroll(driver, STEP)
    end = memory(driver)
    with tasks_of_pages(driver) as tasks_up:
        up, most_up = scroll(driver, -10 * STEP)
    back = memory(driver)
    all_tasks = tasks + tasks_up
    processor_ms = [task.get("tdur", 0) / 1000 for task in all_tasks]
    return {
        "images": images,
        "figures": max(most, most_up),
        "slower": slower,
        "longest_ms": round(max(task["dur"] for task in all_tasks) / 1000),
        "processor_ms": round(max(processor_ms)),
        "long_tasks": sum(time > MAX_TASK_MS for time in processor_ms),
        "steps": down + up,
        "requests": driver.execute_script(_REQUESTS),
        "heap_mb": " / ".join(f"{heap:.1f}" for heap, _ in (first, end, back)),
        "nodes": " / ".join(f"{nodes:,}" for _, nodes in (first, end, back)),
    }


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--images", type=int, default=1_606)
    parser.add_argument("--slower", type=int, nargs="+", default=[1, 4], metavar="N")
    options = parser.parse_args()
    report = Report("scrolling", COLUMNS)
    with looking_at(images=options.images) as (server, driver):
        for slower in options.slower:
            report.add(**measure(driver, server.url, options.images, slower))
    report.publish(options.json)


if __name__ == "__main__":
    main()
