"""Measures how soon the console says that the service is gone, and that it is back, without a click.

The service is killed (SIGKILL) before each of the pages, and started again on its port after some seconds.
"""

import time
from urllib.parse import urlsplit

from chromium import looking_at
from reports import Report, option_parser

COLUMNS = {
    "page": "page",
    "down_s": "down for, s",
    "gone_s": "killed to 断开, s",
    "back_s": "answers to 已连接, s",
}
PAGES = ("/", "/gallery", "/tasks", "/p/1", "/usage", "/settings")
MAX_SECONDS = 120  # seconds; what takes longer is broken

_IS_SHOWN = "return document.querySelector('.connection')?.textContent.includes(arguments[0])"


def seconds_until_shown(driver, text):
    """Return how long it takes until the page says so about its connection."""
    start = time.monotonic()
    while not driver.execute_script(_IS_SHOWN, text):
        if time.monotonic() - start > MAX_SECONDS:
            raise SystemExit(f"the page has not said {text} within {MAX_SECONDS} s")
        time.sleep(0.01)
    return time.monotonic() - start


def measure(driver, server, page, down):
    """Return a row of the report."""
    driver.get(f"{server.url}{page}")
    seconds_until_shown(driver, "已连接")
    server.kill()
    gone = seconds_until_shown(driver, "断开")
    time.sleep(down)
    server.start()
    return {"page": page, "down_s": down, "gone_s": gone, "back_s": seconds_until_shown(driver, "已连接")}


def main():
    parser = option_parser(__doc__)
    parser.add_argument("--down", type=float, nargs="+", default=[0, 20], help="seconds without a service")
    options = parser.parse_args()
    report = Report("reconnecting", COLUMNS)
    with looking_at(images=20) as (server, driver):
        server.port = str(urlsplit(server.url).port)
        for page in PAGES:
            for down in options.down:
                report.add(**measure(driver, server, page, down))
    report.publish(options.json)


if __name__ == "__main__":
    main()
