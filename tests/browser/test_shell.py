"""What a browser loads before it shows the console: little, in one go, and only once; and how it gets in."""

import re

import pytest
from selenium.webdriver.common.by import By

from imagegen_http.console import PAGES, bundles, console_files, imports, needed

TOKEN = "a-token-that-is-long-enough-0001"
MAX_SHELL_BYTES = 60 * 1000
MAX_PAGE_BYTES = 7700
"""Of the document alone, with which the page is in view."""
MAX_BYTES = 110 * 1000
"""On the wire, until the page is whole."""
MAX_REQUESTS = 22
MAX_RELOAD_BYTES = 10 * 1000

SOURCES = {path: console_files().text(path) for path in console_files().paths if path.endswith(".js")}
SHELL = ("Document", "Script", "Stylesheet")
"""The page, its modules and its styles; images and answers of the API come on top."""


def shell(exchanges):
    return [exchange for exchange in exchanges if exchange.kind in SHELL]


def idle(tab, shown="h1"):
    """Wait until the page has loaded what it needs, also what its modules ask for later."""
    tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, shown))
    tab.until(lambda: tab.driver.execute_script("return document.readyState") == "complete")
    tab.until(lambda: all(e.has_ended for e in shell(tab.exchanges())))


def test_the_first_page_is_at_most_60_kilobytes(serve, tab):
    """Compressed, with the page to create, its modules and its styles.

    110 with heads and all answers, in 22 requests.
    """
    server = serve()
    with tab.recording() as exchanges:
        tab.open(server.url)
        idle(tab, ".tile")  # of a first visit: the last answer was read
    sizes = {exchange.path: exchange.body_size for exchange in shell(exchanges)}

    assert {exchange.path for exchange in shell(exchanges) if exchange.size > 1000} == {
        exchange.path for exchange in shell(exchanges) if exchange.encoding == "gzip" and exchange.size > 1000
    }
    assert sizes["/"] <= MAX_PAGE_BYTES
    assert sum(sizes.values()) <= MAX_SHELL_BYTES, sizes
    assert sum(exchange.size for exchange in exchanges) <= MAX_BYTES
    assert len(exchanges) <= MAX_REQUESTS, [exchange.path for exchange in exchanges]


def test_the_second_visit_asks_for_the_page_alone(serve, tab):
    """Modules and styles are kept by their digest; the providers are only asked whether they changed."""
    server = serve()
    tab.open(server.url)
    idle(tab, ".tile")
    tab.open("about:blank")
    with tab.recording() as exchanges:
        tab.open(server.url)
        idle(tab, ".tile")

    (providers,) = [exchange for exchange in exchanges if exchange.path == "/api/v1/providers"]
    assert ["/"] == [exchange.path for exchange in shell(exchanges) if not exchange.is_cached]
    assert providers.size < 2000
    assert sum(exchange.size for exchange in exchanges) <= MAX_RELOAD_BYTES


PATHS = ("/", "/gallery", "/p/1", "/tasks", "/settings")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_a_page_needs_waits_for_something_else(serve_seeded, tab, path):
    """The page announces its scripts, styles and sentences, and asks for its first data, each once.

    So a slow line is paid for twice: for the page, and for all this together.
    """
    server = serve_seeded(images=3)
    with tab.recording() as exchanges:
        tab.open(server.url + path)
        idle(tab, "#main h1")
    announced, unused = tab.driver.execute_script(_ANNOUNCED)
    data = [exchange.url for exchange in exchanges if "/api/v1/" in exchange.url]

    assert [] == unused
    assert len(data) == len(set(data))
    assert [] == [
        exchange.url
        for exchange in shell(exchanges)[1:]
        if exchange.url not in announced and not re.search(LATER, exchange.url)
    ]


_ANNOUNCED = """
const links = [...document.querySelectorAll("link[rel$=preload]")].map(({ href }) => href);
return [links, Object.keys(window.asked)];
"""
LATER = "/create-group.js|/i18n/../tasks.js|/feed.css"
"""What Create shows besides its form."""


_GIVEN_UP = """
const done = arguments[0];
import(document.querySelector("script[type=module]").src.replace("app.js", "lib/api.js")).then(({ get }) => {
  const stop = new AbortController();
  window.asked["/late"] = new Promise((resolve) => (window.release = resolve));
  get("/late", {}, { signal: stop.signal }).then(done, ({ name }) => done(name));
  stop.abort();
  window.release(new Response('{"data": "late"}'));
});
"""


def test_an_answer_that_was_given_up_is_not_taken(serve, tab):
    """As with any other: it would show on a page that is about something else by now."""
    tab.open(serve().url)
    idle(tab, ".tile")

    assert "AbortError" == tab.driver.execute_async_script(_GIVEN_UP)


_JOINED = """
const [starts, paths, done] = arguments;
const root = document.querySelector("script[type=module]").src.replace("app.js", "");
const named = ([name, one]) => [name, typeof one, one?.length].join();
const told = (module) => Object.entries(module ?? {}).map(named).sort().join();
(async () => {
  const wrong = [];
  let before = { ...window.$m };
  for (const start of starts) {
    await import(root + start);
    wrong.push(...Object.keys(before).filter((path) => before[path] !== window.$m[path]));
    before = { ...window.$m };
  }
  for (const path of paths) {
    const alone = await import(`/console/${path}`);
    if (told(window.$m[path]) !== told(alone)) wrong.push(path);
  }
  return wrong;
})().then(done, (error) => done([String(error)]));
"""


def test_a_module_that_is_sent_with_others_is_what_it_is_alone(serve, tab):
    """Each has run once, whichever brought it: what it keeps, such as the keys of payments, is there once."""
    starts = [path for path in bundles([f"pages/{name}.js" for name in PAGES], SOURCES) if path != "app.js"]
    paths = [path for start in starts for path in needed(start, imports(SOURCES))]
    tab.open(serve().url)
    idle(tab, ".tile")

    assert [] == tab.driver.execute_async_script(_JOINED, starts, sorted({*paths}))


def follow_from_elsewhere(tab, elsewhere, url):
    """Click a link to the address on a page of another site."""
    tab.open(elsewhere)
    tab.driver.execute_script(
        "document.body.append(Object.assign(document.createElement('a'), { href: arguments[0], text: 'x' }))",
        url,
    )
    tab.driver.find_element(By.CSS_SELECTOR, "a").click()


def log_in(tab):
    (field,) = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "input[type=password]"))
    field.send_keys(TOKEN)
    field.submit()


def test_a_link_in_a_message_opens_its_page_for_who_is_logged_in(serve, tab):
    """Although the cookie is kept from other sites; for the others, after the login."""
    server, other = serve(server={"auth_token": TOKEN}), serve()
    elsewhere = other.url.replace("127.0.0.1", "localhost") + "/health/live"
    tab.origins.add(elsewhere.removesuffix("/health/live"))
    address = f"{server.url}/gallery?q=%E7%8C%AB"
    follow_from_elsewhere(tab, elsewhere, address)
    log_in(tab)
    tab.until(lambda: tab.driver.current_url == address)
    idle(tab)
    with tab.recording() as exchanges:
        follow_from_elsewhere(tab, elsewhere, address)
        tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "#app *"))

    assert address == tab.driver.current_url
    assert "/login" not in [exchange.path for exchange in exchanges]
