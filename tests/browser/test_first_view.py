"""What the document shows by itself, before its scripts have come: the page, and it can be written into."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.tab import CHINESE, ENGLISH, Look

AROUND = (".brand", ".find", ".ways a:last-child span")
PAGES = {
    "/": (".operations", "textarea[name=prompt]", ".beside"),
    "/gallery": ("h1", ".search input", ".filters > :last-child", ".acts > :last-child"),
    "/p/3": (".stage", ".sheet h1"),
    "/tasks": ("h1", ".chips a", ".task-filters input", ".acts a"),
    "/providers": ("h1",),
    "/usage": ("h1",),
    "/settings": ("h1",),
}
"""Addresses, and what stands there from the first."""

_PLACES = """
return arguments[0].map((selector) => {
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true });
  const found = [...document.querySelectorAll(selector)].filter(isSeen);
  const { x, y, width, height } = found[0]?.getBoundingClientRect() ?? {};
  return [selector, found.length, x, y, width, height].join(" ");
});
"""
_SHIFTS = """
const done = arguments[0];
const shifts = [];
const watch = new PerformanceObserver((list) => shifts.push(...list.getEntries().map((one) => one.toJSON())));
watch.observe({ type: "layout-shift", buffered: true });
setTimeout(() => done(shifts), 100);
"""
_WORDS = "return [...document.querySelectorAll('main, .ways')].map((one) => one.innerText).join('\\n')"
_COME = """
document.querySelector(".told")?.remove();
const { src } = document.querySelector("script[type=module]");
document.body.append(Object.assign(document.createElement("script"), { type: "module", src: `${src}?` }));
"""
"""Has the script come that was stopped on its way, by another address: a browser asks for none twice."""

_TRIED = "if (location.protocol === 'http:') sessionStorage['imagegen.again'] = Date.now()"
"""The page was loaded again for what could not be had: it is not a second time."""

_BOX = """
const { value, selectionStart, selectionEnd } = document.activeElement;
return [document.activeElement.name, value, selectionStart, selectionEnd];
"""
_SEARCH = "textarea[name=prompt], main input[type=search]"


@pytest.fixture
def scripts(tab):
    """Return a function that says whether scripts come; the styles that are files come with them."""
    tab.allow("ERR_BLOCKED_BY_CLIENT")
    tab.allow("Failed to fetch dynamically imported module")

    script = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=_TRIED)

    def come(they_do):
        tab.cdp("Network.setBlockedURLs", urls=[] if they_do else ["*/console/*.js", "*/console/*.css"])

    yield come
    come(True)
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", **script)


def show(tab, url, selector):
    """Open a page that gets no further than its document."""
    tab.driver.get(url)
    return tab.until(lambda: tab.driver.find_element(By.CSS_SELECTOR, selector))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_in_view_before_its_scripts_and_does_not_move(
    serve_seeded, tab, scripts, look, path, axe_violations
):
    """In each language, theme and screen; with links, a heading, and what can be written into."""
    server = serve_seeded(images=4)
    selectors = [*AROUND[: 3 if look.size[0] > 900 else 1], *PAGES[path]]
    scripts(False)
    show(tab, server.url + path, ".early main")
    first = tab.driver.execute_script(_PLACES, selectors)
    violations = axe_violations()
    scripts(True)
    tab.open(server.url + path)
    tab.until(lambda: not tab.driver.find_elements(By.CSS_SELECTOR, ".loading"))

    assert [] == violations
    assert first == tab.driver.execute_script(_PLACES, selectors)


@pytest.mark.parametrize("seeds", [{}, {"images": 4}], ids=["first visit", "later"])
def test_nothing_moves_when_the_form_comes(serve_seeded, tab, scripts, seeds):
    """The button is where it was the last time, whatever the model's form has."""
    server = serve_seeded(**seeds)
    places = [".foot .go", ".create form"]
    tab.open(server.url)
    tab.until(lambda: tab.driver.execute_script("return localStorage['imagegen.form']"))
    last = tab.driver.execute_script(_PLACES, places)
    tab.open(server.url)
    shifts = tab.driver.execute_async_script(_SHIFTS)
    tab.cdp("Network.clearBrowserCache")
    scripts(False)
    show(tab, server.url, ".early .go")

    assert [] == shifts
    assert last == tab.driver.execute_script(_PLACES, places)


@pytest.mark.parametrize("path", ["/", "/gallery"])
def test_what_is_written_before_the_scripts_come_stays(serve_seeded, tab, scripts, path):
    """With the caret in it; the key that generates sends nothing, nor does it later. So does a reload."""
    server = serve_seeded(images=4)
    scripts(False)
    box = show(tab, server.url + path, _SEARCH)
    if path == "/":
        box.send_keys("一只")
        tab.driver.refresh()
        box = show(tab, server.url, _SEARCH)
        assert "一只" == box.get_property("value")
    box.send_keys("cat", Keys.CONTROL, Keys.ENTER, Keys.NULL, Keys.LEFT)
    before = tab.driver.execute_script(_BOX)
    scripts(True)
    with tab.recording() as exchanges:
        tab.driver.execute_script(_COME)
        tab.arrive()
        tab.until(lambda: tab.driver.execute_script("return document.activeElement.closest('#app main')"))

    assert before == tab.driver.execute_script(_BOX)
    assert before[1].endswith("cat")
    assert [] == [one.path for one in exchanges if one.method == "POST" and one.path == "/api/v1/tasks"]
    if path == "/gallery":
        tab.until(lambda: tab.driver.current_url.endswith("?q=cat"))


def test_a_page_whose_scripts_cannot_be_had_says_so(serve, tab, scripts):
    """Below what is written there, which stays."""
    server = serve()
    scripts(False)
    show(tab, server.url, _SEARCH).send_keys("cat")
    alert = tab.until(lambda: tab.driver.find_element(By.CSS_SELECTOR, "[role=alert]"))
    words = alert.text.split()
    scripts(True)
    alert.find_element(By.TAG_NAME, "button").click()
    tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "#app .go"))
    tab.arrive()

    assert ["页面没有加载成功，可能正在升级。", "重新加载"] == words
    assert "cat" == tab.driver.find_element(By.CSS_SELECTOR, _SEARCH).get_property("value")


def test_an_input_method_goes_on_while_the_scripts_come(serve, tab, scripts):
    """What it writes is not cut off: the form waits for it."""
    server = serve()
    scripts(False)
    show(tab, server.url, _SEARCH).click()
    tab.cdp("Input.imeSetComposition", text="shui'cai", selectionStart=8, selectionEnd=8)
    scripts(True)
    tab.driver.execute_script(_COME)
    tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "#app .go"))
    during = tab.driver.execute_script(_BOX)
    tab.cdp("Input.insertText", text="水彩")
    tab.arrive()

    assert "shui'cai" == during[1]
    assert ["prompt", "水彩", 2, 2] == tab.driver.execute_script(_BOX)
    assert tab.driver.find_elements(By.CSS_SELECTOR, "#app .go")


def test_the_chosen_language_is_that_of_the_document(serve, tab, scripts):
    """Whatever the browser's own; the other one's words are gone."""
    server = serve()
    tab.look(Look(language=CHINESE))
    tab.open(server.url)
    tab.driver.execute_script("localStorage['imagegen.language'] = 'en'")
    tab.cdp("Network.clearBrowserCache")
    scripts(False)
    show(tab, server.url, ".early main")
    chosen = tab.driver.execute_script(_WORDS)
    tab.driver.execute_script("localStorage.clear()")
    show(tab, server.url, ".early main")

    assert "Generate" in chosen
    assert "生成" not in chosen
    assert "生成" in tab.driver.execute_script(_WORDS)


def test_links_and_keys_work_before_the_scripts(serve, tab, scripts):
    """And where the focus is, it stays when they come."""
    server = serve()
    tab.look(Look(language=ENGLISH))
    scripts(False)
    show(tab, server.url, ".early .ways").find_element(By.LINK_TEXT, "Tasks").click()
    tab.until(lambda: tab.driver.current_url.endswith("/tasks"))
    ActionChains(tab.driver).send_keys(*[Keys.TAB] * 4).perform()
    focused = tab.driver.execute_script("return document.activeElement.closest('.early a').innerText")
    scripts(True)
    tab.driver.execute_script(_COME)
    tab.arrive()

    assert focused == tab.driver.execute_script("return document.activeElement.closest('#app a').innerText")
