"""The page of an image: its list, its neighbours, what it was made with, and what is made of it next."""

import base64

import httpx
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys

from tests.browser.tab import CHINESE, ENGLISH, PHONE, Look

_DRAFT = "return JSON.parse(sessionStorage.getItem('imagegen.draft'))"
_RELATED = "return [...document.querySelectorAll('.lineage a')].map((link) => link.getAttribute('href'))"
_SHEET = "return document.querySelector('.sheet')?.textContent ?? ''"
_PRESS = """
const all = [...document.querySelectorAll('button')];
const found = all.find((one) => one.textContent.trim() === arguments[0] && !one.disabled);
found?.click();
return Boolean(found);
"""
_CHOSEN = """
const select = document.querySelector('select[name=model]');
const option = select?.selectedOptions[0];
const operation = JSON.parse(sessionStorage.getItem('imagegen.draft')).operation;
const error = document.querySelector('.foot .error');
return option && [option.parentElement.label, option.text.trim(), operation, error?.textContent ?? ''];
"""
"""The provider, model and operation of the form, and what it says beside its button."""

_WHOLE = "return document.querySelector('.stage img')?.getAttribute('src')"


@pytest.fixture
def keys(chromium):
    """Return a function that presses keys one after the other."""
    return lambda *pressed: ActionChains(chromium).send_keys(*pressed).perform()


def _run(tab, script, *args):
    return tab.driver.execute_script(script, *args)


def _press(tab, name):
    _run(
        tab,
        "[...document.querySelectorAll('.sheet button, .toast button')]"
        ".find((one) => one.textContent.trim() === arguments[0] && !one.disabled).click()",
        name,
    )


def _show(tab, server, path):
    tab.open(server.url + path)
    tab.until(lambda: _run(tab, "return document.querySelector('.sheet table')"))


def _path(tab):
    return _run(tab, "return location.pathname + decodeURIComponent(location.search)")


def _task(server, operation, **body):
    """Return the finished task of an operation on images."""
    url = f"{server.url}/api/v1/images/{operation}"
    body = {"provider": "demo", **body}
    return httpx.post(url, json=body, headers={"Prefer": "wait=30"}, timeout=60).json()["data"]


def _generate(server, *, provider="demo", **params):
    body = {"provider": provider, "params": {"prompt": "雪山", "width": 320, "height": 256, **params}}
    task = httpx.post(
        f"{server.url}/api/v1/tasks/generate", json=body, headers={"Prefer": "wait=30"}, timeout=60
    ).json()["data"]
    return task["images"]


def test_once_more_asks_for_what_this_very_image_is(tab, serve):
    """The second of two has the seed after the one that was asked for; what was in the form comes back."""
    server = serve()
    _first, second = _generate(server, seed=77, num=2)
    large = _generate(server, seed="9007199254740993")[0]
    tab.open(server.url)
    tab.until(lambda: _run(tab, "return document.querySelector('main h1')"))
    _run(tab, "sessionStorage.setItem('imagegen.draft', JSON.stringify({ prompt: 'what was there' }))")

    _show(tab, server, f"/p/{second['id']}")
    assert "7778" in _run(tab, _SHEET)
    _press(tab, "再来一张")
    tab.until(lambda: _path(tab) == "/")
    again = _run(tab, _DRAFT)
    _run(
        tab,
        "[...document.querySelectorAll('.toast button')].find((one) => one.textContent === '撤销').click()",
    )
    tab.until(lambda: _run(tab, _DRAFT)["prompt"] == "what was there")
    _show(tab, server, f"/p/{large['id']}")
    _press(tab, "再来一张")
    tab.until(lambda: _path(tab) == "/")
    exact = _run(tab, _DRAFT)
    _show(tab, server, f"/p/{large['id']}")
    _press(tab, "变体")
    tab.until(lambda: _path(tab) == "/")
    other = _run(tab, _DRAFT)

    assert ("demo", "demo", "雪山", 1) == (
        again["provider"],
        again["model_id"],
        again["prompt"],
        again["num"],
    )
    assert {"width": 320, "height": 256, "seed": 78} == again["params"]
    assert {"width": 320, "height": 256, "seed": "9007199254740993"} == exact["params"]
    assert {"width": 320, "height": 256} == other["params"]


def test_what_starts_from_an_image_stays_with_its_provider_and_model(tab, serve):
    """Where that model cannot, or is gone, the nearest that can is chosen, and the form says so."""
    models = [
        {"id": "brush", "name": "Brush", "capabilities": ["generate", "reference", "edit"], "default": True},
        {"id": "lens", "name": "Lens", "capabilities": ["upscale"]},
    ]
    server = serve(providers={"a-first": {"kind": "demo"}})
    config = f"{server.url}/api/v1/providers/config"
    saved = {"provider_name": "studio", "kind": "demo", "display_name": "Studio", "models": models}
    httpx.post(config, json=saved).raise_for_status()
    image = _generate(server, provider="studio")[0]

    def chosen(press, path=f"/p/{image['id']}", *, says_so=False):
        tab.open(server.url + path)
        tab.until(lambda: _run(tab, _PRESS, press))
        tab.until(lambda: _path(tab) == "/")
        return shown(says_so=says_so)

    def shown(*, says_so):
        tab.until(lambda: (form := _run(tab, _CHOSEN)) and says_so == bool(form[3]))
        tab.until(lambda: all(e.has_ended for e in page_exchanges() if e.kind in ("Fetch", "Script")))
        return _run(tab, _CHOSEN)

    def page_exchanges():
        """Return the requests of the page that is shown; those of a page that was left may never end."""
        exchanges = tab.exchanges()
        return exchanges[max(at for at, e in enumerate(exchanges) if e.kind == "Document") :]

    edit = ("去创作页继续", f"/p/{image['id']}/edit")
    choices = [chosen("作参考"), chosen(*edit), chosen("放大", says_so=True)]
    tab.open("about:blank")  # the form there would ask what the provider that is gone costs
    httpx.patch(f"{config}/studio/toggle", json={"enabled": False}).raise_for_status()
    choices.append(chosen(*edit, says_so=True))
    tab.refresh()
    choices.append(shown(says_so=True))

    gone = "服务商 studio 现在不能用：已删除、已停用或没有密钥。已改选：演示 Demo 的 Demo"
    assert [
        ["Studio", "Brush（默认）", "reference", ""],
        ["Studio", "Brush（默认）", "edit", ""],
        ["Studio", "Lens", "upscale", "Brush 不支持“放大”，已改选：Studio 的 Lens"],
        ["演示 Demo", "Demo", "edit", gone],
        ["演示 Demo", "Demo", "edit", gone],
    ] == choices


def test_the_arrows_follow_the_list_and_back_closes(tab, serve_seeded, keys):
    """That of the address: a search. The page can be opened cold, and its deletion goes on to the next."""
    server = serve_seeded(images=21)
    tab.open(f"{server.url}/gallery?q=雪")
    tab.until(lambda: _run(tab, "return document.querySelector('figure')"))
    _run(tab, "document.querySelector('[data-id=\"16\"] a').click()")
    tab.until(lambda: _run(tab, "return document.querySelector('.sheet table')"))

    keys(Keys.ARROW_RIGHT)
    tab.until(lambda: _path(tab) == "/p/9?q=雪" and "雪山 9" in _run(tab, _SHEET))
    keys(Keys.ARROW_LEFT)
    tab.until(lambda: _path(tab) == "/p/16?q=雪" and "雪山 16" in _run(tab, _SHEET))
    tab.driver.back()
    tab.until(lambda: _path(tab) == "/gallery?q=雪" and _run(tab, "return document.querySelector('figure')"))

    _show(tab, server, "/p/9?q=雪")
    tab.until(lambda: _run(tab, _WHOLE) == "/api/v1/images/9/content")
    keys(Keys.DELETE)
    tab.until(lambda: _path(tab) == "/p/2?q=雪" and "雪山 2" in _run(tab, _SHEET))
    _run(tab, "document.querySelector('.toast button').click()")
    tab.until(lambda: _path(tab) == "/p/9?q=雪" and "雪山 9" in _run(tab, _SHEET))
    keys(Keys.ESCAPE)
    tab.until(lambda: _path(tab) == "/gallery?q=雪")

    tab.allow("404")
    tab.open(f"{server.url}/p/99")
    tab.until(lambda: "没有这张图片" in _run(tab, "return document.querySelector('main').textContent"))


def test_tags_and_collections_are_kept(tab, serve_seeded, keys):
    """On the server, for everybody."""
    server = serve_seeded(images=2)
    _show(tab, server, "/p/1")

    box = tab.driver.find_element("css selector", ".tag-editor input")
    tab.allow("ERR_INTERNET_DISCONNECTED")
    tab.connect(online=False)
    box.send_keys("夜景", Keys.ENTER)
    tab.until(lambda: _run(tab, "return document.querySelector('.tag-editor .error')?.textContent"))
    tab.connect()
    box.send_keys(Keys.ENTER)
    tab.until(lambda: _image(server, 1)["tags"] == ["夜景"])
    _press(tab, "加入收藏夹")
    tab.until(lambda: _run(tab, "return document.querySelector('dialog[open] input')"))
    tab.driver.find_element("css selector", "dialog form input").send_keys("壁纸", Keys.ENTER)
    tab.until(lambda: _image(server, 1)["collections"])
    tab.driver.back()
    tab.until(lambda: not _run(tab, "return document.querySelector('dialog[open]')"))
    _run(tab, "document.activeElement.blur()")
    keys("s")
    tab.until(lambda: _image(server, 1)["favourite"])
    tab.until(lambda: "壁纸" in _run(tab, _SHEET))
    tab.driver.find_element("css selector", "[aria-label='移出收藏夹 壁纸']").click()
    tab.until(lambda: not _image(server, 1)["collections"])
    assert "加入收藏夹" == _run(tab, "return document.activeElement.textContent")
    tab.driver.find_element("css selector", ".tag-editor .chip button").click()
    tab.until(lambda: _image(server, 1)["tags"] == [])

    assert "/p/1" == _path(tab)


def test_a_wheel_over_the_image_scrolls_back_before_it_zooms(tab, serve, keys):
    """Then the arrows move it. An image of a long prompt is named by its beginning."""
    server = serve()
    image = _generate(server, prompt="很长的提示词" * 400)[0]
    _show(tab, server, f"/p/{image['id']}")
    tab.until(lambda: _run(tab, _WHOLE) == image["image_url"])
    scale = "return document.querySelector('.stage img').style.transform"
    fitted = _run(tab, scale)
    _run(tab, "scrollTo(0, 100)")
    stage = ScrollOrigin.from_element(tab.driver.find_element("css selector", ".stage"))

    ActionChains(tab.driver).scroll_from_origin(stage, 0, -400).perform()
    tab.until(lambda: _run(tab, "return scrollY") == 0)
    assert fitted == _run(tab, scale)
    ActionChains(tab.driver).scroll_from_origin(stage, 0, -100).perform()
    tab.until(lambda: _run(tab, scale) != fitted)
    keys("+", "+", "+")
    moved = [_run(tab, scale)]
    for key in (Keys.ARROW_LEFT, Keys.ARROW_DOWN, Keys.ARROW_RIGHT):
        keys(key)
        tab.until(lambda: _run(tab, scale) not in moved)
        moved.append(_run(tab, scale))

    assert 200 > len(_run(tab, "return document.querySelector('.stage img').alt"))


def test_it_is_shown_between_what_it_was_made_from_and_what_was_made_from_it(tab, serve):
    """Also an image that was uploaded for it; once more takes all of them along."""
    server = serve()
    parent = _generate(server)[0]
    content = base64.b64encode(httpx.get(server.url + parent["image_url"]).content).decode("ascii")
    references = [f"image:{parent['id']}", f"data:image/png;base64,{content}"]
    image = _task(server, "generate-with-references", prompt="像这张", reference_images=references)["images"][
        0
    ]
    child = _task(server, "upscale", image=f"image:{image['id']}")["images"][0]

    _show(tab, server, f"/p/{image['id']}")
    tab.until(lambda: len(_run(tab, _RELATED)) == 3)
    related = _run(tab, _RELATED)
    _press(tab, "再来一张")
    tab.until(lambda: _path(tab) == "/")

    assert related[0] == f"/p/{parent['id']}"
    assert related[1].endswith("/inputs/1/content")
    assert related[2] == f"/p/{child['id']}"
    assert [("reference", parent["id"]), ("reference", None)] == [
        (one["role"], one.get("image_id")) for one in _run(tab, _DRAFT)["images"]
    ]


@pytest.mark.parametrize(
    "look",
    [Look(language=CHINESE, theme="dark"), Look(language=ENGLISH, size=PHONE, has_touch=True)],
    ids=str,
)
def test_everybody_can_use_it(tab, serve, axe_violations, look):
    """Also a phone, without anything beside its screen."""
    tab.look(look)
    server = serve()
    image = _generate(server, seed=7)[0]
    _show(tab, server, f"/p/{image['id']}")
    tab.until(lambda: _run(tab, _WHOLE) == image["image_url"])

    assert [] == axe_violations()
    assert 0 >= _run(
        tab, "const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth - clientWidth"
    )


def _image(server, number):
    return httpx.get(f"{server.url}/api/v1/images/{number}").json()["data"]
