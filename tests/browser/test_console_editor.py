"""The page of a mask: what is painted is sent, as large as the image, and can be undone."""

import io
from itertools import pairwise

import httpx
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.tab import PHONE, Look

WIDTH, HEIGHT = 640, 360
_MASK = """
const done = arguments[arguments.length - 1];
import("/console/parts/mask.js").then(async ({ maskFile }) => {
  const bytes = new Uint8Array(await (await maskFile(document.querySelector("canvas"))).arrayBuffer());
  done(Array.from(bytes));
});
"""


@pytest.fixture
def server(serve):
    """A server with one image, 640 by 360."""
    server = serve()
    body = {"params": {"prompt": "雪山", "width": WIDTH, "height": HEIGHT}}
    httpx.post(
        f"{server.url}/api/v1/tasks/generate", json=body, headers={"Prefer": "wait=30"}
    ).raise_for_status()
    return server


def canvas(tab):
    return tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "canvas"))[0]


def paint(tab, *path):
    """Draw a line through points that are measured from the middle of the canvas, in pixels of the screen."""
    actions = ActionChains(tab.driver, duration=20)
    actions.move_to_element_with_offset(canvas(tab), *path[0]).click_and_hold()
    for (x, y), (next_x, next_y) in pairwise(path):
        actions.move_by_offset(next_x - x, next_y - y)
    actions.release().perform()


def mask(tab):
    canvas(tab)  # is there, also after a reload
    return Image.open(io.BytesIO(bytes(tab.driver.execute_async_script(_MASK))))


def press(tab, name):
    script = (
        "const found = [...document.querySelectorAll('button')].find((one) =>"
        " [one.textContent.trim(), one.ariaLabel].includes(arguments[0]) && !one.disabled);"
        "found?.click(); return Boolean(found)"
    )
    tab.until(lambda: tab.driver.execute_script(script, name))


def colours(image):
    return {colour for _, colour in image.convert("L").getcolors()}


def test_a_mask_is_black_and_white_and_as_large_as_its_image(tab, server):
    """White where it was painted, and nothing between."""
    tab.open(f"{server.url}/p/1/edit")
    paint(tab, (-60, 0), (0, 10), (60, 0))
    painted = mask(tab)
    press(tab, "反选")
    inverted = mask(tab)

    assert (WIDTH, HEIGHT) == painted.size
    assert {0, 255} == colours(painted)
    assert (255, 0) == (painted.convert("L").getpixel((320, 188)), painted.convert("L").getpixel((10, 10)))
    assert (0, 255) == (inverted.convert("L").getpixel((320, 188)), inverted.convert("L").getpixel((10, 10)))


def test_each_step_is_undone_also_after_a_reload(tab, server):
    """By button and by key; by keyboard alone one paints, too."""
    tab.open(f"{server.url}/p/1/edit")
    press(tab, "矩形")
    paint(tab, (-100, -50), (100, 50))
    tab.driver.refresh()
    tab.until(lambda: colours(mask(tab)) == {0, 255})
    press(tab, "撤销")
    tab.until(lambda: colours(mask(tab)) == {0})
    canvas(tab).send_keys(Keys.ARROW_RIGHT, Keys.SPACE)
    tab.until(lambda: colours(mask(tab)) == {0, 255})
    canvas(tab).send_keys(Keys.CONTROL + "z")
    tab.until(lambda: colours(mask(tab)) == {0})
    press(tab, "用这个蒙版")

    assert "还没有涂任何地方" == tab.until(
        lambda: tab.driver.find_element(By.CSS_SELECTOR, "footer .error").text
    )


def test_image_and_mask_are_sent_as_an_edit(tab, server):
    """From the form that the mask leads to, one of each."""
    tab.open(f"{server.url}/p/1/edit")
    paint(tab, (-40, 0), (40, 0))
    press(tab, "用这个蒙版")
    box = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "textarea"))[0]
    box.send_keys("加一座小屋", Keys.CONTROL + Keys.ENTER)
    tab.until(lambda: httpx.get(f"{server.url}/api/v1/images").json()["data"]["total"] == 2)
    (edit, _) = httpx.get(f"{server.url}/api/v1/tasks").json()["data"]["items"]
    inputs = {one["role"]: one for one in edit["inputs"]}
    stored = Image.open(io.BytesIO(httpx.get(f"{server.url}{inputs['mask']['url']}").content))

    assert ("edit", "加一座小屋", {"image", "mask"}) == (edit["operation"], edit["prompt"], set(inputs))
    assert 1 == inputs["image"]["image_id"]
    assert ((WIDTH, HEIGHT), {0, 255}) == (stored.size, colours(stored))


def test_an_image_is_edited_by_words_alone(tab, server):
    """What was painted is not sent, also where the form has it already."""
    tab.open(f"{server.url}/p/1/edit")
    paint(tab, (-40, 0), (40, 0))
    press(tab, "用这个蒙版")
    tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "textarea"))
    tab.driver.back()
    canvas(tab)
    press(tab, "不用蒙版，直接编辑")
    box = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "textarea"))[0]
    box.send_keys("改成夜晚", Keys.CONTROL + Keys.ENTER)
    tab.until(lambda: httpx.get(f"{server.url}/api/v1/images").json()["data"]["total"] == 2)
    (edit, _) = httpx.get(f"{server.url}/api/v1/tasks").json()["data"]["items"]

    assert ["image"] == [one["role"] for one in edit["inputs"]]


def test_two_fingers_make_the_image_larger(tab, server):
    """On a phone that has the whole page on its screen; nothing is painted by them."""
    tab.look(Look(size=PHONE, has_touch=True))
    tab.open(f"{server.url}/p/1/edit")
    canvas(tab)
    box = "return document.querySelector('canvas').getBoundingClientRect().toJSON()"
    before = tab.until(lambda: (one := tab.driver.execute_script(box))["width"] < PHONE[0] and one)
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2

    def touch(kind, *distances):
        fingers = [{"x": x + distance, "y": y, "id": n} for n, distance in enumerate(distances)]
        tab.cdp("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)

    touch("touchStart", -20)
    touch("touchStart", -20, 20)
    for distance in (30, 45, 60):
        touch("touchMove", -distance, distance)
    touch("touchEnd")
    after = tab.until(
        lambda: (one := tab.driver.execute_script(box))["width"] > 2.9 * before["width"] and one
    )
    foot = tab.driver.execute_script(
        "return document.querySelector('.editor footer').getBoundingClientRect().bottom"
    )

    assert 6 > abs(after["x"] + after["width"] / 2 - x)
    assert PHONE[1] - 58 > foot
    assert {0} == colours(mask(tab))
