"""Measures the gallery in Chromium over 10,000 images: scrolls to the end, a screen at a time, and back.

Prints how many figures the page had at most, its longest tasks, and the memory that is left after a garbage
collection before, at the end, and back at the beginning.
"""

import time

from chromium import looking_at
from reports import Report, option_parser

COLUMNS = {
    "images": "images",
    "figures": "figures on the page, at most",
    "longest_ms": "longest task, ms",
    "long_tasks": "tasks over 50 ms",
    "steps": "screens",
    "requests": "requests",
    "heap_mb": "heap at first / end / back, MB",
    "nodes": "nodes at first / end / back",
}
STEP = 0.9  # of a screen
PAUSE = 0.06  # seconds between two steps, as a quick wheel
PATIENCE = 200  # steps without a new place before it is the end

_WATCH = """
performance.setResourceTimingBufferSize(100_000);
window.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: "longtask", buffered: true });
"""
_STEP = """
scrollBy(0, innerHeight * arguments[0]);
return [Math.round(scrollY), document.querySelectorAll("figure").length,
  Math.round(scrollY + innerHeight) >= document.documentElement.scrollHeight - 2];
"""
_REQUESTS = """
return performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/v1/images?")).length;
"""


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


def measure(driver, url, images):
    """Return the row of the report."""
    driver.execute_cdp_cmd("Performance.enable", {})
    driver.get(f"{url}/gallery")
    time.sleep(3)
    driver.execute_script(_WATCH)
    first = memory(driver)
    down, most = scroll(driver, STEP)
    end = memory(driver)
    up, most_up = scroll(driver, -10 * STEP)
    back = memory(driver)
    tasks = driver.execute_script("return longTasks")
    return {
        "images": images,
        "figures": max(most, most_up),
        "longest_ms": round(max(tasks, default=0)),
        "long_tasks": len(tasks),
        "steps": down + up,
        "requests": driver.execute_script(_REQUESTS),
        "heap_mb": " / ".join(f"{heap:.1f}" for heap, _ in (first, end, back)),
        "nodes": " / ".join(f"{nodes:,}" for _, nodes in (first, end, back)),
    }


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    options = parser.parse_args()
    report = Report("scrolling", COLUMNS)
    with looking_at(images=options.images) as (server, driver):
        report.add(**measure(driver, server.url, options.images))
    report.publish(options.json)


if __name__ == "__main__":
    main()
