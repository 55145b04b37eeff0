"""A service and a browser that looks at its console.

It needs what ``./run browser --version`` installs, and Debian's chromium and chromium-driver.
"""

import contextlib
import tempfile
from pathlib import Path

import reports  # noqa: F401 - makes the checkout importable
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.browser.seeding import Seeds
from tests.integration.api.live_server import LiveServer


@contextlib.contextmanager
def looking_at(images):
    """Yield a server that has so many images, and the driver of a Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(argument)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        server = LiveServer(Path(folder), {})
        Seeds(images=images).plant(server.data_dir)
        ends.callback(server.end)
        server.start()
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        ends.callback(driver.quit)
        yield server, driver
