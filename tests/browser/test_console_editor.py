"""The editor: what is painted is made again where it is, as large as the image, and nothing of it is lost."""

import copy
import io
from contextlib import closing
from itertools import pairwise

import httpx
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.browser.form import TOKEN, unsure
from tests.browser.tab import ENGLISH, PHONE, Look
from tests.fakes.own_upstream import DOCUMENT
from tests.integration.api.asking import WAIT, data

WIDTH, HEIGHT = 640, 360
BEARER = {"Authorization": f"Bearer {TOKEN}"}
"""For a server with a token; others do not mind."""

_MASK = """
const done = arguments[arguments.length - 1];
const masks = JSON.parse(localStorage.getItem("imagegen.masks") ?? "[]");
const [, steps] = masks.find(([id]) => id === 1) ?? [1, []];
import("/console/parts/mask.js").then(async ({ maskFile, NARROW }) => {
  const file = await maskFile({ width: 640, height: 360 }, NARROW, steps);
  done(file && Array.from(new Uint8Array(await file.arrayBuffer())));
});
"""
_KEYS = """
const [keys, done] = arguments;
const press = async (key) => {
  for (const kind of ["keydown", "keyup"]) {
    const event = new KeyboardEvent(kind, { key, shiftKey: true, bubbles: true, cancelable: true });
    document.querySelector("canvas").dispatchEvent(event);
    for (let turn = 0; turn < 5; turn++) await null; // what waits for no frame is done
  }
};
(async () => {
  for (const key of keys) await press(key);
  done();
})();
"""


@pytest.fixture
def server(serve):
    """A server with one image, 640 by 360."""
    server = serve()
    make(server)
    return server


def make(server):
    body = {"provider": "demo", "params": {"prompt": "雪山", "width": WIDTH, "height": HEIGHT}}
    with server.client(**BEARER) as api:
        api.post("/api/v1/tasks/generate", json=body, headers=WAIT).raise_for_status()


def canvas(tab):
    return tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "canvas"))[0]


def one(tab, selector):
    return tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, selector))[0]


def paint(tab, *path):
    """Draw a line through points that are measured from the middle of the canvas, in pixels of the screen."""
    actions = ActionChains(tab.driver, duration=20)
    actions.move_to_element_with_offset(canvas(tab), *path[0]).click_and_hold()
    for (x, y), (next_x, next_y) in pairwise(path):
        actions.move_by_offset(next_x - x, next_y - y)
    actions.release().perform()


def mask(tab):
    """Return the mask as it would be sent; a black one where nothing is painted."""
    canvas(tab)  # is there, also after a reload
    data = tab.driver.execute_async_script(_MASK)
    return Image.new("L", (WIDTH, HEIGHT)) if data is None else Image.open(io.BytesIO(bytes(data)))


def press(tab, name):
    script = (
        "const found = [...document.querySelectorAll('button, a')].find((one) =>"
        " [one.textContent.trim(), one.ariaLabel].includes(arguments[0]) && !one.disabled);"
        "found?.click(); return Boolean(found)"
    )
    tab.until(lambda: tab.driver.execute_script(script, name))


def colours(image):
    return {colour for _, colour in image.convert("L").getcolors()}


def edits(server):
    """Return the tasks that are edits, the newest first."""
    with server.client(**BEARER) as api:
        items = data(api.get("/api/v1/tasks"))["items"]
    return [task for task in items if task["operation"] == "edit"]


def inputs_of(server, edit):
    """Return the inputs of a task by role: the id of an image, or the picture that came along."""
    stored = {
        i["role"]: i["image_id"] or httpx.get(f"{server.url}{i['url']}").content for i in edit["inputs"]
    }
    return {r: i if isinstance(i, int) else Image.open(io.BytesIO(i)) for r, i in stored.items()}


def test_a_mask_is_black_and_white_and_as_large_as_its_image(tab, server):
    """White where it was painted, and nothing between; grey only at the edge of a soft brush."""
    tab.open(f"{server.url}/p/1/edit")
    paint(tab, (-60, 0), (0, 10), (60, 0))
    painted = mask(tab)
    press(tab, "反选")
    inverted = mask(tab)
    press(tab, "清空")
    one(tab, ".tools label:nth-of-type(2) input").send_keys(Keys.END)
    paint(tab, (-60, 0), (60, 0))
    soft = mask(tab)

    assert (WIDTH, HEIGHT) == painted.size
    assert {0, 255} == colours(painted)
    assert (255, 0) == (painted.getpixel((320, 188)), painted.getpixel((10, 10)))
    assert (0, 255) == (inverted.getpixel((320, 188)), inverted.getpixel((10, 10)))
    assert len(colours(soft)) > 50


_CURSOR_IS_SEEN = """
const [one, room] = [".cursor", ".easel"].map((each) => document.querySelector(each).getBoundingClientRect());
return room.left <= one.left && one.right <= room.right;
"""


def test_each_step_is_undone_also_after_a_reload(tab, server):
    """By button and by key; by keyboard alone one paints, too, and sees where, however large the image is."""
    tab.open(f"{server.url}/p/1/edit")
    press(tab, "矩形")
    paint(tab, (-100, -50), (100, 50))
    tab.refresh()
    tab.until(lambda: colours(mask(tab)) == {0, 255})
    press(tab, "撤销")
    tab.until(lambda: colours(mask(tab)) == {0})
    canvas(tab).send_keys(Keys.ARROW_RIGHT, Keys.SPACE)
    tab.until(lambda: colours(mask(tab)) == {0, 255})
    canvas(tab).send_keys(Keys.CONTROL + "z")
    tab.until(lambda: colours(mask(tab)) == {0})
    canvas(tab).send_keys("l")
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT):
        canvas(tab).send_keys(Keys.SHIFT, key, Keys.SHIFT, Keys.SPACE)
    canvas(tab).send_keys(Keys.ENTER)
    tab.until(lambda: colours(mask(tab)) == {0, 255})
    press(tab, "200%")
    canvas(tab).send_keys(Keys.SHIFT, *[Keys.ARROW_RIGHT] * 3, Keys.SHIFT)
    assert tab.driver.execute_script(_CURSOR_IS_SEEN)


def test_keys_that_come_faster_than_the_screen_is_drawn_all_count(tab, server):
    """A lasso of three corners, and taking it back, without a frame of the screen between two keys."""
    tab.open(f"{server.url}/p/1/edit")
    canvas(tab).send_keys(Keys.ARROW_RIGHT)
    lasso = ["l", "ArrowRight", " ", "ArrowDown", " ", "ArrowLeft", " ", "Enter"]
    tab.driver.execute_async_script(_KEYS, lasso)
    tab.until(lambda: colours(mask(tab)) == {0, 255})
    tab.driver.execute_async_script(_KEYS, [*lasso, "z", "z"])
    assert {0} == colours(mask(tab))


def test_a_part_is_changed_in_six_presses(tab, server, axe_violations):
    """From the gallery, by mouse; original and result then lie over each other, also after a reload."""
    presses = 0

    def click(element):
        nonlocal presses
        presses += 1
        ActionChains(tab.driver, duration=20).move_to_element(element).click().perform()

    tab.look(Look(size=(1440, 900)))
    tab.open(f"{server.url}/gallery")
    click(one(tab, ".card a"))
    click(one(tab, "a[href='/p/1/edit']"))
    paint(tab, (-60, 0), (60, 0))
    click(one(tab, "textarea"))
    ActionChains(tab.driver).send_keys("加一座小屋").perform()
    click(one(tab, ".go"))
    slider = one(tab, ".versus input")
    slider.send_keys(Keys.HOME, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    spoken = slider.get_attribute("aria-valuetext")
    violations = axe_violations()
    tab.refresh()
    one(tab, ".versus input")
    (edit,) = edits(server)
    inputs = inputs_of(server, edit)
    press(tab, "回到原图")
    tab.until(lambda: colours(mask(tab)) == {0, 255})
    press(tab, "生成" + one(tab, ".go kbd").text)
    one(tab, ".versus input")
    press(tab, "继续改结果")
    tab.until(lambda: tab.driver.current_url.endswith("/p/3/edit"))
    press(tab, "回到上一张")
    tab.until(lambda: tab.driver.current_url.endswith("/p/1/edit"))
    one(tab, ".versus input")

    assert 5 > presses  # beside the stroke itself
    assert "原图占 2%" == spoken
    assert [] == violations
    assert ("加一座小屋", {"image", "mask"}, 1) == (edit["prompt"], set(inputs), inputs["image"])
    assert ((WIDTH, HEIGHT), {0, 255}) == (inputs["mask"].size, colours(inputs["mask"]))
    assert 2 == len(edits(server))


def test_a_part_is_changed_by_touch(tab, server, axe_violations):
    """On a phone, from the feed; two fingers enlarge the image where they are, and a drag compares."""
    tab.look(Look(size=PHONE, has_touch=True, language=ENGLISH, theme="dark"))
    place = "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"

    def touch(kind, *points):
        tab.cdp(
            "Input.dispatchTouchEvent",
            type=kind,
            touchPoints=[{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)],
        )

    def tap(element):
        tab.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        at = tab.driver.execute_script("return arguments[0].getBoundingClientRect().toJSON()", element)
        touch("touchStart", (at["x"] + at["width"] / 2, at["y"] + at["height"] / 2))
        touch("touchEnd")

    tab.open(server.url)
    tap(one(tab, ".finished .more"))
    tap(one(tab, "dialog li:nth-child(3) button"))
    canvas(tab)
    before = tab.until(lambda: (r := tab.driver.execute_script(place, "canvas"))["width"] < PHONE[0] and r)
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    touch("touchStart", (x - 20, y))
    touch("touchStart", (x - 20, y), (x + 20, y))
    for distance in (30, 45, 60):
        touch("touchMove", (x - distance, y), (x + distance, y))
    touch("touchEnd")
    after = tab.until(
        lambda: (r := tab.driver.execute_script(place, "canvas"))["width"] > 2.9 * before["width"] and r
    )
    unpainted = colours(mask(tab))
    touch("touchStart", (x - 30, y))
    for distance in (-10, 10, 30):
        touch("touchMove", (x + distance, y))
    touch("touchEnd")
    painted = tab.until(lambda: colours(mask(tab)) == {0, 255} and mask(tab))
    box = one(tab, "textarea")
    # A browser takes no tap for a press that follows a drag at once.
    tab.until(lambda: tap(box) or tab.driver.switch_to.active_element == box)
    ActionChains(tab.driver).send_keys("a hut").perform()
    tap(one(tab, ".go"))
    slider = one(tab, ".versus input")
    tab.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
    at = tab.driver.execute_script(place, ".versus")
    across, down = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    touch("touchStart", (across, down))
    for share in (0.4, 0.3, 0.2):
        touch("touchMove", (at["x"] + share * at["width"], down))
    touch("touchEnd")
    tab.until(lambda: abs(int(slider.get_property("value")) - 20) < 3)

    assert 6 > abs(after["x"] + after["width"] / 2 - x)
    assert {0} == unpainted
    assert 255 == painted.getpixel((320, 180))
    assert [] == axe_violations()
    assert {"image", "mask"} == set(inputs_of(server, edits(server)[0]))


def test_an_answer_that_was_lost_is_paid_once(console, tab):
    """Also after a login and a reload: words, mask and key are the same, so that it is the same task."""
    tab.allow("status of 401")
    server, form = console(server={"auth_token": TOKEN})
    form.log_in()
    make(server)
    tab.open(f"{server.url}/p/1/edit")
    paint(tab, (-60, 0), (60, 0))
    form.prompt().send_keys("加一座小屋")
    tab.driver.execute_script("sessionStorage.leave = 1")
    form.one(".go").click()
    form.log_in()
    canvas(tab)
    tab.driver.execute_script("sessionStorage.lose = 1")
    form.one(".go").click()
    form.one(".foot .error")
    tab.refresh()
    canvas(tab)
    words = form.prompt().get_property("value")
    tab.until(lambda: "不会重复付费" in form.one("aside").text)
    form.one(".go").click()
    form.one(".versus")
    (refused, first, second) = form.requests()

    assert "加一座小屋" == words
    assert refused[2] == first[2]
    assert first == second
    assert 1 == len(edits(server))


def test_what_fails_leaves_mask_and_words(tab, serve):
    """A provider's failure is spoken with what it may have cost; what a model cannot do is not offered."""
    with unsure() as settings:
        plain = copy.deepcopy(DOCUMENT)
        del plain["operations"]["make"]["request"]["body"]["template"]["mask"]
        own = settings["providers"]["own"]
        settings["providers"]["plain"] = {
            **own,
            "extra_config": {"spec": {**plain, "id": "plain", "name": "Plain"}},
        }
        server = serve(**settings)
        make(server)
        tab.open(f"{server.url}/p/1/edit")
        paint(tab, (-60, 0), (60, 0))
        one(tab, "textarea").send_keys("加一座小屋")
        press(tab, "扩图")
        press(tab, "1:1")
        choose(tab, "Plain")
        tab.until(lambda: "不能扩图" in one(tab, ".foot .error").text)
        press(tab, "不扩")
        tab.until(lambda: "当作参考" in one(tab, "aside").text)
        gone = "扩图" not in one(tab, ".tools").text
        choose(tab, "A provider")
        one(tab, ".go").click()
        failure = tab.until(lambda: "可能已计费" in (text := one(tab, ".failure").text) and text)
        press(tab, "知道了")
        canvas(tab)

    assert gone
    assert failure
    assert {0, 255} == colours(mask(tab))
    assert "加一座小屋" == one(tab, "textarea").get_property("value")


def test_a_canvas_is_widened(tab, server):
    """What is sent is as large as the canvas, with the image at its place; white is what lies beside it."""
    tab.open(f"{server.url}/p/1/edit")
    press(tab, "扩图")
    press(tab, "1:1")
    one(tab, ".sides input").send_keys(Keys.CONTROL + "a" + Keys.NULL, "64", Keys.TAB)
    one(tab, "textarea").send_keys("更大的天空", Keys.CONTROL + Keys.ENTER)
    one(tab, ".versus")
    inputs = inputs_of(server, edits(server)[0])
    whole, original = inputs["image"], httpx.get(f"{server.url}/api/v1/images/1/content").content
    inside = whole.crop((64, 140, 64 + WIDTH, 140 + HEIGHT)).convert("RGB")

    assert (WIDTH + 64, WIDTH) == whole.size == inputs["mask"].size
    assert inside.tobytes() == Image.open(io.BytesIO(original)).convert("RGB").tobytes()
    assert inputs["mask"].getbbox() == (0, 0, WIDTH + 64, WIDTH)
    assert {0} == colours(inputs["mask"].crop((64, 140, 64 + WIDTH, 140 + HEIGHT)))


def test_an_image_that_moves_is_not_edited(tab, server):
    """Its page says so."""
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        (key,) = database.execute("SELECT blob_key FROM images").fetchone()
    (path,) = (server.data_dir / "images").rglob(key.rpartition("/")[2])
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as database, database:
        values = [path.stat().st_size]
        database.execute("UPDATE images SET mime_type = 'image/gif', size_bytes = ?", values)
    server.end()
    server.start()
    tab.origins.add(server.url)
    tab.open(f"{server.url}/p/1/edit")

    assert "动图" in tab.until(lambda: one(tab, ".page p").text)


def test_the_form_of_create_goes_on_with_it(tab, server):
    """With image, mask and words."""
    tab.open(f"{server.url}/p/1/edit")
    paint(tab, (-40, 0), (40, 0))
    one(tab, "textarea").send_keys("改成夜晚")
    press(tab, "去创作页继续")
    script = "return JSON.parse(localStorage.getItem('imagegen.draft'))"
    draft = tab.until(lambda: (d := tab.driver.execute_script(script)) and d["images"] and d)
    tab.until(lambda: len(tab.driver.find_elements(By.CSS_SELECTOR, ".inputs li img")) == 2)

    assert ("edit", "改成夜晚") == (draft["operation"], draft["prompt"])
    assert ["image", "mask"] == [each["role"] for each in draft["images"]]


def choose(tab, name):
    """Pick the first model of the provider whose name begins so."""
    script = """
    const select = document.querySelector("select[name=model]");
    const all = [...select.querySelectorAll("optgroup")];
    const group = all.find(({ label }) => label.startsWith(arguments[0]));
    select.value = group.querySelector("option").value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    """
    tab.driver.execute_script(script, name)
