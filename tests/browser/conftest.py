"""A real browser before a real server."""

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver

from tests.integration.api.live_server import LiveServer

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # a container has no sandbox of its own to offer, and only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*_ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Driver(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a server with such settings."""
    started = []

    def start(**settings):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(LiveServer(folder, settings))
        return started[-1].start()

    yield start
    for server in started:
        server.end()
