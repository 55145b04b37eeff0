"""Somebody's hand at a page: the same steps by mouse, by finger or by keys alone, and how many presses."""

import time
from contextlib import contextmanager

import attrs
from selenium.common.exceptions import NoSuchElementException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.tab import Tab

MOUSE, FINGER, KEYS = "mouse", "finger", "keys"
DOUBLE_TAP_SECONDS = 0.8
"""Two taps that are nearer than Chromium's 0.7 are a double one, which is a single press to the console."""

MAX_STOPS = 200
"""Of the Tab key on a page."""

_FIND = """
const [selector, words] = arguments;
const room = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
const nameOf = (one) => (one.ariaLabel ?? one.labels?.[0]?.textContent ?? one.textContent).trim();
const fits = (one) => nameOf(one).startsWith(words) && one.checkVisibility({ visibilityProperty: true });
const takesPresses = ({ disabled, ariaDisabled }) => !disabled && ariaDisabled !== "true";
const one = [...room.querySelectorAll(selector)].find((each) => fits(each) && takesPresses(each));
if (!one) return null;
"""
"""Finds what can be pressed; behind a dialog nothing can."""

_PLACE = (
    _FIND
    + """
const { left, top, width, height } = one.getBoundingClientRect();
const [x, y] = [left + width / 2, top + height / 2];
if (one.contains(document.elementFromPoint(x, y))) return [x, y];
one.scrollIntoView({ block: "center", behavior: "instant" });
return null;
"""
)
"""Where its middle is, once nothing lies over it."""

_STOP = (
    _FIND
    + """
const { activeElement: now } = document;
if (now === one) return "there";
const grid = one.tabIndex < 0 ? one.closest(".grid") : null;
if (grid?.contains(now)) return "arrow";
if (now.matches(".document textarea")) return "out";
const goal = grid ? grid.querySelector("a[tabindex='0']") : one;
return now !== document.body && goal.compareDocumentPosition(now) & 4 ? "back" : "on";
"""
)
"""Which key brings the focus nearer."""

_KEPT = """
const has = !window.keysWereUsed || document.activeElement !== document.body;
window.keysWereUsed = true;
return has;
"""
"""Whether something has the focus; on a page that has just been loaded, nothing need have it."""

_IMAGE = "return document.activeElement.closest('figure')?.dataset.id"
"""The image of a gallery that has the focus."""

_NEW_YEAR = (
    _FIND
    + """
one.value = `${new Date().getFullYear()}-01-01`;
one.dispatchEvent(new Event("change", { bubbles: true }));
"""
)


@attrs.define
class Hand:
    """``by`` is one of `MOUSE`, `FINGER` and `KEYS`.

    A press of keys is a way to something by the Tab key or by arrows, with what is pressed there.
    """

    tab: Tab
    by: str
    presses: int = 0
    tapped: float = 0.0

    def run(self, script, *arguments):
        return self.tab.driver.execute_script(script, *arguments)

    def sees(self, selector, words=""):
        """Wait until something can be seen that begins so."""
        return self.tab.until(lambda: self.run(f"{_FIND} return one", selector, words))

    def reads(self, selector, words):
        """Wait until the first such element has these words in it."""
        text = "return document.querySelector(arguments[0])?.innerText ?? ''"
        self.tab.until(lambda: words in self.run(text, selector))

    def gone(self, selector):
        """Wait until there is none."""
        self.tab.until(lambda: not self.run("return document.querySelector(arguments[0])", selector))

    @contextmanager
    def at_most(self, presses):
        """Fail if the context takes more presses."""
        before = self.presses
        yield
        assert self.presses - before <= presses

    def press(self, selector, words=""):
        """Press the first that begins so, once it is there and nothing lies over it."""
        if self.by == KEYS:
            self.focus(selector, words)
            is_box = self.run("return document.activeElement.matches('[type=checkbox], [type=radio]')")
            self.keys(Keys.SPACE if is_box else Keys.ENTER)
        else:
            self._point(*self._place(selector, words))

    def focus(self, selector, words=""):
        """Let it have the focus: by a press, or by the Tab key, among the images of a gallery by arrows."""
        if self.by == KEYS:
            self.presses += 1
            self._walk(selector, words)
        else:
            self._point(*self._place(selector, words))
            has_focus = f"{_FIND} return one === document.activeElement"
            self.tab.until(lambda: self.run(has_focus, selector, words))

    def keys(self, *keys):
        """Press keys where the focus is; a modifier holds until it is named again."""
        ActionChains(self.tab.driver).send_keys(*keys).perform()

    def chord(self, modifier, key):
        ActionChains(self.tab.driver).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def type(self, selector, *text, words=""):
        """Write into a field, in the place of what is there; of each text, the first character by a key."""
        self.focus(selector, words)
        self.chord(Keys.CONTROL, "a")
        for first, *rest in text:
            self.keys(first)
            if rest:
                self.tab.cdp("Input.insertText", text="".join(rest))

    def choose_new_year(self, selector):
        """Choose the year's first day; for a mouse or a finger, the calendar is the browser's own."""
        self.focus(selector)
        if self.by == KEYS:
            self.keys(Keys.ARROW_UP, Keys.TAB, Keys.ARROW_UP, Keys.TAB, Keys.ARROW_UP)
        else:
            self.run(_NEW_YEAR, selector, "")
            self.presses += 1

    def select(self, image_id):
        """Select an image of the gallery."""
        tile = f".grid figure[data-id='{image_id}']"
        if self.by == KEYS:
            self.focus(".grid a[tabindex='0']")
            self.keys(Keys.HOME)  # from there on, images are drawn as the focus comes to them
            first = "return document.activeElement === document.querySelector('.grid a')"
            self.tab.until(lambda: self.run(first))
            while self.run(_IMAGE) != str(image_id):
                self._step()
            self.keys("x")
        elif self.by == MOUSE:
            self._mouse("mouseMoved", *self._place(f"{tile} a"))
            self._point(*self._place(f"{tile} .select"))
        else:
            place = self._place(f"{tile} a")
            if self.run("return document.querySelector('.selection')"):
                self._point(*place)
            else:
                self._touch("touchStart", place)
                self.presses += 1
                self.tab.until(lambda: self.run("return document.querySelector('.selection')"))
                self._touch("touchEnd")
        self.sees(f"{tile}.selected")

    def act(self, image_id, name, key):
        """Do to an image of the feed what its buttons, its sheet and its keys do."""
        frame = f".frame[data-id='{image_id}']"
        if self.by == KEYS:
            self.focus(f"{frame} a")
            self.keys(key)
        elif self.by == MOUSE:
            self._mouse("mouseMoved", *self._place(f"{frame} a"))
            self.press(f"{frame} .over button", name)
        else:
            self.press(f"{frame} .more")
            self.press("dialog li button", name)

    def paint(self):
        """Draw a line over the middle of an image in the editor."""
        x, y = self._place("canvas")
        if self.by == KEYS:
            self.focus("canvas")
            self.keys(Keys.ARROW_RIGHT, Keys.SPACE)
            return
        path = [(x + step, y) for step in (-30, -10, 10, 30)]
        self.presses += 1
        if self.by == MOUSE:
            self._mouse("mouseMoved", *path[0])
            self._mouse("mousePressed", *path[0], button="left", buttons=1, clickCount=1)
            for place in path[1:]:
                self._mouse("mouseMoved", *place, button="left", buttons=1)
            self._mouse("mouseReleased", *path[-1], button="left", clickCount=1)
        else:
            began = time.time() - 1
            self._touch("touchStart", path[0], timestamp=began)
            for at, place in enumerate([*path[1:], path[-1]]):
                self._touch("touchMove", place, timestamp=began + at / 5)
            self._touch(
                "touchEnd", timestamp=began + 1
            )  # it has come to rest: after a fling a tap does nothing

    def _walk(self, selector, words):
        self.tab.until(lambda: self.run(_STOP, selector, words))
        self.tab.until(lambda: self.run(_KEPT))
        keys = {"on": [Keys.TAB], "back": [Keys.SHIFT, Keys.TAB, Keys.SHIFT], "arrow": [Keys.ARROW_RIGHT]}
        for _ in range(MAX_STOPS):
            step = self.tab.until(lambda: self.run(_STOP, selector, words))
            if step == "there":
                return
            self.keys(*keys.get(step, [Keys.ESCAPE, Keys.TAB]))
        raise NoSuchElementException(f"the Tab key does not get to {selector} {words}")

    def _step(self):
        before = self.run(_IMAGE)
        self.keys(Keys.ARROW_RIGHT)
        self.tab.until(lambda: self.run(_IMAGE) != before)

    def _place(self, selector, words=""):
        """Return where it is, once it does not move."""
        places = [None]

        def rests():
            places.append(self.run(_PLACE, selector, words))
            return places[-1] is not None and places[-1] == places[-2] and places[-1]

        return self.tab.until(rests)

    def _point(self, x, y):
        self.presses += 1
        if self.by == MOUSE:
            self._mouse("mouseMoved", x, y)
            self._mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
            self._mouse("mouseReleased", x, y, button="left", clickCount=1)
        else:
            time.sleep(max(0.0, self.tapped + DOUBLE_TAP_SECONDS - time.monotonic()))
            self._touch("touchStart", (x, y))
            self._touch("touchEnd")
            self.tapped = time.monotonic()

    def _mouse(self, kind, x, y, **more):
        self.tab.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def _touch(self, kind, *places, **more):
        points = [{"x": x, "y": y} for x, y in places]
        self.tab.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=points, **more)
