"""The gallery: rows in true proportions, only what can be seen on the page, search, keys, and what is new."""

import httpx
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.tab import CHINESE, ENGLISH, PHONE, Look

MAX_FIGURES, MAX_ELEMENTS = 60, 1000
"""What three screens take: more would make tasks longer than a person notices."""
_LAYOUT = """
const done = arguments[arguments.length - 1];
import("/console/pages/gallery-layout.js").then(({ lay, neighbour, rowAt, shapeOf }) => {
  const images = Array.from({ length: 2000 }, (_, n) => (
    { width: [512, 640, 360, 960, 64][n % 5], day: Math.floor(n / 90),
      height: [512, 360, 640, 240, 1024][n % 5] }));
  const shape = shapeOf(1200);
  const groupOf = ({ day }) => day;
  const whole = lay(images, shape, groupOf);
  let grown = null;
  for (let n = 100; n <= images.length; n += 100) grown = lay(images.slice(0, n), shape, groupOf, grown);
  const rows = whole.sections.flatMap((section) => section.rows);
  const boxes = rows.flatMap((row) => row.boxes.map((box) => ({ ...box, height: row.height })));
  const rowOf = (at) => rows.findLastIndex(({ from }) => from <= at);
  const beheaded = images.filter(({ width, height }, at) => {
    const ratio = width / height;
    return ratio > 0.4 && ratio < 5 && Math.abs(boxes[at].width / boxes[at].height / ratio - 1) > 0.03;
  });
  done({
    same: JSON.stringify(whole) === JSON.stringify(grown),
    count: boxes.length,
    beheaded: beheaded.length,
    widest: Math.max(...boxes.map(({ left, width }) => left + width)),
    tooHigh: rows.filter(({ height }) => height > shape.target * 1.4 + 1).length,
    mixed: rows.filter(({ from, boxes }) => images[from].day !== images[from + boxes.length - 1].day).length,
    last: rowAt(whole, 1999).row.from + rowAt(whole, 1999).row.boxes.length,
    down: rowOf(neighbour(whole, 45, 1)) - rowOf(45),
  });
});
"""
_FOCUSED = "return Number(document.activeElement.closest('figure')?.dataset.id ?? 0)"
_SHOWN = "return [...document.querySelectorAll('.grid figure')].map((one) => Number(one.dataset.id))"
_FIRST = """
const figure = [...document.querySelectorAll(".grid figure")].find(
  (one) => one.getBoundingClientRect().top > 120);
return figure && [figure.dataset.id, Math.round(figure.getBoundingClientRect().top)];
"""
_PARTS = """
return [...document.querySelectorAll(".compared .pane")].map((pane) => {
  const { width, height } = pane.firstChild.getBoundingClientRect();
  const { naturalWidth, naturalHeight } = pane.firstChild;
  const fitting = Math.min(1, pane.clientWidth / naturalWidth, pane.clientHeight / naturalHeight);
  return Math.round(width / naturalWidth / fitting * 1000) / 1000;
});
"""
_IS_MADE = """return document.querySelector('.results [data-id="22"] img')?.naturalWidth"""
_SELECTED = "return [...document.querySelectorAll('.selected')].map((one) => Number(one.dataset.id))"
_TOTAL = "return document.querySelector('.gallery header p')?.textContent ?? ''"
_KEYWORDS = "/api/v1/images/search"


@pytest.fixture
def keys(chromium):
    """Return a function that presses keys one after the other."""

    def press(*pressed, modifier=None):
        actions = ActionChains(chromium)
        if modifier:
            actions.key_down(modifier)
        actions.send_keys(*pressed)
        if modifier:
            actions.key_up(modifier)
        actions.perform()

    return press


def _run(tab, script, *args):
    return tab.driver.execute_script(script, *args)


def _open(tab, server, path="/gallery"):
    tab.open(server.url + path)
    tab.until(lambda: _run(tab, _SHOWN))


def test_every_image_lies_in_its_own_proportions_in_a_row_of_its_day(tab, serve):
    """Whether all of them are laid at once or page by page."""
    tab.open(f"{serve().url}/docs")

    laid = tab.driver.execute_async_script(_LAYOUT)

    assert laid == {
        "same": True,
        "count": 2000,
        "beheaded": 0,
        "widest": 1200,
        "tooHigh": 0,
        "mixed": 0,
        "last": 2000,
        "down": 1,
    }


def test_thousands_of_images_are_scrolled_to_their_end(tab, serve_seeded):
    """With few of them on the page at a time; Back from one of them shows the same place again."""
    server = serve_seeded(images=2000, hours_apart=0.2)
    _open(tab, server)
    figures, elements = [], []

    def scrolled():
        figures.append(len(_run(tab, _SHOWN)))
        elements.append(_run(tab, "return document.querySelectorAll('*').length"))
        _run(tab, "scrollTo(0, document.documentElement.scrollHeight)")
        return 1 in _run(tab, _SHOWN)

    tab.until(scrolled)
    assert "2,000" in _run(tab, _TOTAL)
    assert max(figures) <= MAX_FIGURES
    assert max(elements) <= MAX_ELEMENTS

    _run(tab, "scrollTo(0, 20000)")
    tab.until(lambda: 1 not in _run(tab, _SHOWN))
    place = tab.until(lambda: _run(tab, _FIRST))
    opened = place[0]
    _run(tab, "document.querySelector(`[data-id='${arguments[0]}'] a`).click()", opened)
    tab.until(lambda: tab.driver.current_url.endswith(f"/p/{opened}"))
    with tab.recording() as exchanges:
        tab.driver.back()
        tab.until(lambda: _run(tab, _FIRST) == place)

    assert 20000 == _run(tab, "return scrollY")
    assert [] == [exchange.path for exchange in exchanges if exchange.path == "/api/v1/images"]


def test_letters_of_an_input_method_are_no_search(tab, serve_seeded):
    """What is on its way to a character is not asked for, nor is what is deleted again before it is one."""
    server = serve_seeded(images=14)
    _open(tab, server)
    tab.driver.find_element("css selector", "input[type=search]").click()

    with tab.recording() as before:
        for text in ("x", "xu", "xue", "xu", "x", ""):
            tab.cdp("Input.imeSetComposition", text=text, selectionStart=len(text), selectionEnd=len(text))
        tab.cdp("Input.imeSetComposition", text="xue", selectionStart=3, selectionEnd=3)
        tab.driver.execute_async_script("setTimeout(arguments[0], 600)")  # longer than typing is waited for
    with tab.recording() as after:
        tab.cdp("Input.insertText", text="雪")
        tab.until(lambda: _run(tab, _TOTAL) == "共 2 张")

    assert [] == [exchange.url for exchange in before if exchange.path == _KEYWORDS]
    assert 1 == len([exchange for exchange in after if exchange.path == _KEYWORDS])
    assert "完全匹配" == _run(tab, "return document.querySelector('.grid h2').textContent")


def test_the_keyboard_alone_makes_finds_opens_stars_deletes_and_undoes(tab, serve_seeded, keys):
    """The images are one stop of the Tab key; after a deletion the next one has the focus."""
    server = serve_seeded(images=21)
    tab.open(server.url)
    tab.until(lambda: _run(tab, "return document.querySelector('textarea[name=prompt]')"))
    _tab_to(keys, lambda: _run(tab, "return document.activeElement.name") == "prompt")
    keys("大雪")
    keys(Keys.ENTER, modifier=Keys.CONTROL)
    tab.until(
        lambda: _run(tab, "return document.querySelector('.results [data-id=\"22\"] img')?.naturalWidth")
    )
    _tab_to(keys, lambda: _run(tab, "return document.activeElement.localName") == "button")
    keys("k", modifier=Keys.CONTROL)
    tab.until(lambda: _run(tab, "return document.activeElement.role") == "combobox")
    keys("雪", Keys.ENTER)
    tab.until(lambda: _run(tab, _TOTAL) == "共 4 张")
    _tab_to(keys, lambda: _run(tab, _FOCUSED))
    assert 22 == _run(tab, _FOCUSED)

    keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, "s")
    tab.until(lambda: httpx.get(f"{server.url}/api/v1/images/9").json()["data"]["favourite"])
    keys(Keys.ENTER)
    tab.until(lambda: _run(tab, "return location.pathname === '/p/9' && document.querySelector('.stage')"))
    tab.driver.back()
    tab.until(lambda: _run(tab, _FOCUSED) == 9)
    keys(Keys.DELETE)
    tab.until(lambda: _run(tab, _FOCUSED) == 2)
    assert "共 3 张" == _run(tab, _TOTAL)
    keys("z", modifier=Keys.CONTROL)
    tab.until(lambda: _run(tab, _TOTAL) == "共 4 张")

    keys("x", Keys.ARROW_LEFT, "x", Keys.DELETE)
    tab.until(lambda: _run(tab, _TOTAL) == "共 2 张")
    _tab_to(keys, lambda: _run(tab, "return document.activeElement.textContent") == "撤销")
    keys(Keys.ENTER)
    tab.until(lambda: _run(tab, _TOTAL) == "共 4 张")
    tab.until(lambda: _run(tab, _FOCUSED))

    assert [22, 16, 9, 2] == [image["id"] for image in _matches(server, "雪")]


def test_back_ends_a_selection_and_then_a_search(tab, serve_seeded, keys):
    """A range that is drawn back is a smaller one; the search box says what the address does."""
    server = serve_seeded(images=21)
    _open(tab, server)
    box = "return document.querySelector('input[type=search]').value"
    keys("/", "雪")
    tab.until(lambda: _run(tab, _TOTAL) == "共 3 张")
    keys(Keys.BACKSPACE, "海")
    tab.until(lambda: "q=%E6%B5%B7" in tab.driver.current_url and _run(tab, _TOTAL) == "共 3 张")
    _tab_to(keys, lambda: _run(tab, _FOCUSED))
    keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, modifier=Keys.SHIFT)
    tab.until(lambda: len(_run(tab, _SELECTED)) == 3)
    keys(Keys.ARROW_LEFT, modifier=Keys.SHIFT)
    tab.until(lambda: len(_run(tab, _SELECTED)) == 2)

    tab.driver.back()
    tab.until(lambda: _run(tab, _SELECTED) == [])
    assert "海" == _run(tab, box)
    keys("/")
    tab.driver.back()
    tab.until(lambda: _run(tab, _TOTAL) == "共 21 张")

    assert ("/gallery", "") == (_run(tab, "return location.pathname + location.search"), _run(tab, box))


def test_what_was_deleted_elsewhere_leaves_with_a_word(tab, serve_seeded, keys):
    """Instead of a star; a zip of what is gone leaves the page and its selection there."""
    tab.allow("404")
    server = serve_seeded(images=3)
    _open(tab, server)
    httpx.delete(f"{server.url}/api/v1/images/3")
    _tab_to(keys, lambda: _run(tab, _FOCUSED) == 3)
    keys("s")
    tab.until(lambda: _run(tab, _SHOWN) == [2, 1])
    assert "已不存在" in _run(tab, "return document.querySelector('.toast').textContent")
    keys("x")
    tab.until(lambda: _run(tab, _SELECTED) == [2])
    httpx.delete(f"{server.url}/api/v1/images/2")
    _run(tab, "document.querySelector('.selection [aria-label=\"下载 ZIP\"]').click()")
    tab.until(lambda: len(_run(tab, "return [...document.querySelectorAll('.toast')]")) == 2)

    assert [2] == _run(tab, _SELECTED)
    _run(tab, "document.querySelector('.selection button').focus()")
    keys(Keys.ENTER)
    tab.until(lambda: _run(tab, _FOCUSED) == 2)
    assert tab.driver.current_url.endswith("/gallery")


def test_a_tag_and_a_collection_are_found_among_many(tab, serve_seeded):
    """Also a tag that is not among the most used; on a phone nothing of the menu is beside the screen."""
    tab.look(Look(size=PHONE, has_touch=True))
    server = serve_seeded(images=7)
    names = [f"标签 {number:03}" for number in range(140)]
    for image in range(7):
        tags = names[image * 20 : image * 20 + 20]
        httpx.patch(f"{server.url}/api/v1/images/{image + 1}", json={"tags": tags}).raise_for_status()
    for number in range(12):
        name = "一个名字很长的收藏夹" * 4 + str(number)
        httpx.post(f"{server.url}/api/v1/collections", json={"name": name}).raise_for_status()
    last = httpx.get(f"{server.url}/api/v1/tags").json()["data"]["items"]
    (hidden, *_) = set(names) - {one["tag"] for one in last}
    tab.allow("400")
    tab.open(f"{server.url}/gallery?from=xx")
    filters = "return document.querySelector('.filters')?.textContent ?? ''"
    tab.until(lambda: "xx起" in _run(tab, filters))
    menu = "[...document.querySelectorAll('.menu > button')].find((one) => one.ariaLabel === arguments[0])"
    panel = "return [...document.querySelectorAll('.menu .panel .choice bdi')].map((one) => one.textContent)"

    def find(name, words):
        _run(tab, f"{menu}.click()", name)
        box = tab.until(lambda: tab.driver.find_elements("css selector", ".menu .panel [type=search]"))[0]
        box.send_keys(words)

    _run(tab, "document.querySelector('.filter .remove').click()")
    tab.until(lambda: _run(tab, _SHOWN))
    assert "日期" == _run(tab, "return document.activeElement.ariaLabel")
    find("收藏夹", "夹7")
    tab.until(lambda: len(_run(tab, panel)) == 2)
    right = _run(tab, "return document.querySelector('.menu .panel').getBoundingClientRect().right")
    assert PHONE[0] >= right
    ActionChains(tab.driver).send_keys(Keys.ESCAPE).perform()
    tab.until(lambda: not _run(tab, "return document.querySelector('.menu .panel')"))
    _run(tab, f"{menu}.click()", "收藏夹")
    _run(tab, "document.querySelector('.menu .panel .choice').click()")
    one = tab.until(lambda: tab.driver.find_elements("css selector", "dialog[open] [aria-label^=重命名]"))[0]
    one.click()
    tab.until(lambda: _run(tab, "return document.activeElement.matches('dialog li input')"))
    ActionChains(tab.driver).send_keys("夜景", Keys.ENTER).perform()
    tab.until(lambda: _run(tab, "return document.activeElement.textContent") == "夜景")
    tab.driver.find_element("css selector", "dialog [aria-label='删除收藏夹 夜景']").click()
    tab.until(lambda: tab.driver.find_elements("css selector", "dialog[open] .danger"))[0].click()
    tab.until(lambda: _run(tab, "return document.activeElement.matches('dialog .collections input')"))
    tab.driver.back()
    tab.until(lambda: not _run(tab, "return document.querySelector('dialog[open]')"))
    find("标签", hidden)
    tab.until(lambda: _run(tab, panel) == [hidden])
    _run(tab, "document.querySelector('.menu .panel .choice').click()")

    tab.until(lambda: len(_run(tab, _SHOWN)) == 1)


def test_a_new_image_is_in_front_where_the_list_has_it(tab, serve_seeded):
    """Also under a search; who has scrolled down stays where he is."""
    server = serve_seeded(images=200)
    _open(tab, server, "/gallery?q=雪")
    before = _run(tab, _SHOWN)[0]
    _generate(server, "大海")
    _generate(server, "夜里的雪")
    tab.until(lambda: _run(tab, _SHOWN)[0] > before)
    assert 202 == _run(tab, _SHOWN)[0]

    _open(tab, server)
    _run(tab, "scrollTo(0, 3000)")
    place = tab.until(lambda: _run(tab, _FIRST))
    _generate(server, "a lighthouse")
    tab.until(lambda: "203" in _run(tab, _TOTAL))

    assert place == _run(tab, _FIRST)


def _choose_order(tab, words):
    tab.until(lambda: tab.driver.find_elements("css selector", ".gallery header .menu button"))[0].click()
    choices = "return [...document.querySelectorAll('.menu .panel .choice')]"
    choice = tab.until(lambda: [one for one in _run(tab, choices) if words in one.text])[0]
    _run(tab, "arguments[0].click()", choice)


def test_the_oldest_come_first_where_the_address_says_so(tab, serve_seeded, keys):
    """After a reload, with a filter, from image to image, and until Back; what is new comes last."""
    server = serve_seeded(images=130)
    _open(tab, server)
    _choose_order(tab, "旧的在前")
    tab.until(lambda: _run(tab, _SHOWN)[:2] == [1, 2])
    assert "order=oldest" in tab.driver.current_url
    tab.refresh()
    tab.until(lambda: _run(tab, _SHOWN)[:2] == [1, 2])
    titles = "return [...document.querySelectorAll('.rail button')].map((one) => one.title)"
    days = tab.until(lambda: _run(tab, titles))
    assert len(days) > 1
    assert days[0] == _run(tab, "return document.querySelector('.grid h2').textContent")

    def scrolled_to(image_id):
        _run(tab, "scrollTo(0, document.documentElement.scrollHeight)")
        return image_id in _run(tab, _SHOWN)

    tab.until(lambda: scrolled_to(130))
    _generate(server, "a lighthouse")
    tab.until(lambda: scrolled_to(131))
    _run(tab, "document.querySelector('[data-id=\"130\"] a').click()")
    tab.until(lambda: _run(tab, "return document.querySelector('.sheet table')"))
    keys(Keys.ARROW_RIGHT)
    tab.until(lambda: "/p/131?order=oldest" in tab.driver.current_url)
    tab.driver.back()
    tab.until(lambda: 130 in _run(tab, _SHOWN))
    rail = tab.until(lambda: tab.driver.find_elements("css selector", ".rail button"))
    _run(tab, "arguments[0].click()", rail[0])
    tab.until(lambda: 1 in _run(tab, _SHOWN))
    _open(tab, server, "/gallery?order=oldest&q=雪")
    assert [2, 9] == _run(tab, _SHOWN)[:2]
    _generate(server, "夜里的雪")
    tab.until(lambda: scrolled_to(132))
    _run(tab, "[...document.querySelectorAll('.filters > .bare')].at(-1).click()")
    tab.until(lambda: _run(tab, _SHOWN)[:2] == [1, 2])
    assert "/gallery?order=oldest" in tab.driver.current_url

    tab.driver.back()
    tab.until(lambda: _run(tab, _SHOWN)[:2] == [2, 9])
    _open(tab, server)
    _choose_order(tab, "旧的在前")
    tab.until(lambda: _run(tab, _SHOWN)[:1] == [1])
    tab.driver.back()
    tab.until(lambda: _run(tab, _SHOWN)[:1] == [132])


def test_filters_and_a_comparison_are_in_the_address(tab, serve_seeded):
    """Each filter can be removed by itself; Back takes the last step back."""
    server = serve_seeded(images=8)
    httpx.patch(f"{server.url}/api/v1/images/3", json={"favourite": True, "tags": ["夜景"]})
    httpx.patch(f"{server.url}/api/v1/images/5", json={"tags": ["夜景"]})
    _open(tab, server, "/gallery?tag=夜景&favourite=1")
    assert [3] == _run(tab, _SHOWN)

    _run(tab, "document.querySelector('.filters [aria-pressed=true]').click()")
    tab.until(lambda: _run(tab, _SHOWN) == [5, 3])
    for at in (0, 1):
        _run(tab, "document.querySelectorAll('.select')[arguments[0]].click()", at)
    tab.until(lambda: _run(tab, "return document.querySelector('.selection')"))
    _run(tab, "document.querySelector('.selection [aria-label=对比]').click()")
    tab.until(lambda: len(_run(tab, "return [...document.querySelectorAll('.compared img')]")) == 2)
    assert "compare=5%2C3" in tab.driver.current_url
    for key in ("+", "+", "-"):
        ActionChains(tab.driver).send_keys(key).perform()
    zoomed = tab.until(lambda: len(set(_run(tab, _PARTS))) == 1 and _run(tab, _PARTS)[0])
    assert 1.49 < zoomed < 1.51
    ActionChains(tab.driver).send_keys("0").perform()
    tab.until(lambda: _run(tab, _PARTS) == [1, 1])
    tab.driver.back()
    tab.until(lambda: not _run(tab, "return document.querySelector('dialog[open]')"))
    _run(tab, "document.querySelector('.filter .remove').click()")
    tab.until(lambda: len(_run(tab, _SHOWN)) == 8)
    tab.driver.back()
    tab.until(lambda: _run(tab, _SHOWN) == [5, 3])
    tab.driver.back()

    tab.until(lambda: _run(tab, _SHOWN) == [3])


def test_a_comparison_tells_what_differs(tab, serve_seeded):
    """Of the images that there are: one that is gone is told of beside them."""
    tab.allow("404")
    server = serve_seeded(images=3)
    _open(tab, server, "/gallery?compare=1,3,99")
    caption = tab.until(lambda: _run(tab, "return document.querySelector('.compared figcaption')?.innerText"))
    differing = _run(tab, "return [...document.querySelectorAll('.compared dl')].map((one) => one.innerText)")

    assert "· Demo ·" in caption
    assert ["种子", "0"] == differing[0].split()
    assert ["种子", "2"] == differing[1].split()
    assert _run(tab, "return document.querySelector('.comparison [role=alert]')")


def test_a_finger_selects_what_it_rests_on(tab, serve_seeded):
    """And with the next taps more of them, until none is left; then a tap opens an image again.

    What is closed after a few steps to its neighbours is in sight.
    """
    tab.look(Look(size=(390, 560), has_touch=True))
    _open(tab, serve_seeded(images=30, hours_apart=0.001))
    first, second = _run(tab, _SHOWN)[:2]

    def touch(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        tab.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    def middle(image_id):
        place = (
            "one.scrollIntoView({ block: 'center', behavior: 'instant' }); return one.getBoundingClientRect()"
        )
        box = _run(tab, f"const one = document.querySelector('[data-id=\"{image_id}\"] img'); {place}")
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def tap(image_id):
        touch("touchStart", middle(image_id))
        touch("touchEnd")

    touch("touchStart", middle(first))
    tab.until(lambda: _run(tab, _SELECTED) == [first])
    touch("touchEnd")
    tap(second)
    tab.until(lambda: sorted(_run(tab, _SELECTED)) == sorted([first, second]))
    assert tab.driver.current_url.endswith("/gallery")

    tap(first)
    tap(second)
    tab.until(lambda: _run(tab, _SELECTED) == [])
    tap(first)
    tab.until(lambda: f"/p/{first}" in tab.driver.current_url)

    for image in range(first - 1, first - 9, -1):
        tab.until(lambda: _run(tab, "return document.querySelector('.way.on:not(:disabled)')"))
        _run(tab, "document.querySelector('.way.on').click()")
        tab.until(lambda image=image: f"/p/{image}" in tab.driver.current_url)
    _run(tab, "document.querySelector('.stage .shut').click()")
    tab.until(lambda: _run(tab, _SHOWN))
    box = _run(
        tab, f"return document.querySelector('[data-id=\"{first - 8}\"]')?.getBoundingClientRect().toJSON()"
    )
    assert 56 < box["top"] < box["bottom"] < 560 - 58


def test_a_broken_image_has_a_place_that_says_so(tab, serve_seeded):
    """In the gallery and on its own page."""
    tab.allow("404")
    server = serve_seeded(images=3)
    for path in (server.data_dir / "images").rglob("*"):
        if path.is_file():
            path.unlink()
    _open(tab, server)
    says_so = "return [...document.querySelectorAll('.broken')].filter((one) => one.offsetParent).length"
    tab.until(lambda: _run(tab, says_so) == 3)
    tab.open(f"{server.url}/p/2")

    tab.until(lambda: _run(tab, says_so) == 1)


@pytest.mark.parametrize(
    "look",
    [Look(language=CHINESE), Look(language=ENGLISH, theme="dark", size=PHONE, has_touch=True)],
    ids=str,
)
def test_everybody_can_use_it(tab, serve_seeded, axe_violations, look):
    """With a filter, with a selection and its tags, without anything found."""
    tab.look(look)
    server = serve_seeded(images=20)
    _open(tab, server, "/gallery?provider=demo")
    for at in (0, 1):
        _run(tab, "document.querySelectorAll('.select')[arguments[0]].click()", at)
    tab.until(lambda: _run(tab, "return document.querySelector('.selection')"))
    assert [] == axe_violations()
    _run(tab, "document.querySelectorAll('.selection button')[3].click()")
    tab.until(lambda: _run(tab, "return document.querySelector('dialog[open] form')"))
    assert [] == axe_violations()
    assert 0 >= _run(
        tab, "const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth - clientWidth"
    )
    tab.driver.back()
    tab.until(lambda: not _run(tab, "return document.querySelector('dialog[open]')"))
    tab.open(f"{server.url}/gallery?q=nothing+has+this")
    tab.until(lambda: _run(tab, "return document.querySelector('.empty')"))

    assert [] == axe_violations()


def test_the_trash_is_shown_from_either_end(tab, serve_seeded):
    """As the gallery was, until somebody chooses."""
    server = serve_seeded(images=3)
    for image_id in (2, 3):
        body = {"ids": [image_id], "action": "trash"}
        httpx.post(f"{server.url}/api/v1/images/batch", json=body).raise_for_status()
    names = "return [...document.querySelectorAll('.thrown li .words')].map((one) => one.title)"
    tab.open(f"{server.url}/gallery?order=oldest&panel=trash")
    oldest = tab.until(lambda: _run(tab, names))
    _run(tab, "document.querySelector('.thrown .menu button').click()")
    _run(tab, "document.querySelector('.thrown .panel .choice').click()")

    tab.until(lambda: _run(tab, names) == oldest[::-1])
    assert ["2", "3"] == [name[-1] for name in oldest]


def test_a_whole_list_is_selected_by_the_service(tab, serve_seeded):
    """Also what no page has loaded; what is done with it is told with its number."""
    server = serve_seeded(images=2200, hours_apart=0.2)
    httpx.post(f"{server.url}/api/v1/collections", json={"name": "夜景"}).raise_for_status()
    _open(tab, server)
    _run(tab, "document.querySelector('.select').click()")
    for name in ("全选已加载的", "选择全部 2,200 张"):
        button = f"document.querySelector('.selection [aria-label=\"{name}\"]')"
        tab.until(lambda button=button: _run(tab, f"return {button}"))
        _run(tab, f"{button}.click()")
    count = "return document.querySelector('.selection .count').textContent"
    tab.until(lambda: _run(tab, count) == "2,200")
    _run(tab, "document.querySelector('.selection [aria-label=\"收藏\"]').click()")
    tab.until(lambda: "2,200 / 2,200" in _run(tab, "return document.querySelector('.toasts').textContent"))

    _run(tab, "document.querySelector('.selection [aria-label=\"收藏夹\"]').click()")
    box = "document.querySelector('dialog[open] li input')"
    tab.until(lambda: _run(tab, f"return {box}"))
    _run(tab, f"{box}.click()")
    tab.until(lambda: 2200 == _total(server, collection=1))

    assert (2200, [True, False]) == (
        _total(server, favourite=True),
        _run(tab, f"return [{box}.checked, {box}.indeterminate]"),
    )


def _total(server, **query):
    return httpx.get(f"{server.url}/api/v1/images", params=query).json()["data"]["total"]


def test_without_a_trash_deleting_is_said_to_be_final(tab, serve_seeded):
    """With days for a way back it names the trash; either way it can be undone while it is said."""
    words = []
    for days in (0, 1):
        server = serve_seeded(images=3, storage={"trash_days": days})
        _open(tab, server)
        _run(tab, "document.querySelector('.grid .over button:last-child').click()")
        words.append(tab.until(lambda: _run(tab, "return document.querySelector('.toast')?.innerText")))
        _run(tab, "document.querySelector('.toast button').click()")
        tab.until(lambda: len(_run(tab, _SHOWN)) == 3)
        _run(tab, "document.querySelector('.gallery header .acts > button').click()")
        words.append(tab.until(lambda: _run(tab, "return document.querySelector('.thrown p')?.innerText")))

    final, empty, moved, waiting = words
    assert "彻底删除" in final
    assert "不能恢复" in empty
    assert "移到回收站" in moved
    assert "回收站是空的" in waiting


def _tab_to(keys, is_reached):
    for _ in range(40):
        keys(Keys.TAB)
        if is_reached():
            return
    raise AssertionError("the Tab key does not get there")


def _matches(server, words):
    return httpx.get(f"{server.url}/api/v1/images/search", params={"keyword": words}).json()["data"]["items"]


def _generate(server, prompt, **params):
    task = httpx.post(
        f"{server.url}/api/v1/tasks/generate",
        json={"provider": "demo", "params": {"prompt": prompt, "width": 256, "height": 256, **params}},
        headers={"Prefer": "wait=30"},
        timeout=60,
    ).json()["data"]
    return [image["id"] for image in task["images"]]
