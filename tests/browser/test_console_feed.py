"""What was asked for stands beside the form in groups, from the press of the button on."""

import pytest

from tests.browser.form import tasks
from tests.browser.tab import ENGLISH, PHONE, Look
from tests.integration.api.asking import IMAGES, data, make_image

HOLD = """
const send = window.fetch;
const released = new Promise((resolve) => (window.release = resolve));
window.fetch = async (path, options = {}) => {
  if (options.method === 'POST' && /generate$/.test(path)) await released;
  return send(path, options);
};
"""
"""Has what is asked for wait on its way until ``release()``."""

FRAMES = """
window.first ??= document.querySelector('.frame');
const { width, height } = window.first.getBoundingClientRect();
const state = document.querySelector('.frame .state').innerText;
return [document.querySelectorAll('.frame').length, Math.round((width / height) * 100), state];
"""
FILLED = """
const images = [...document.querySelectorAll('.group:last-child .frame img')];
return images.filter((one) => one.naturalWidth).length === 3 && window.first.contains(images[0]);
"""
SAVE = "HTMLAnchorElement.prototype.click = function () { window.saved = this.getAttribute('href') }"
DRAFT = "return JSON.parse(sessionStorage.getItem('imagegen.draft'))"
STATE = "return document.querySelector('.frame .state')?.innerText ?? ''"


@pytest.fixture
def priced():
    """Settings whose default provider draws, for a price."""
    price = {"currency": "CNY", "rates": [{"amount": 0.12345}]}
    models = [{"id": "brush", "name": "Brush", "default": True}]
    studio = {"kind": "demo", "models": models, "extra_config": {"prices": {"brush": price}}}
    return {"providers": {"studio": studio}, "default_provider": "studio"}


def test_a_press_is_a_group_of_frames_at_once(console, tab, priced, axe_violations):
    """In the proportions asked for; they are filled in their places, and made once more by one press."""
    server, form = console(**priced)
    form.tab.paste(form.prompt(), "雪山，清晨，" * 40)
    form.choose("ratio", "9:16")
    for _ in range(2):
        form.press(form.button("增加"))
    tab.driver.execute_script(HOLD)
    form.go()
    form.one(".frame")
    before = tab.driver.execute_script(FRAMES)
    tab.driver.execute_script("release()")
    tab.until(lambda: tab.driver.execute_script(FILLED))
    form.button("再来一次 ¥0.37").click()
    tab.until(lambda: len(form.all(".group .frame a")) == 6)
    tab.until(
        lambda: all("Brush" in head.text and "¥0.37" in head.text for head in form.all(".group header"))
    )
    whole = form.one(".group .what").rect["height"]
    form.button("展开").click()
    tab.until(lambda: form.one(".group .what").rect["height"] > whole)
    violations = axe_violations()
    first, second = (task["params"] for task in tasks(server))

    assert [3, 56, "正在提交"] == before
    assert first == second
    assert [] == violations


def test_an_image_is_gone_on_from_where_it_stands(console, tab):
    """By keys; the form then asks the model that made it, and nothing is lost of what was typed."""
    server, form = console(
        providers={"studio": {"kind": "demo", "models": [{"id": "brush", "name": "Brush", "default": True}]}}
    )
    with server.client() as api:
        body = {"provider": "studio", "params": {"prompt": "雪山", "width": 64, "height": 64, "seed": 7}}
        api.post("/api/v1/tasks/generate", json=body, headers={"Prefer": "wait=30"}).raise_for_status()
        image = f"{IMAGES}/1"

        def press(key, done):
            form.one(".frame[data-id='1'] a").send_keys(key)
            return tab.until(done)

        press("f", lambda: data(api.get(image))["favourite"])
        vary = press("v", lambda: (draft := tab.driver.execute_script(DRAFT)) and draft["model_id"] and draft)
        form.prompt().send_keys("，夜里")
        press("r", lambda: tab.driver.execute_script(DRAFT)["images"])
        reference = tab.driver.execute_script(DRAFT)
        tab.driver.execute_script(SAVE)
        press("d", lambda: tab.driver.execute_script("return window.saved"))
        press("e", lambda: tab.driver.current_url.endswith("/p/1/edit"))

    assert ("studio", "brush", "雪山", {"width": 64, "height": 64}) == tuple(
        vary[name] for name in ("provider", "model_id", "prompt", "params")
    )
    assert ("reference", "studio", "brush", "雪山，夜里") == tuple(
        reference[name] for name in ("operation", "provider", "model_id", "prompt")
    )
    assert [("reference", 1)] == [(each["role"], each["image_id"]) for each in reference["images"]]


def test_a_finger_finds_the_same_in_a_sheet(console, tab, axe_violations):
    """Two images in a row on a phone, and what can be done behind one mark; above them, the prompt alone."""
    tab.look(Look(size=PHONE, has_touch=True, language=ENGLISH, theme="dark"))
    server, form = console()
    with server.client() as api:
        make_image(api, "a lighthouse", num=2)
        tab.until(lambda: len(form.all(".frame")) == 2)
        one, other = (each.rect for each in form.all(".frame"))
        form.press(form.one(".frame[data-id='2'] .more"))
        names = [each.text for each in tab.until(lambda: form.all("dialog[open] li button"))]
        violations = axe_violations()
        form.all("dialog[open] li button")[0].click()
        tab.until(lambda: data(api.get(f"{IMAGES}/2"))["favourite"])
    form.one("textarea[name=prompt]").send_keys("a second one")
    form.press(form.one(".go"))
    (unfold,) = tab.until(lambda: form.all(".unfold"))
    shown = [each.get_attribute("class") for each in form.all(".fields > *") if each.is_displayed()]
    form.press(unfold)
    tab.until(lambda: form.one(".shapes").is_displayed())

    assert ["field prompt", "bare unfold"] == shown
    assert (one["y"], one["width"]) == (other["y"], other["width"])
    assert ["Add to favourites", "Use as reference", "Edit", "Variation", "Download", "Delete"] == names
    assert [] == violations


def test_waiting_is_told_as_it_is(console, tab):
    """What a provider did not start, and when it is sent again; that a cancellation may come too late."""
    _, form = console()
    form.prompt().send_keys("雪山")
    form.open_advanced()
    form.pick("fail", "过于频繁")
    form.go()
    limited = tab.until(lambda: (text := tab.driver.execute_script(STATE)).startswith("限流") and text)
    form.button("取消").click()
    tab.until(lambda: not form.all(".frame"))

    assert "秒后再试（" in limited
    assert "/4）" in limited
