"""The ring of what has the focus over a picture is seen, whatever the colours of both."""

import base64
from io import BytesIO

import pytest
from PIL import Image as RasterImage
from selenium.webdriver.common.by import By

from tests.browser.tab import Look
from tests.integration.api.asking import make_image

LEAST = 3
"""The contrast of a ring that WCAG asks for, to what it covers and to the pixels beside it."""

MARGIN, DEPTH = 6, 10
"""How far around an edge a ring may lie, outside and inside, in pixels."""

FILTERS = {"white": "brightness(0) invert(1)", "black": "brightness(0)", "grey": "brightness(0) invert(0.5)"}
PAGES = {
    "/gallery": (".card img", ".card > a, .card .select", 2),
    "/": (".finished img", ".finished > a, .finished button", 8),
    "/p/2": (".stage img", ".stage button:not(:disabled)", 8),
    "/p/2/edit": (".easel canvas", ".easel canvas", 1),
}
"""Addresses, what is there once the page is whole, and what gets the focus over its first picture."""

SHEETS = """
const off = "{ outline-color: #0000 !important; box-shadow: none !important }";
const painted = `* { transition: none !important } img { filter: ${arguments[0]} !important }`;
const hidden = `:is(:focus-visible, :has(:focus-visible)), :focus-visible::after ${off}`;
document.adoptedStyleSheets = [painted, arguments[1] ? "" : hidden].map((text) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(text);
  return sheet;
});
"""
"""Gives every picture a colour, and where a ring is not to be seen, hides it and nothing else."""

FOCUS = """
arguments[0].scrollIntoView({ block: "center" });
arguments[0].focus({ preventScroll: true });
const framed = arguments[0].closest(".easel") ?? arguments[0];
const { x, y, width, height } = framed.getBoundingClientRect();
return [arguments[0].matches(":focus-visible"), x + scrollX, y + scrollY, width, height];
"""


def shot(tab, x, y, width, height):
    """Return the pixels of a place on the page, and around it."""
    clip = {"x": x - MARGIN, "y": y - MARGIN, "width": width + 2 * MARGIN, "height": height + 2 * MARGIN}
    image = tab.cdp("Page.captureScreenshot", format="png", clip={**clip, "scale": 1})["data"]
    return RasterImage.open(BytesIO(base64.b64decode(image))).convert("RGB")


def light(colour):
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(part * share for part, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one, other):
    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


def lines(size):
    """Yield the pixels from outside to inside, on four sides, away from round corners."""
    width, height = size
    depth = range(min(MARGIN + DEPTH, min(size) // 2))
    for share in (0.4, 0.5, 0.6):
        x, y = int(width * share), int(height * share)
        yield [(x, at) for at in depth]
        yield [(x, height - 1 - at) for at in depth]
        yield [(at, y) for at in depth]
        yield [(width - 1 - at, y) for at in depth]


def ring_contrast(shown, bare):
    """Return the least contrast of a ring on any line, to what it covers and to what is beside it."""
    return min(max(_on_line(shown, bare, line)) for line in lines(shown.size))


def _on_line(shown, bare, line):
    colours = [shown.getpixel(at) for at in line]
    for at, colour in enumerate(colours):
        beside = [colours[place] for place in (at - 2, at - 1, at + 1, at + 2) if 0 <= place < len(colours)]
        yield min(contrast(colour, bare.getpixel(line[at])), max(contrast(colour, one) for one in beside))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_ring_over_an_image_is_seen(tab, serve, theme):
    """Each of what can have the focus there, over light, dark and grey."""
    server = serve()
    with server.client() as api:
        for prompt in ("一", "二", "三"):
            make_image(api, prompt, width=512, height=768)
    tab.look(Look(theme=theme, reduces_motion=True))
    faint, counts = {}, {}
    for address, (ready, selector, count) in PAGES.items():
        tab.open(server.url + address)
        tab.until(lambda ready=ready: tab.driver.find_elements(By.CSS_SELECTOR, ready))
        tab.until(
            lambda: tab.driver.execute_script("return [...document.images].every((one) => one.complete)")
        )
        if address == "/p/2":  # larger than its stage, so that all buttons lie over it
            for _ in range(4):
                tab.driver.execute_script("document.querySelectorAll('.zoom button')[2].click()")
        elements = tab.driver.find_elements(By.CSS_SELECTOR, selector)[:count]
        counts[address] = len(elements)
        for shade, colours in FILTERS.items():
            for number, element in enumerate(elements):
                tab.driver.execute_script(SHEETS, colours, True)
                is_shown, *place = tab.driver.execute_script(FOCUS, element)
                shown = shot(tab, *place)
                tab.driver.execute_script(SHEETS, colours, False)
                ratio = ring_contrast(shown, shot(tab, *place))
                if not is_shown or ratio < LEAST:
                    faint[address, shade, number, element.get_attribute("class")] = round(ratio, 2)

    assert {} == faint
    assert {address: count for address, (_, _, count) in PAGES.items()} == counts
