"""Every page of the console is right for people who do not see, do not point, or see little."""

import contextlib
from contextlib import closing
from pathlib import Path

import attrs
import httpx
import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.browser.accessibility import COLOURS, SMALL_FOR_A_FINGER
from tests.browser.tab import Look

PAGES = {
    "/": ".frame img",
    "/gallery": ".card",
    "/gallery?q=猫": ".card",
    "/p/1": "main img",
    "/p/1/edit": "canvas",
    "/tasks": ".task",
    "/batches": ".new-batch option",
    "/providers": ".provider",
    "/providers/ark": "dialog[open] form",
    "/providers/+": ".document textarea",
    "/usage": "table",
    "/settings": ".configuration tbody tr",
    "/p/4000": "[role=alert], .empty",
}
"""Addresses, and what is on the page once it is whole."""

LOOKS = [Look(size=size, has_touch=size[0] < 600, reduces_motion=True) for size in ((390, 844), (1440, 900))]
FURTHER = {390: 320, 1440: 2560}
"""The narrowest and the widest screen, on which each page is measured without another load."""

_SNAKES = r"""
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const told = [];
while (walker.nextNode()) {
  const { parentElement: parent, data } = walker.currentNode;
  if (parent.closest("code, script, style, [data-id]") || !parent.checkVisibility()) continue;
  if (/\b[a-z]+_[a-z_]+\b/.test(data)) told.push(data.trim());
}
return told;
"""

_FAINT = r"""
const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
const isSolid = (colour) => numbers(colour)[3] !== 0;
const light = ([red, green, blue]) => [red, green, blue]
  .map((part) => part / 255)
  .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
const contrast = (one, other) => {
  const [dark, bright] = [light(numbers(one)), light(numbers(other))].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
};
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const { backgroundColor } = getComputedStyle(each);
    if (isSolid(backgroundColor)) return backgroundColor;
  }
  return "rgb(255, 255, 255)";
};
const outside = (element) => behind(element.parentElement);
const native = "[type=checkbox], [type=radio], [type=range]";
const controls = [...document.querySelectorAll("input, select, textarea, button, .button")]
  .filter((element) => element.checkVisibility() && !element.disabled && !element.matches(native));
const faint = controls.filter((element) => {
  if (element.matches(".bare")) return false; // its icon or its words are what is seen of it
  const { borderTopColor, borderTopWidth, backgroundColor } = getComputedStyle(element);
  if (borderTopWidth === "0px" || !isSolid(borderTopColor)) return false;
  const around = outside(element);
  return Math.max(contrast(borderTopColor, around), contrast(backgroundColor, around)) < 3;
});
const ring = getComputedStyle(document.documentElement).getPropertyValue("--accent");
const probe = Object.assign(document.body.appendChild(document.createElement("i")), { hidden: false });
probe.style.color = ring;
const colour = getComputedStyle(probe).color;
probe.remove();
const dim = controls.filter((element) => contrast(colour, outside(element)) < 3);
return [...faint.map((element) => "border of " + element.outerHTML.slice(0, 90)),
  ...dim.map((element) => "focus ring of " + element.outerHTML.slice(0, 90))];
"""
"""Controls whose border, or whose ring when they have the focus, has less than 3:1 against what is around."""


def too_wide(tab):
    """Return by how much the page is wider than the screen; ``innerWidth`` of a phone grows with the page."""
    over = tab.driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{over} px too wide"] if over > 0 else []


def is_wide(tab, width):
    """Return whether the page is laid out for a screen of this width."""
    return tab.driver.execute_script("return matchMedia(`(width: ${arguments[0]}px)`).matches", width)


def barriers(tab, axe_violations):
    """Return what is wrong with the page as it is shown now."""
    texts = tab.driver.execute_script(_SNAKES)
    return [*axe_violations(), *tab.driver.execute_script(_FAINT), *(f"shows {text!r}" for text in texts)]


def barriers_of_colours(tab, axe_violations):
    """Return what is wrong with the page since its colours are others."""
    return [*axe_violations(only=COLOURS), *tab.driver.execute_script(_FAINT)]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_has_a_barrier(tab, serve_seeded, axe_violations, language):
    """In no language, colours or width: nothing overflows, is too small to touch, or is a program's name.

    Nor with a task that has two images, of which one is lost.
    """
    tab.allow("404 (Not Found)")
    server = serve_seeded(images=12, failed=2, pending=3, delay_seconds=600)
    httpx.post(
        f"{server.url}/api/v1/images/batch", json={"ids": [1, 2], "action": "favourite"}
    ).raise_for_status()
    body, headers = {"params": {"prompt": "一只猫", "num": 2}}, {"Prefer": "wait=30"}
    task = httpx.post(f"{server.url}/api/v1/tasks/generate", json=body, headers=headers)
    lost = task.raise_for_status().json()["data"]["images"][1]["id"]
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database:
        (key,) = database.execute("SELECT blob_key FROM images WHERE id = ?", [lost]).fetchone()
    for path in (server.data_dir / "images").rglob(f"{Path(key).stem}*"):
        path.unlink()
    tab.open(f"{server.url}/health/live")
    tab.driver.execute_script("localStorage.setItem('imagegen.language', arguments[0])", language)
    wrong = []
    for look in LOOKS:
        tab.look(look)
        for address, ready in PAGES.items():
            tab.open(server.url + address)
            tab.until(lambda ready=ready: tab.driver.find_elements(By.CSS_SELECTOR, ready))
            for theme, looked_at in (("light", barriers), ("dark", barriers_of_colours)):
                # What the button of the console does, without another load.
                tab.driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
                wrong += [
                    f"{theme} {look.size[0]} {address}: {each}" for each in looked_at(tab, axe_violations)
                ]
            wrong += [f"{look.size[0]} {address}: {each}" for each in too_wide(tab)]
            wrong += [f"{address}: {each}" for each in tab.driver.execute_script(SMALL_FOR_A_FINGER)]
            tab.look(attrs.evolve(look, size=(FURTHER[look.size[0]], look.size[1])))
            with contextlib.suppress(TimeoutException):  # the rows of a gallery follow the width
                tab.until(lambda look=look: is_wide(tab, FURTHER[look.size[0]]) and not too_wide(tab))
            wrong += [f"{FURTHER[look.size[0]]} {address}: {each}" for each in too_wide(tab)]
            tab.look(look)

    assert [] == wrong
