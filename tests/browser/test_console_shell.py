"""What surrounds the pages, while somebody goes from one to the other and the line is not what it seems."""

import signal

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

ADDRESSES = {
    "/": ".results .card img",
    "/gallery": ".grid .card img, .grid figure img",
    "/p/3": "main img",
    "/p/3/edit": "canvas",
    "/tasks": ".task",
    "/providers": ".tile",
    "/usage": ".empty",
    "/settings": ".configuration tbody tr",
}
"""Addresses, and what is on the page once nothing more is asked for."""

_LOOKS = """
const names = [
  "display", "position", "padding", "margin", "borderWidth", "borderRadius", "fontSize", "fontWeight",
  "textAlign", "color", "maxWidth", "overflow", "flexDirection", "gap", "justifyItems", "alignItems",
  "whiteSpace", "zIndex",
];
const nameOf = ({ tagName, className }) => `${tagName} ${typeof className === "string" ? className : ""}`;
return [...document.querySelectorAll("#main *")].filter((one) => !one.closest("svg")).map((one) => {
  const style = getComputedStyle(one);
  return `${nameOf(one.parentElement)} > ${nameOf(one)}: ${names.map((name) => style[name]).join(", ")}`;
});
"""
_GO = """
const link = document.body.appendChild(Object.assign(document.createElement("a"), { href: arguments[0] }));
link.click();
link.remove();
"""
_QUICK_CLOCK = """
const [setReal, now] = [setInterval, Date.now.bind(Date)];
setInterval = (act, time) => setReal(act, time > 15000 ? 500 : time);
let jump = 0;
Date.now = () => now() + (jump += 30000);
"""
"""A minute or two in a second."""

_CONNECTION = "return document.querySelector('.connection').className"


def _run(tab, script, *args):
    return tab.driver.execute_script(script, *args)


def _settled_looks(tab, content):
    """Return how everything looks, once the page is whole, nothing is on its way, and looks are the same."""
    looks = []

    def settled():
        looks.append(_run(tab, _LOOKS))
        is_whole = tab.driver.find_elements("css selector", content)
        is_loading = _run(tab, "return document.querySelector('.loading')")
        has_all = all(one.has_ended for one in tab.exchanges() if one.kind in ("Fetch", "Image"))
        if not is_whole or is_loading or not has_all:
            looks.clear()
        return len(looks) >= 5 and all(one == looks[-1] for one in looks[-5:])

    tab.until(settled)
    return set(looks[-1])


def test_a_page_looks_the_same_whatever_was_shown_before_it(tab, serve_seeded):
    """The styles of one page are no other page's business."""
    server = serve_seeded(images=6, failed=3)
    at_once = {}
    for address, content in ADDRESSES.items():
        tab.open(server.url + address)
        at_once[address] = _settled_looks(tab, content)
    after_others = {}
    for address, content in (*ADDRESSES.items(), *ADDRESSES.items()):
        _run(tab, _GO, address)
        after_others[address] = _settled_looks(tab, content)

    assert {address: set() for address in ADDRESSES} == {
        address: after_others[address] ^ at_once[address] for address in ADDRESSES
    }


def test_the_heading_has_the_focus_that_went_with_the_page(tab, serve_seeded):
    """And the first stop of the Tab key leads past what surrounds every page."""
    tab.open(f"{serve_seeded(images=3).url}/gallery")
    image = tab.until(lambda: _run(tab, "return document.querySelector('.grid figure a')"))
    _run(tab, "arguments[0].focus()", image)
    ActionChains(tab.driver).send_keys(Keys.ENTER).perform()
    tab.until(lambda: _run(tab, "return document.activeElement.tagName") == "H1")
    tab.until(lambda: tab.driver.title.endswith("· 图片 · imagegen"))
    depth = _run(tab, "return history.length")
    tab.open(tab.driver.current_url.split("?")[0])
    tab.until(lambda: _run(tab, "return document.querySelector('.skip')"))
    depth = _run(tab, "return history.length")
    ActionChains(tab.driver).send_keys(Keys.TAB, Keys.ENTER).perform()
    tab.until(lambda: _run(tab, "return document.activeElement.id") == "main")

    assert depth == _run(tab, "return history.length")


@pytest.mark.parametrize("address", ["/tasks/%", "/providers/%E0%A4%A", "/gallery?q=%"])
def test_an_address_that_is_none_has_a_page(tab, serve, address):
    """With the ways to the others."""
    tab.allow("40")
    tab.open(serve().url + address)

    tab.until(
        lambda: _run(tab, "return document.querySelector('nav.ways') && document.querySelector('#main h1')")
    )


def test_a_line_that_broke_without_a_word_is_noticed(tab, serve):
    """Such as that of a frozen service; it is found again by itself."""
    tab.allow("Failed to load resource")
    server = serve()
    added = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=_QUICK_CLOCK)
    tab.open(server.url)
    tab.until(lambda: "open" in _run(tab, _CONNECTION))
    server.signal(signal.SIGSTOP)
    try:
        tab.until(lambda: "lost" in _run(tab, _CONNECTION))
    finally:
        server.signal(signal.SIGCONT)
        tab.cdp("Page.removeScriptToEvaluateOnNewDocument", **added)

    tab.until(lambda: "open" in _run(tab, _CONNECTION))
