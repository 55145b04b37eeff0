"""The console for eyes that see little: in the colours of the system, and magnified."""

from io import BytesIO

from PIL import Image as RasterImage
from selenium.webdriver.common.by import By

from tests.browser.tab import Look
from tests.integration.api.asking import make_image

MAGNIFIED = Look(size=(320, 256), reduces_motion=True)
"""A window of 1280 by 1024 at 400 %."""

LOW = Look(size=(1280, 400))
"""A window above the browser's own tools."""

MAX_SHARE = 0.5
"""Of the height."""

PAGES = {
    "/gallery": ".card img",
    "/p/1": "main img",
    "/p/1/edit": "canvas",
    "/tasks": ".task",
    "/providers": ".provider",
    "/usage": ".usage td",
    "/settings": ".panel:has(.facts dd) ~ .panel tbody tr",
}
"""Addresses, and what is on the page once it is whole."""

CHOICES = {
    "/": (".operations input", ".shape input", ".segments input", ".ways a"),
    "/gallery": (".card > a", ".ways a"),
    "/p/1/edit": (".tools [aria-label] [aria-pressed]", ".tools > [aria-pressed]"),
    "/tasks": (".chip",),
}
"""Of each of these, one is chosen."""

COVER = """
scrollTo(0, 300);
const { scrollWidth, clientWidth, clientHeight } = document.documentElement;
const stays = (one) => ["fixed", "sticky"].includes(getComputedStyle(one).position);
const isStuck = (one) => one && (stays(one) || isStuck(one.parentElement));
const isCovered = (y) => [0.25, 0.5].some((x) => isStuck(document.elementFromPoint(x * clientWidth, y)));
const covered = Array.from({ length: 64 }, (_, row) => isCovered((row * clientHeight) / 64));
return [Math.max(0, scrollWidth - clientWidth), covered.filter(Boolean).length / 64];
"""
"""How many pixels the page is too wide, and how much of its height lies below what does not scroll."""

LENGTHEN = "arguments[0].append('很长的说明，'.repeat(40))"
GAP = "return Math.round(innerHeight - document.querySelector('.foot').getBoundingClientRect().bottom)"
RINGS = """
const chosen = ":checked, [aria-pressed=true], [aria-current], .selected > a";
const drawn = (one) => one.closest(".shape") ?? (one.matches("input") ? one.nextElementSibling : one);
const ring = (one) => {
  const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(drawn(one));
  return outlineStyle === "none" ? "none" : `${outlineStyle} ${outlineWidth} at ${outlineOffset}`;
};
const pairs = arguments[0].map((selector) => {
  const all = [...document.querySelectorAll(selector)];
  return [all.find((one) => one.matches(chosen)), all.find((one) => !one.matches(chosen))];
});
if (pairs.flat().includes(undefined)) return null;
return pairs.map((two) => {
  document.activeElement.blur();
  return [...two.map(ring), ...two.map((one) => (one.focus(), ring(one)))];
});
"""
"""The rings of one that is chosen and of one that is not, then with the focus; null before both are there."""

BAR = """
const bar = Object.assign(document.createElement("progress"), { max: 4, value: 2 });
bar.style = "position: fixed; z-index: 99; inset: 40px auto auto 40px; width: 80px";
const message = Object.assign(document.createElement("p"), { className: "toast" });
document.body.append(bar, message);
return [bar, getComputedStyle(message).outlineStyle];
"""


def cover(tab):
    return tuple(tab.driver.execute_script(COVER))


def shown(tab, selector):
    return tab.driver.find_elements(By.CSS_SELECTOR, selector)


def press(tab, selector):
    """Press it by a script, so that no pointer was there and each focus is shown."""
    tab.driver.execute_script("arguments[0].click()", tab.until(lambda: shown(tab, selector))[0])


def test_what_is_chosen_is_seen_in_the_colours_of_the_system(tab, serve):
    """By its ring, another one with the focus; a bar shows how far it is, and a message has an edge."""
    server = serve()
    with server.client() as api:
        for prompt in ("一", "二"):
            make_image(api, prompt)
    tab.look(Look(forces_colours=True))
    rings = {}
    for address, selectors in CHOICES.items():
        tab.open(server.url + address)
        if address == "/":
            press(tab, ".shape [value='1:1']")
        if address == "/gallery":
            press(tab, ".card .select")
        fours = tab.until(lambda selectors=selectors: tab.driver.execute_script(RINGS, selectors))
        rings |= {f"{address} {name}": four for name, four in zip(selectors, fours, strict=True)}
    bar, edge = tab.driver.execute_script(BAR)
    raster = RasterImage.open(BytesIO(bar.screenshot_as_png)).convert("RGB")

    assert {} == {name: four for name, four in rings.items() if len(set(four)) < 4}
    assert raster.getpixel((20, 3)) != raster.getpixel((60, 3))
    assert edge == "solid"


def test_a_small_window_is_for_the_page(tab, console):
    """At 400 % nothing is too wide or covers half of it, and images are made; a low one shows the form."""
    tab.look(LOW)
    server, form = console()
    top = form.prompt().rect["y"]
    tab.look(MAGNIFIED)
    form.prompt().send_keys("雪山")
    form.driver.execute_script("sessionStorage.lose = 1")
    form.go()
    form.driver.execute_script(LENGTHEN, form.one(".foot .error"))
    covers, gap = {"/": cover(tab)}, tab.driver.execute_script(GAP)
    form.go()
    form.decoded(1)
    for address, ready in PAGES.items():
        tab.open(server.url + address)
        tab.until(lambda ready=ready: shown(tab, ready))
        covers[address] = cover(tab)

    assert LOW.size[1] > top
    assert 0 == gap
    assert {} == {address: two for address, two in covers.items() if two[0] or two[1] > MAX_SHARE}
