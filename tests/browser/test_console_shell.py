"""What surrounds the pages, while somebody goes from one to the other and the line is not what it seems."""

import json
import signal
from base64 import b64encode

import httpx
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.form import PUT, png
from tests.browser.tab import ENGLISH, Look

ADDRESSES = {
    "/": ".results .frame img",
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

_WATCH_LANGUAGE = """
window.languages = new Set();
const look = () => {
  if (document.body) languages.add(document.documentElement.lang); // before, there is nothing to paint
  requestAnimationFrame(look);
};
look();
"""
_FOCUS_ON = """
const all = [...document.querySelectorAll('button, a')];
const named = ({ textContent, ariaLabel }) => (ariaLabel ?? textContent.trim()).startsWith(arguments[0]);
const found = all.find((one) => named(one) && !one.disabled);
found?.focus();
return found && document.activeElement === found;
"""
_FOCUSED = """
const { activeElement } = document;
const isLost = activeElement === document.body || activeElement.closest("dialog");
return !isLost && (activeElement.ariaLabel ?? activeElement.textContent.trim());
"""
"""What the element says that has the focus."""

_COLOURS = """
const { dataset } = document.documentElement;
const { content } = document.querySelector("meta[name=theme-color]");
return [dataset.theme, content, getComputedStyle(document.body).backgroundColor];
"""
_BUTTON = "return document.querySelector('.go')?.textContent ?? ''"
_CONNECTION = "return document.querySelector('.connection')?.className ?? ''"


def _run(tab, script, *args):
    return tab.driver.execute_script(script, *args)


def _press(tab, key):
    ActionChains(tab.driver).send_keys(key).perform()


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


def test_an_open_page_follows_the_systems_theme(tab, serve):
    """With the colour of the browser's own bar, until the reader chooses; a new page has what was chosen."""
    server = serve()
    tab.look(Look(theme="dark"))
    tab.open(server.url)
    tab.until(lambda: _run(tab, _BUTTON))
    worn = [_run(tab, _COLOURS)]
    for theme in ("light", "dark"):
        tab.look(Look(theme=theme))
        tab.until(lambda theme=theme: _run(tab, _COLOURS)[0] == theme)
        worn.append(_run(tab, _COLOURS))
    tab.driver.find_element("css selector", "header [aria-label='浅色']").click()
    worn.append(_run(tab, _COLOURS))
    for theme in ("light", "dark"):
        tab.look(Look(theme=theme))
    tab.refresh()
    tab.until(lambda: _run(tab, _BUTTON))
    worn.append(_run(tab, _COLOURS))

    light, dark = ["light", "#f6f6f4", "rgb(246, 246, 244)"], ["dark", "#141416", "rgb(20, 20, 22)"]
    assert [dark, light, dark, light, light] == worn


def test_the_browsers_language_is_that_of_the_first_frame(tab, serve):
    """Until the reader chooses another, which holds from the first frame on, too."""
    server = serve()
    watching = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=_WATCH_LANGUAGE)["identifier"]
    tab.look(Look(language=ENGLISH))
    tab.open(server.url)
    tab.until(lambda: "Generate" in _run(tab, _BUTTON))
    first = _run(tab, "return [...languages]")
    tab.driver.find_element("css selector", "header [lang='zh-CN']").click()
    tab.until(lambda: "生成" in _run(tab, _BUTTON))
    tab.refresh()
    tab.until(lambda: "生成" in _run(tab, _BUTTON))
    second = _run(tab, "return [...languages]")
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=watching)

    assert (["en"], ["zh-CN"]) == (first, second)


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("/", ["风格"]),
        ("/p/3", ["加入收藏夹"]),
        ("/tasks?status=pending", ["全部取消"]),
        ("/gallery", ["收藏夹", "管理收藏夹"]),
        ("/providers", ["MiniMax"]),
    ],
)
def test_a_dialog_gives_the_focus_back(tab, serve_seeded, address, names):
    """To what opened it; that of a menu is gone by then, so to its button."""
    server = serve_seeded(images=4, pending=40)
    httpx.post(f"{server.url}/api/v1/collections", json={"name": "Night"}).raise_for_status()
    tab.open(server.url + address)
    for name in names:
        tab.until(lambda name=name: _run(tab, _FOCUS_ON, name))
        _press(tab, Keys.ENTER)
    tab.until(lambda: _run(tab, "return document.querySelector('dialog[open]')"))
    _press(tab, Keys.ESCAPE)
    tab.until(lambda: not _run(tab, "return document.querySelector('dialog')"))

    assert tab.until(lambda: _run(tab, _FOCUSED)).startswith(names[0])


def test_keys_and_drops_work_wherever_one_is(tab, serve, axe_violations):
    """Commands by a few letters, the sheet of keys, and a file that becomes a reference if it is an image."""
    server = serve()
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: tab.driver.find_elements("css selector", ".empty"))
    _press(tab, "?")
    sheet = tab.until(lambda: _run(tab, "return document.querySelector('.keys-sheet')?.innerText"))
    _press(tab, Keys.ESCAPE)
    tab.until(lambda: not tab.driver.find_elements("css selector", "dialog[open]"))
    ActionChains(tab.driver).key_down(Keys.CONTROL).send_keys("k").key_up(Keys.CONTROL).perform()
    tab.until(lambda: _run(tab, "return document.activeElement.role") == "combobox")
    _press(tab, "图")
    barriers = axe_violations()
    offered = _run(tab, "return [...document.querySelectorAll('[role=option]')].map((one) => one.innerText)")
    _press(tab, Keys.ENTER)
    tab.until(lambda: tab.driver.current_url.endswith("/gallery"))
    tab.until(lambda: tab.driver.find_elements("css selector", ".gallery .empty"))
    encoded = b64encode(b"plain words").decode()
    _run(tab, PUT, "drop", ".gallery", encoded, ["words.txt"])
    refusal = tab.until(lambda: _run(tab, "return document.querySelector('.toast')?.innerText"))
    _run(tab, PUT, "drop", ".gallery", b64encode(png()).decode(), ["a.png"])
    tab.until(lambda: tab.driver.find_elements("css selector", ".create .inputs li img"))

    assert "Ctrl K" in sheet
    assert ["图库", "搜索图片：图"] == offered
    assert [] == barriers
    assert "words.txt" in refusal


def test_the_focus_goes_on_from_what_a_dialog_has_removed(tab, serve):
    """From a preset that is saved to the provider that it is now, from a deleted one to the next."""
    server = serve(security={"allow_private_upstreams": ["127.0.0.1:9"]})
    tab.open(f"{server.url}/providers")
    tab.until(lambda: _run(tab, _FOCUS_ON, "MiniMax"))
    _press(tab, Keys.ENTER)
    tab.until(lambda: _run(tab, "return document.querySelector('dialog[open] [type=password]')"))
    tab.driver.find_element("css selector", "dialog [type=password]").send_keys("sk-0123456789abcdef")
    tab.driver.find_element("css selector", "dialog [type=url]").send_keys("http://127.0.0.1:9", Keys.ENTER)
    tab.until(lambda: _run(tab, "return document.querySelector('.provider h3 a[href$=minimax]')"))
    _press(tab, Keys.ESCAPE)
    saved = tab.until(lambda: _run(tab, _FOCUSED))
    _press(tab, Keys.ENTER)
    tab.until(lambda: _run(tab, "return document.querySelector('dialog[open] .remove')"))
    tab.driver.find_element("css selector", "dialog .remove").click()
    tab.until(lambda: _run(tab, "return document.querySelector('dialog .danger')")).click()
    tab.until(lambda: not _run(tab, "return document.querySelector('dialog')"))
    removed = tab.until(lambda: _run(tab, _FOCUSED))

    assert "MiniMax" == saved
    assert "演示" in removed


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


def test_the_addresses_for_clients_can_be_copied(tab, serve):
    """With the host that the browser knows, and for callers that poll."""
    server = serve()
    tab.open(f"{server.url}/settings")
    buttons = tab.until(lambda: tab.driver.find_elements("css selector", "[aria-labelledby=clients] button"))
    _run(tab, "navigator.clipboard.writeText = async (text) => { (window.texts ??= []).push(text); }")
    for button in buttons:
        button.click()
    toast = tab.until(lambda: tab.driver.find_elements("css selector", ".toast"))[0].text

    assert [f"{server.url}/v1", f"{server.url}/v1/images/generations/async"] == _run(
        tab, "return window.texts"
    )
    assert toast.startswith(("Copied", "已复制"))


def test_an_agents_program_gets_its_lines(tab, serve):
    """With the address that the browser knows, and a word for the token."""
    server = serve(mcp={"enabled": True})
    tab.open(f"{server.url}/settings")
    tab.until(lambda: tab.driver.find_elements("css selector", ".agents pre"))
    _run(tab, "navigator.clipboard.writeText = async (text) => { (window.texts ??= []).push(text); }")
    for program in ("claude", "cursor", "vscode", "desktop"):
        choice = tab.driver.find_element("css selector", f".agents option[value={program}]")
        choice.click()
        tab.until(
            lambda name=choice.text: (
                name in _run(tab, "return document.querySelector('.agents pre').ariaLabel")
            )
        )
        tab.driver.find_element("css selector", ".agents button").click()
    claude, *others = _run(tab, "return window.texts")
    entries = [next(iter(json.loads(text).values()))["imagegen"] for text in others]

    assert f"claude mcp add --transport http imagegen {server.url}/mcp " in claude
    assert [f"{server.url}/mcp"] * 2 + [None] == [entry.get("url") for entry in entries]
    assert ["mcp"] == entries[-1]["args"]


def test_without_agents_the_page_says_how_to_have_them(tab, serve):
    tab.open(f"{serve().url}/settings")
    text = tab.until(lambda: tab.driver.find_elements("css selector", ".agents"))[0].text

    assert "./run setup mcp" in text
