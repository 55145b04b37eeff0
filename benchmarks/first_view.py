"""Measures how soon the console is seen over a slow line: 300 ms of latency, 60 kB a second, nothing kept.

Prints for each page when something is seen, when the page is in view, when its scripts are there, so that all
of it can be used, and when its last byte came, in milliseconds after the navigation, the best of the rounds;
then its requests, its bytes, and those of a reload. In view is what somebody came for, in its place: a prompt
that can be written, a search field and the places of images, an image's own place with its heading.

With ``--proxy`` the line is a proxy, which delays connections too, as Chromium's own line does not.
"""

import asyncio
import contextlib
import json
import threading
import time
from urllib.parse import urlsplit

from chromium import looking_at
from reports import Report, option_parser

COLUMNS = {
    "page": "page",
    "line": "line",
    "seen_ms": "something seen, ms",
    "view_ms": "page in view, ms",
    "whole_ms": "all scripts there, ms",
    "last_ms": "last byte, ms",
    "script_ms": "main thread until then, ms",
    "requests": "requests",
    "kilobytes": "kB",
    "reload_kilobytes": "reload, kB",
}
LATENCY_SECONDS = 0.3
BYTES_A_SECOND = 60_000
PAGES = {
    "Create": ("/", [".create textarea", ".create .go"], [".create .go"]),
    "Gallery": ("/gallery", [".search input", ".gallery :is(.rows i, figure)"], [".gallery figure img"]),
    "An image": ("/p/1", [".stage", ".sheet h1"], [".stage img"]),
    "Tasks": ("/tasks", ["main h1", ".task-filters input"], ["main h1"]),
}
"""Each with what is in view first, and what is there once nothing is left of what its document shows."""

_WATCH = """
window.view = window.whole = null;
const isThere = (selector) => {
  const one = document.querySelector(selector);
  if (!one?.checkVisibility() || !one.getBoundingClientRect().width) return false;
  return one.tagName !== "IMG" || one.complete;
};
const [first, all] = %s;
const look = () => {
  if (document.body && first.every(isThere)) window.view ??= performance.now();
  const isWhole = window.view && !document.querySelector(".early") && all.every(isThere);
  if (isWhole) window.whole = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
_SEEN = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
SECONDS = 60


class Line:
    """A proxy before a server: each byte comes later, all share one rate, a connection is a round trip."""

    def __init__(self, target):
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._free = 0.0
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    def _run(self, started):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        started.set()
        self._loop.run_forever()

    async def _accept(self, reader, writer):
        await asyncio.sleep(LATENCY_SECONDS)
        up, down = await asyncio.open_connection("127.0.0.1", urlsplit(self._target).port)
        await asyncio.gather(self._carry(reader, down, shares=False), self._carry(up, writer, shares=True))

    async def _carry(self, source, sink, *, shares):
        """Pass on what comes, half the latency later."""
        queue = asyncio.Queue()

        async def deliver():
            while (item := await queue.get()) is not None:
                at, part = item
                await asyncio.sleep(max(0, at - time.monotonic()))
                sink.write(part)
            sink.close()

        delivery = asyncio.create_task(deliver())
        with contextlib.suppress(OSError):
            while part := await source.read(1460):
                now = time.monotonic()
                if shares:
                    now = self._free = max(now, self._free) + len(part) / BYTES_A_SECOND
                queue.put_nowait((now + LATENCY_SECONDS / 2, part))
        queue.put_nowait(None)
        with contextlib.suppress(OSError):
            await delivery


class Visit:
    """What a navigation asked for."""

    def __init__(self, driver):
        self._driver = driver
        self.started, self.requests, self.answers, self.bytes = 0.0, {}, {}, {}

    def read(self):
        for entry in self._driver.get_log("performance"):
            note = json.loads(entry["message"])["message"]
            method, values = note["method"], note["params"]
            if method == "Network.requestWillBeSent" and values["request"]["url"].startswith("http"):
                self.started = self.started or values["timestamp"]
                self.requests[values["requestId"]] = (values["request"]["url"], values["timestamp"])
            elif method == "Network.responseReceived":
                self.answers[values["requestId"]] = values["response"], values["timestamp"]
            elif method == "Network.loadingFinished":
                self.bytes[values["requestId"]] = (int(values["encodedDataLength"]), values["timestamp"])

    def waterfall(self):
        """Yield a line for each request: when it was asked for, answered, and there."""
        for key, (url, began) in self.requests.items():
            size, ended = self.bytes.get(key, (0, float("nan")))
            response, answered = self.answers.get(key, ({}, float("nan")))
            if not response.get("fromDiskCache"):
                times = " ".join(f"{(at - self.started) * 1000:6.0f}" for at in (began, answered, ended))
                yield f"{times} {size:6} {urlsplit(url).path[:70]}"


def visit(driver, url, path, selectors, *, reload=False):
    """Return the measures of one navigation, and its requests."""
    driver.get("about:blank")
    driver.get_log("performance")
    script = driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH % json.dumps(selectors)}
    )
    if not reload:
        driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    driver.get(url + path)
    end = time.monotonic() + SECONDS
    requests = Visit(driver)
    while driver.execute_script("return window.whole") is None and time.monotonic() < end:
        time.sleep(0.02)
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    time.sleep(1.5)
    requests.read()
    driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    whole = driver.execute_script("return window.whole") or float("nan")
    last = max(at for _, at in requests.bytes.values())
    return {
        "seen_ms": driver.execute_script(_SEEN),
        "view_ms": driver.execute_script("return window.view"),
        "whole_ms": whole,
        "last_ms": (last - requests.started) * 1000,
        "script_ms": {one["name"]: one["value"] for one in metrics}["TaskDuration"] * 1000,
        "requests": sum(1 for answer, _ in requests.answers.values() if not answer.get("fromDiskCache")),
        "kilobytes": sum(size for size, _ in requests.bytes.values()) / 1000,
    }, requests


def measure(driver, server, name, options):
    """Return the best of the rounds; each has a proxy, and so connections, of its own."""
    path, *selectors = PAGES[name]
    rounds = []
    for _ in range(options.rounds):
        url = Line(server.url).url if options.proxy else server.url
        rounds.append(visit(driver, url, path, selectors))
    best, requests = min(rounds, key=lambda one: one[0]["whole_ms"])
    if options.waterfall:
        print(name, *requests.waterfall(), sep="\n", flush=True)
    again, _ = visit(driver, url, path, selectors, reload=True)
    return {**best, "reload_kilobytes": again["kilobytes"]}


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", nargs="+", default=list(PAGES), choices=list(PAGES))
    parser.add_argument("--proxy", action="store_true")
    parser.add_argument("--waterfall", action="store_true", help="print what was asked for, and when")
    options = parser.parse_args()
    report = Report("first_view", COLUMNS)
    with looking_at(images=options.images) as (server, driver):
        driver.execute_cdp_cmd("Performance.enable", {})
        driver.execute_cdp_cmd("Network.enable", {})
        if not options.proxy:
            speed = {"downloadThroughput": BYTES_A_SECOND, "uploadThroughput": BYTES_A_SECOND}
            conditions = {"offline": False, "latency": LATENCY_SECONDS * 1000, **speed}
            driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)
        for name in options.pages:
            line = "proxy" if options.proxy else "Chromium's"
            report.add(page=name, line=line, **measure(driver, server, name, options))
    report.publish(options.json)


if __name__ == "__main__":
    main()
