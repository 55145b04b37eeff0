"""A real browser before a real server; a test fails when anything goes wrong in the browser."""

from functools import partial

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver

from tests.browser import accessibility
from tests.browser.form import Form
from tests.browser.seeding import Seeds
from tests.browser.tab import CHINESE, LOOKS, Tab
from tests.integration.api.live_server import LiveServer
from tests.integration.warm_processes import PRELOADED

PRELOADED.insert(-1, "tests.browser.warm_console")  # what is last sees to the rest

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
_WITHOUT = (
    "IsolateOrigins",
    "MediaRouter",
    "OptimizationHints",
    "OriginKeyedProcessesByDefault",
    "PaintHolding",
    "SpareRendererForSitePerProcess",
    "Translate",
    "site-per-process",
)
"""What of Chromium takes time of a processor, and is nothing to a page."""

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
    # A mouse, which test machines lack: a page without one hides what a pointer shows. Touch is without one.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4",
    # A process for each server, and one for all requests, are a fifth of what opening a page takes.
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
    "--enable-features=NetworkServiceInProcess2",
    f"--disable-features={','.join(_WITHOUT)}",
    "--disable-extensions",
    "--kiosk",  # else it paints its own bars again for each step of a page that loads
    "--js-flags=--no-maglev,--no-turbofan",  # no page is there long enough to be worth its best code
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*_ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"intl.accept_languages": CHINESE.replace(";q=0.9", "")})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Driver(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def _only_tab(chromium):
    return Tab(chromium)


@pytest.fixture(autouse=True)
def tab(_only_tab):
    """A tab without a past; the test fails if it shows an error or asks another host."""
    _only_tab.reset()
    yield _only_tab
    assert [] == _only_tab.wrong()


@pytest.fixture(params=LOOKS, ids=str)
def look(request, tab):
    """One of `LOOKS`, which the tab has when the test begins."""
    tab.look(request.param)
    return request.param


@pytest.fixture
def serve(tmp_path, tab):
    """Return a function that starts a server with such settings, and with what ``seeds`` planted."""
    started = []

    def start(seeds=None, **settings):
        folder = tmp_path / str(len(started))
        folder.mkdir()
        server = LiveServer(folder, settings)
        if seeds is not None:
            seeds.plant(server.data_dir)
        started.append(server)
        server.start()
        tab.origins.add(server.url)
        return server

    yield start
    tab.open("about:blank")  # a page whose server has ended complains
    for server in started:
        server.end()


@pytest.fixture
def serve_seeded(serve):
    """Return a function that starts a server with so many images and tasks: ``images=300, pending=40``."""
    names = {field.name for field in Seeds.__attrs_attrs__}

    def start(**options):
        seeds = Seeds(**{name: value for name, value in options.items() if name in names})
        return serve(seeds, **{name: value for name, value in options.items() if name not in names})

    return start


@pytest.fixture
def console(serve, tab):
    """Return a function that opens the page of a server with the settings."""
    forms = []

    def show(**settings):
        server = serve(**settings)
        forms.append(Form(tab, server.url))
        return server, forms[-1]

    yield show
    for form in forms:
        tab.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=form.script)


@pytest.fixture
def axe_violations(chromium):
    """Return a function that says what axe finds on the page as it is shown now; ``[]`` is right."""
    return partial(accessibility.axe_violations, chromium)
