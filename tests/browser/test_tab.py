"""What the tests of the console rest on: the browser tells what goes wrong, and what was asked for."""

import pytest
from selenium.webdriver.common.by import By

from tests.browser.tab import CHINESE, DESKTOP, ENGLISH, NARROW, PHONE, Look
from tests.integration.api.asking import IMAGES, TASKS, data

NOWHERE = "/nowhere"
"""A page of ours that runs no script and asks for nothing."""


@pytest.fixture
def page(serve, tab):
    """A server whose page is shown."""
    server = serve()
    tab.open(f"{server.url}{NOWHERE}")
    tab.read()
    tab._console.clear()  # that the address leads nowhere
    return server


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("console.error('it broke')", "it broke"),
        ("setTimeout(() => { missing() })", "missing is not defined"),
        ("Promise.reject(new Error('nobody cared'))", "nobody cared"),
        ("location.reload()", "status of 404"),
        ("document.body.append(Object.assign(new Image(), { src: '/console/icon.svg' }))", "violates"),
        ("document.body.setAttribute('style', 'color: red')", "violates"),
        ("document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.2:9/x' }))", "violates"),
    ],
    ids=["console", "exception", "rejection", "not found", "image", "style", "other host"],
)
def test_what_goes_wrong_in_a_page_is_told(page, tab, script, words):
    """Whether a test looks for it or not, unless it allows it."""
    tab.driver.execute_script(script)
    tab.until(lambda: words in " ".join(tab.wrong()))
    tab.allow(words)

    assert [] == tab.wrong()


def test_a_request_to_another_origin_is_told(page, tab, serve):
    """Also one that is answered."""
    other = serve()
    tab.origins.discard(other.url)
    tab.open(f"{other.url}/health/live")
    wrong = tab.wrong()
    tab.origins.add(other.url)

    assert f"asked for {other.url}/health/live" in wrong


def test_requests_are_counted_with_what_became_of_them(page, tab):
    """Address, method, status, coding and size."""
    with tab.recording() as exchanges:
        tab.open(f"{page.url}/health/live")
    live = next(exchange for exchange in exchanges if exchange.path == "/health/live")

    assert ("GET", "Document", 200, "") == (live.method, live.kind, live.status, live.failure)
    assert 0 < live.size < 2000


@pytest.mark.parametrize(
    ("size", "language", "first"),
    [(DESKTOP, CHINESE, "zh-CN"), (PHONE, ENGLISH, "en-GB"), (NARROW, CHINESE, "zh-CN")],
)
def test_a_page_is_looked_at_in_a_language_and_a_theme_on_a_screen(page, tab, size, language, first):
    """As the page's own scripts and styles, and the server, are told."""
    tab.look(Look(language=language, theme="dark", size=size, has_touch=True, reduces_motion=True))
    tab.allow("404")
    tab.refresh()
    script = """
        const told = ["prefers-color-scheme: dark", "prefers-reduced-motion: reduce", "pointer: coarse"];
        return [innerWidth, navigator.language, document.documentElement.lang,
          ...told.map((feature) => matchMedia(`(${feature})`).matches)];
    """
    lang = "en" if first == "en-GB" else "zh-CN"

    assert [size[0], first, lang, True, True, True] == tab.driver.execute_script(script)


def test_chinese_is_drawn_by_a_font_that_has_it(page, tab):
    """Else screenshots and widths are those of empty boxes."""
    for domain in ("DOM", "CSS"):
        tab.cdp(f"{domain}.enable")
    root = tab.cdp("DOM.getDocument")["root"]["nodeId"]
    heading = tab.cdp("DOM.querySelector", nodeId=root, selector="h1")["nodeId"]
    fonts = tab.cdp("CSS.getPlatformFontsForNode", nodeId=heading)["fonts"]

    assert "没有这个页面" == tab.driver.find_element(By.CSS_SELECTOR, "h1").text
    assert ["Noto Sans CJK SC"] == [font["familyName"] for font in fonts]


def test_pages_of_one_piece_are_accessible(look, serve, tab, axe_violations):
    """The login and the page that is not there, in each language and theme."""
    server = serve(server={"auth_token": "a-token-that-is-long-enough-0001"})
    tab.allow("404")
    for path in ("/login", "/docs/nowhere"):
        tab.open(f"{server.url}{path}")

        assert [] == axe_violations()


def test_what_is_not_accessible_is_told(page, tab, axe_violations):
    """By rule and element."""
    tab.driver.execute_script("document.querySelector('main').append(document.createElement('button'))")
    (line,) = axe_violations()

    assert line.startswith("button-name (critical): button: ")


def test_what_was_planted_is_served(serve_seeded):
    """Images with their thumbnails, and tasks in each state, as if they had been made."""
    server = serve_seeded(images=40, pending=7, failed=3, cancelled=2, queue={"workers": 1})
    with server.client() as api:
        counts = data(api.get(f"{TASKS}/counts"))
        images = data(api.get(IMAGES, params={"page_size": 100}))["items"]
        answers = [api.get(image[name]) for image in images for name in ("image_url", "thumbnail_url")]
        cats = data(api.get(f"{IMAGES}/search", params={"keyword": "猫"}))["total"]
        task = data(api.get(f"{TASKS}/{images[0]['task_id']}"))

    assert (40, 3, 2) == (counts["completed"], counts["failed"], counts["cancelled"])
    assert 7 == counts["pending"] + counts["processing"]
    assert (40, {200}) == (len(images), {answer.status_code for answer in answers})
    assert {"image/png", "image/webp"} == {answer.headers["content-type"] for answer in answers}
    assert 6 == cats
    assert ("completed", images[0]["id"]) == (task["status"], task["images"][0]["id"])


def test_a_thousand_images_are_planted_at_once(serve_seeded):
    """So that a test can have a long list."""
    server = serve_seeded(images=1500)
    with server.client() as api:
        assert 1500 == data(api.get(IMAGES))["total"]
