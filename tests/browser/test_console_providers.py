"""The page of providers: each that is known is saved, tried and switched off, and no key is left behind."""

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.browser.tab import Look
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.openai_images import FakeOpenAI

KEY = "sk-a-key-that-nobody-must-see-0042"
CONFIG = "/api/v1/providers/config"
NOWHERE = "http://127.0.0.1:9"  # nothing listens there, so that nothing leaves this machine


@pytest.fixture
def server(serve):
    return serve(security={"allow_private_upstreams": ["127.0.0.1:9"]})


_PASTE = """
const clipboardData = new DataTransfer();
clipboardData.setData("text/plain", arguments[0]);
const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
document.activeElement.dispatchEvent(paste);
"""


@pytest.fixture
def press(tab):
    """Return a function that presses the first button of this name, once it is there."""

    def press(name, within="body"):
        script = (
            "const all = document.querySelectorAll(`${arguments[1]} button`);"
            "const found = [...all].find((one) => one.textContent.trim() === arguments[0] && !one.disabled);"
            "found?.click(); return Boolean(found)"
        )
        tab.until(lambda: tab.driver.execute_script(script, name, within))

    return press


def field(tab, label):
    """Return the control with this label in the drawer."""
    script = (
        "return [...document.querySelectorAll('dialog[open] label')]"  # before, nothing can be typed into it
        ".find((label) => label.textContent.trim() === arguments[0])?.control"
    )
    return tab.until(lambda: tab.driver.execute_script(script, label))


def text(tab, selector):
    return tab.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


def test_each_preset_is_saved_tested_and_disabled(tab, server, press):
    """With its own name for people; what was not tried is not said to work, and nothing keeps the key."""
    outcomes = set()
    presets = httpx.get(f"{server.url}/api/v1/providers").json()["data"]["presets"]
    tab.open(f"{server.url}/providers")
    tab.until(lambda: text(tab, ".provider"))  # the page follows the history by then
    for preset in presets:
        tab.driver.execute_script(
            "history.pushState({ depth: 1 }, '', arguments[0]); dispatchEvent(new PopStateEvent('popstate'))",
            f"/providers/{preset['name']}",
        )
        tab.until(lambda name=preset["display_name"]: name in text(tab, "dialog h2"))
        tab.paste(field(tab, "API 密钥"), KEY)
        tab.paste(field(tab, "接口地址"), NOWHERE)
        press("保存并测试", "dialog")
        outcomes.add(tab.until(lambda: text(tab, "dialog .test .mark") or text(tab, "dialog .error")))
        press("停用", "dialog")
        tab.until(lambda: "启用" in text(tab, "dialog footer"))
    saved = {
        c["provider_name"]: c
        for c in httpx.get(f"{server.url}{CONFIG}?page_size=100").json()["data"]["items"]
    }
    stored = tab.driver.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}])")

    assert {preset["name"]: (preset["display_name"], False) for preset in presets} == {
        name: (config["display_name"], config["enabled"]) for name, config in saved.items() if name != "demo"
    }
    assert KEY not in stored + tab.driver.page_source + str(saved)
    assert {"失败", "未能验证"} <= outcomes
    assert "成功" not in outcomes


def test_a_provider_becomes_the_default_after_its_test(tab, server, press):
    """From its drawer and from the list, not after a failed one; the form begins with the default."""
    tab.open(f"{server.url}/providers/openai")
    tab.paste(field(tab, "API 密钥"), KEY)
    tab.paste(field(tab, "接口地址"), NOWHERE)
    press("保存并测试", "dialog")
    tab.until(lambda: text(tab, "dialog .test .mark") == "失败")
    offered = tab.driver.find_elements(By.CLASS_NAME, "make-default")
    tab.open(f"{server.url}/providers/ark")
    tab.paste(field(tab, "API 密钥"), KEY)
    tab.paste(field(tab, "接口地址"), NOWHERE)
    press("保存并测试", "dialog")
    button = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "dialog .make-default"))[0]
    button.send_keys(Keys.ENTER)
    tab.until(lambda: text(tab, "dialog .make-default:focus") == "已是默认")
    marked = text(tab, ".provider:has(.mark.ok) h3 a")
    tab.open(server.url)
    chosen = "return document.querySelector('select[name=model]')?.selectedOptions[0].parentElement.label"
    form = tab.until(lambda: tab.driver.execute_script(chosen))
    saved = httpx.get(f"{server.url}/api/v1/providers").json()["data"]["default_provider"]
    tab.open(f"{server.url}/providers")
    press("测试", ".provider:has(a[href='/providers/demo'])")
    press("设为默认", ".provider:has(a[href='/providers/demo'])")
    tab.until(lambda: "演示" in text(tab, ".provider:has(.mark.ok) h3"))

    assert ([], "ark") == (offered, saved)
    assert marked == form


def test_who_has_a_key_has_an_image_in_six_clicks(tab, serve):
    """A key is pasted anywhere on the page, with a blank and the end of a line, then tested, and used."""
    tab.look(Look(size=(1440, 900)))
    clicks = []

    def click(selector, name=""):
        def named():
            return [e for e in tab.driver.find_elements(By.CSS_SELECTOR, selector) if name in e.text]

        element = tab.until(lambda: next(iter(named()), None))
        tab.until(element.is_displayed)
        tab.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()
        clicks.append(name)

    with in_thread(HttpServer(FakeOpenAI())) as upstream:
        server = serve(security={"allow_private_upstreams": [upstream.url.removeprefix("http://")]})
        tab.open(server.url)
        click(".results .tile", "全部服务商")
        tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, ".pasted input"))
        tab.driver.execute_script(_PASTE, f" {FakeOpenAI.key}\n")
        offered = tab.until(lambda: text(tab, ".pasted .acts"))
        click(".pasted button", "接入 OpenAI")
        tab.paste(field(tab, "接口地址"), upstream.url + FakeOpenAI.base)
        click("dialog button", "保存并测试")
        click("dialog .use", "用它创作")
        click(".examples button", "一只可爱的猫")
        click(".go", "生成")
        tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, ".results .frame img"))
        (task,) = httpx.get(f"{server.url}/api/v1/tasks").json()["data"]["items"]

    assert len(clicks) <= 6
    assert "DashScope" in offered
    assert ("openai", "completed", "一只可爱的猫，水彩") == (task["provider"], task["status"], task["prompt"])


def test_the_least_that_an_image_costs_is_told(tab, server):
    """Of a provider that of a model that costs something, of a model whatever makes it cheapest."""
    tab.open(f"{server.url}/providers/siliconflow")
    models = tab.until(lambda: text(tab, "dialog .models"))
    tiles = tab.driver.find_elements(By.CSS_SELECTOR, ".presets .tile")
    prices = {
        tile.text.splitlines()[-2] for tile in tiles if "DashScope" in tile.text or "SiliconFlow" in tile.text
    }
    tab.open(f"{server.url}/providers/dashscope")
    others = tab.until(lambda: text(tab, "dialog .models"))

    assert {"¥0.10 / 张 起", "¥0.30 / 张 起"} == prices
    assert "免费" in models
    assert "¥0.10 / 张 起" in others


SHARED = ["DashScope", "SiliconFlow", "TokenHub", "OpenAI", "Stability"]


@pytest.mark.parametrize(
    ("key", "offered"),
    [
        ("sk-0123456789abcdef0123456789abcdef", SHARED),
        ("sk-proj-0123456789", ["OpenAI"]),
        ("sk-or-v1-0123456789", ["OpenRouter"]),
        ("sk-api-0123456789", ["MiniMax"]),
        ("sk-ant-api03-0123456789", []),
        ("AIzaSy0123456789", ["Gemini"]),
        ("ms-01234567-89ab-cdef-0123-456789abcdef", ["ModelScope"]),
        ("01234567-89ab-cdef-0123-456789abcdef", ["Ark", "Black Forest Labs"]),
        ("01234567-89ab-cdef-0123-456789abcdef:0123456789abcdef0123456789abcdef", ["fal"]),
        ("eyJhbGciOiJIUzI1NiJ9.e30.0123456789", []),
        ("a key that nobody knows", []),
    ],
)
def test_a_key_that_several_providers_share_is_for_none_of_them(tab, server, key, offered):
    """Enter chooses none of several, and what is offered is all whose keys begin so."""
    tab.open(f"{server.url}/providers")
    control = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, ".pasted input"))[0]
    control.send_keys(key)
    tab.until(lambda: text(tab, ".pasted [role=status]"))
    names = [button.text for button in tab.driver.find_elements(By.CSS_SELECTOR, ".pasted .acts button")]
    if len(names) != 1:
        control.send_keys(Keys.ENTER)

    assert len(offered) <= len(names)
    assert all(any(one in name for name in names) for one in offered)
    assert bool(offered) == bool(names)
    assert tab.driver.current_url == f"{server.url}/providers"


def test_a_pasted_key_is_sent_nowhere_before_it_is_saved(tab, serve, press):
    """Neither to this service nor to a provider: by no paste, no Enter and no choice."""
    with in_thread(HttpServer(FakeOpenAI())) as upstream:
        server = serve(security={"allow_private_upstreams": [upstream.url.removeprefix("http://")]})
        tab.open(f"{server.url}/providers")
        control = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, ".pasted input"))[0]
        with tab.recording() as before:
            control.send_keys(FakeOpenAI.key, Keys.ENTER)
            press("接入 OpenAI", ".pasted")
            shown = field(tab, "API 密钥").get_property("value")
            tab.paste(field(tab, "接口地址"), upstream.url + FakeOpenAI.base)
        unasked = len(upstream.requests)
        with tab.recording() as after:
            press("保存并测试", "dialog")
            tab.until(lambda: text(tab, "dialog .test .mark") == "成功")

    assert FakeOpenAI.key == shown
    assert {"GET"} >= {exchange.method for exchange in before}
    assert not any(FakeOpenAI.key in exchange.url for exchange in before)
    assert unasked == 0
    assert "POST" in {exchange.method for exchange in after}


def test_what_is_wrong_stands_beside_its_field(tab, server, press):
    """And what was typed stays."""
    tab.allow("400 (Bad Request)")
    tab.open(f"{server.url}/providers/openai-compatible")
    tab.paste(field(tab, "API 密钥"), KEY)
    field(tab, "接口地址").send_keys("not an address")
    press("保存", "dialog")
    problem = tab.until(
        lambda: field(tab, "接口地址").find_element(By.XPATH, "..").find_elements(By.CLASS_NAME, "error")
    )

    assert problem[0].text
    assert KEY == field(tab, "API 密钥").get_property("value")


def test_a_saved_key_is_kept_unless_another_is_typed(tab, server, press):
    """Neither the form nor an answer shows it."""
    body = {"provider_name": "openai", "api_key": KEY, "api_base": NOWHERE}
    httpx.post(f"{server.url}{CONFIG}", json=body).raise_for_status()
    tab.open(f"{server.url}/providers/openai")
    field(tab, "显示名").clear()
    field(tab, "显示名").send_keys("<b>我的</b>")
    press("保存", "dialog")
    tab.until(lambda: "<b>我的</b>" in text(tab, "dialog h2"))
    config = httpx.get(f"{server.url}{CONFIG}/openai").json()["data"]

    assert ("<b>我的</b>", "sk-****0042") == (config["display_name"], config["api_key"])


def test_closing_the_drawer_goes_back_to_the_list(tab, server):
    """By the browser's Back and by Escape alike."""
    tab.open(f"{server.url}/providers")
    for leave in ("history.back()", "document.querySelector('dialog header button').click()"):
        tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "a[href='/providers/ark']"))[0].click()
        tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "dialog[open]"))
        tab.driver.execute_script(leave)
        tab.until(lambda: not tab.driver.find_elements(By.CSS_SELECTOR, "dialog[open]"))

        assert tab.driver.current_url == f"{server.url}/providers"


def test_what_was_typed_is_there_until_it_is_saved_or_discarded(tab, server, press):
    """Whatever closes the drawer; a test of what is saved changes nothing, and the key is in no storage."""
    body = {"provider_name": "openai", "api_key": KEY, "api_base": NOWHERE}
    httpx.post(f"{server.url}{CONFIG}", json=body).raise_for_status()
    tab.open(f"{server.url}/providers/openai")
    press("测试", "dialog")
    tab.until(lambda: text(tab, "dialog .test"))
    before = httpx.get(f"{server.url}{CONFIG}/openai").json()["data"]
    field(tab, "API 密钥").send_keys("sk-another-key-0007")
    field(tab, "显示名").clear()
    field(tab, "显示名").send_keys("我的")
    tab.until(lambda: "保存并测试" in text(tab, "dialog footer"))
    tab.driver.execute_script("document.querySelector('dialog header button').click()")
    tab.until(lambda: "有修改还没有保存" in text(tab, ".toasts"))
    tab.driver.find_element(By.CSS_SELECTOR, "a[href='/providers/openai']").click()
    assert "sk-another-key-0007" == field(tab, "API 密钥").get_property("value")
    stored = tab.driver.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}])")
    tab.refresh()
    assert ("", "我的") == tuple(field(tab, label).get_property("value") for label in ("API 密钥", "显示名"))
    press("放弃修改", "dialog")
    tab.until(lambda: field(tab, "显示名").get_property("value") == before["display_name"])

    assert before == httpx.get(f"{server.url}{CONFIG}/openai").json()["data"]
    assert "我的" in stored
    assert "0007" not in stored


def test_a_provider_that_could_do_nothing_is_not_saved_silently(tab, server, press):
    """It needs an address, and a model or a word about it; models that are known are there at once."""
    tab.open(f"{server.url}/providers/openai-compatible")
    press("保存", "dialog")
    tab.until(lambda: "请填写接口地址" in text(tab, "dialog .error"))
    assert 404 == httpx.get(f"{server.url}{CONFIG}/openai-compatible").status_code
    tab.paste(field(tab, "接口地址"), NOWHERE)
    press("保存", "dialog")
    tab.until(lambda: "还没有模型" in text(tab, "dialog .models .error"))
    tab.open(f"{server.url}/providers/gemini")
    tab.until(lambda: "留空就用官方地址" in text(tab, "dialog form"))
    tab.paste(field(tab, "API 密钥"), KEY)
    press("保存", "dialog")

    tab.until(
        lambda: tab.driver.find_elements(By.CSS_SELECTOR, "dialog .models li input[type=radio]:checked")
    )


def test_a_document_is_written_tried_and_saved(tab, server, press, axe_violations):
    """By keys alone; mistakes stand beside their lines, and nothing that was typed is lost on the way."""
    tab.allow("400 (Bad Request)")
    tab.open(f"{server.url}/providers/+")
    area = tab.until(lambda: tab.driver.find_element(By.CSS_SELECTOR, ".document textarea"))
    Select(tab.driver.find_element(By.CSS_SELECTOR, ".document select")).select_by_value("+")
    tab.until(lambda: "没有错误，1 个模型" in text(tab, ".document [role=status]"))
    area.send_keys(Keys.CONTROL, Keys.END)
    area.send_keys("extras: pas", Keys.ENTER, Keys.TAB, "# <b>", Keys.SHIFT, Keys.TAB)
    tab.until(lambda: "1 处错误" in text(tab, ".document [role=status]"))
    beside, listed = text(tab, ".notes p em"), text(tab, ".doc-problems li")
    broken = axe_violations()
    press("第 33 行第 1 列", ".doc-problems")
    selected = tab.driver.execute_script(
        "const one = document.activeElement; return one.value.slice(one.selectionStart, one.selectionEnd)"
    )
    tab.driver.switch_to.active_element.send_keys(f"extras: pass # {KEY}")
    tab.until(lambda: "好像有一个密钥" in text(tab, ".document .warning"))
    stored = tab.driver.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}])")
    area.send_keys(*[Keys.BACKSPACE] * len(f" # {KEY}"))
    tab.until(lambda: "没有错误" in text(tab, ".document [role=status]"))
    area.send_keys(Keys.ESCAPE, Keys.TAB)
    next_stop = tab.driver.switch_to.active_element.tag_name
    tab.refresh()
    typed = field(tab, "描述文档").get_property("value")
    tab.driver.find_element(By.CSS_SELECTOR, ".trial summary").click()
    field(tab, "粘贴服务商的一个响应").send_keys('{"drawings": [{"link": "https://x.example/<1>.png"}]}')
    field(tab, "参数（JSON）").send_keys('{"seed": 7}')
    tab.until(lambda: "没有错误" in text(tab, ".document [role=status]"))
    press("看看会怎样", ".trial")
    tab.until(lambda: "1 个请求，都没有发送" in text(tab, ".trial [role=status]"))
    shown, sample = text(tab, ".trial .shown"), text(tab, ".trial .sample")
    tried = axe_violations()
    field(tab, "名称").send_keys("ink")
    tab.paste(field(tab, "接口地址"), NOWHERE)
    tab.paste(field(tab, "API 密钥"), KEY)
    press("保存并测试", "dialog")
    tab.until(lambda: "未能验证" in text(tab, "dialog .test .mark"))
    saved = httpx.get(f"{server.url}{CONFIG}/ink").json()["data"]

    assert "须为以下之一：pass、refuse" == beside
    assert "extras" in listed
    assert "extras: pas" == selected
    assert typed.endswith("extras: pass\n# <b>")
    assert "summary" == next_stop
    assert "POST https://api.inkwell.example/v1/draw\n" in shown
    assert "authorization: Bearer ****" in shown
    assert '"seed": 7' in shown
    assert "https://x.example/<1>.png" in sample
    assert ([], []) == (broken, tried)
    assert KEY not in stored
    assert (typed, "http", ["ink-1"]) == (
        saved["extra_config"]["spec"],
        saved["kind"],
        [model["id"] for model in saved["models"]],
    )


def test_a_document_that_another_window_saved_is_not_replaced_unasked(tab, server, press):
    """Nor is a shipped one that was copied lost: it comes back by undo."""
    copied = {"provider_name": "ink", "extra_config": {"spec": "schema: 1"}, "api_base": NOWHERE}
    text_of = httpx.post(f"{server.url}/api/v1/providers/dry-run", json={"extra_config": {"preset": "xai"}})
    spec = text_of.json()["data"]["document"]
    copied["extra_config"]["spec"] = spec
    httpx.post(f"{server.url}{CONFIG}", json=copied).raise_for_status()
    tab.open(f"{server.url}/providers/ink")
    area = tab.until(lambda: field(tab, "描述文档"))
    Select(tab.driver.find_element(By.CSS_SELECTOR, ".document select")).select_by_value("siliconflow")
    press("替换", "dialog.dialog")
    tab.until(lambda: "id: siliconflow" in area.get_property("value"))
    area.send_keys(Keys.CONTROL, "z")
    tab.until(lambda: area.get_property("value") == spec)
    area.send_keys(Keys.CONTROL, Keys.END)
    area.send_keys("# mine")
    other = f"{spec}# theirs"
    copied["extra_config"]["spec"] = other
    httpx.post(f"{server.url}{CONFIG}", json=copied).raise_for_status()
    press("保存", "dialog.drawer")
    press("取消", "dialog.dialog")
    after_cancel = httpx.get(f"{server.url}{CONFIG}/ink").json()["data"]["extra_config"]["spec"]
    press("保存", "dialog.drawer")
    press("替换", "dialog.dialog")
    tab.until(lambda: "已保存" in text(tab, ".toasts"))
    saved = httpx.get(f"{server.url}{CONFIG}/ink").json()["data"]["extra_config"]["spec"]

    assert (other, f"{spec}# mine") == (after_cancel, saved)
