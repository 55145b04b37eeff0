"""Styles, values of names in the prompt, and several models: one press that makes many images."""

import pytest
from selenium.webdriver.common.by import By

from tests.browser.form import priced, tasks
from tests.browser.tab import PHONE, Look
from tests.integration.api.asking import data

BATCHES, STYLES = "/api/v1/batches", "/api/v1/styles"
KEPT = """localStorage.setItem('imagegen.templates', '["一只{动物}", "JSON: {\\\\"a\\\\": 1}"]')"""
SIDES = """
const models = [...document.querySelectorAll('.batch-group .model')];
return models.map((one) => one.getBoundingClientRect().x);
"""
WIDE = """
const all = [document.documentElement, ...document.querySelectorAll('dialog[open], dialog[open] .body')];
const fits = all.every((one) => one.scrollWidth <= one.clientWidth);
return fits && document.querySelector('dialog[open] li').clientHeight;
"""


@pytest.fixture
def studio():
    """Settings with three models, two of one provider, each for a price."""
    providers = {"studio": priced(0.12, "brush", "pencil"), "other": priced(0.05, "oil")}
    return {"providers": providers, "default_provider": "studio"}


def batches(server):
    with server.client() as api:
        return data(api.get(BATCHES))["items"]


def style_named(form, name):
    return form.tab.until(
        lambda: next((one for one in form.all(".styles .style") if one.text.startswith(name)), None)
    )


def status(form):
    return next((one.text for one in form.all(".estimate")), "")


def test_models_stand_side_by_side(console, tab, studio, axe_violations):
    """One batch of three models; what each lacks is told, and the comparison says what each cost."""
    server, form = console(**studio)
    style = {
        "id": "soft",
        "name": {"zh": "柔和"},
        "prompt": {"zh": "{prompt}，柔光"},
        "params": {"guidance": 3},
    }
    with server.client() as api:
        data(api.post(STYLES, json={"styles": [style]}))
    form.prompt().send_keys("陶瓷杯")
    form.button("风格").click()
    style_named(form, "柔和").click()
    form.press(form.button("多个模型"))
    for model in ("Pencil", "Oil"):
        boxes = tab.until(lambda: form.all(".several label"))
        next(box for box in boxes if box.text == model).click()
    violations = axe_violations()
    form.button("完成").click()
    tab.until(lambda: "3 张" in status(form) and "¥0.29" in status(form))
    lacks = [one.text for one in form.all(".lacks")]
    form.go()
    tab.until(lambda: len(form.all(".batch-group .frame a")) == 3)
    sides = tab.driver.execute_script(SIDES)
    names = [one.text for one in form.all(".batch-group h3")]
    violations += axe_violations()
    tab.look(Look(size=PHONE, has_touch=True, theme="dark"))
    below = tab.driver.execute_script(SIDES)
    form.press(form.button("对比"))
    tab.until(lambda: sorted(c.text.count("¥") for c in form.all(".comparison figcaption")) == [1, 1, 1])

    assert (3, 3, 1) == (len(lacks), len(set(sides)), len(set(below)))
    assert all("guidance" in one for one in lacks)
    assert ["studio · Brush", "studio · Pencil", "other · Oil"] == names
    assert [] == violations
    assert [("0.29", 3)] == [(batch["estimate"]["amount"], batch["tasks"]) for batch in batches(server)]
    assert ["陶瓷杯，柔光"] * 3 == [task["prompt"] for task in tasks(server)]


def test_a_hostile_style_and_a_name_without_values(console, tab):
    """HTML is text; nothing is sent while a name lacks values; what the browser had kept comes along."""
    server, form = console()
    evil = "<img src=x onerror=document.title='evil'>"
    style = {"id": "evil", "name": {"zh": evil}, "prompt": {"zh": f"{{prompt}}{evil}"}}
    with server.client() as api:
        data(api.post(STYLES, json={"styles": [style]}))
    tab.driver.execute_script(KEPT)
    form.prompt().send_keys('{颜色}的杯子 {{x}} {"a": 1}')
    form.button("风格").click()
    chosen = style_named(form, evil)
    tab.driver.execute_script("arguments[0].scrollIntoView()", chosen)
    names = [one.text for one in form.all(".styles .style b")]
    tab.look(Look(size=(360, 225)))  # 1440 × 900 at 400 %
    fits = tab.driver.execute_script(WIDE)
    tab.look(Look())
    chosen.click()
    form.one("textarea[name=values]")
    form.go()
    tab.until(lambda: "请填写 颜色 的值" in form.text(".values .error"))
    focused = tab.until(lambda: tab.driver.switch_to.active_element.get_attribute("name"))
    form.press(form.button("原样发送"))
    tab.until(lambda: not form.all("textarea[name=values]"))
    form.go()
    tab.until(lambda: form.all(".frame a"))
    prompts = [task["prompt"] for task in tasks(server)]

    assert ["白底主图", "场景图", "国潮", "海报留白", "细节特写"] == names[:5]
    assert {"一只{动物}", 'JSON: {"a": 1}', evil} == set(names[5:])
    assert fits >= 44
    assert ("values", [f'{{颜色}}的杯子 {{{{x}}}} {{"a": 1}}{evil}']) == (focused, prompts)
    assert "evil" != tab.driver.title
    assert [] == batches(server)
    assert not form.driver.find_elements(By.CSS_SELECTOR, "#main img[src=x]")


def requests_by_batch(server):
    """Return what the tasks of each batch ask for, both in the order in which they came."""
    batches_of_tasks = {}
    for task in reversed(tasks(server)):
        request = (task["provider"], task["model_id"], task["prompt"], task["params"])
        batches_of_tasks.setdefault(task["batch_id"], []).append(request)
    return list(batches_of_tasks.values())


def test_a_batch_is_made_once_more_as_a_whole(console, tab, studio, axe_violations):
    """By one press with its price, after a reload too; a seed does not come along."""
    server, form = console(**studio)
    form.prompt().send_keys("{颜色}陶瓷杯")
    form.one("textarea[name=values]").send_keys("红，墨绿")
    form.go()
    tab.until(lambda: len(form.all(".batch-group .frame a")) == 2)
    form.button("再来一次 ¥0.24").click()
    tab.until(lambda: len(form.all(".batch-group .frame a")) == 4)
    targets = [{"provider": "studio", "model_id": "pencil"}, {"provider": "other", "model_id": "oil"}]
    body = {
        "template": "{a}灯塔",
        "variables": {"a": ["红", "白"]},
        "targets": targets,
        "params": {"seed": 7},
    }
    with server.client() as api:
        data(api.post(BATCHES, json={**body, "name": "API", "concurrency": 1}))
    tab.until(lambda: batches(server)[0]["status"] == "completed")
    tab.open(server.url)
    tab.until(lambda: len(form.all(".batch-group .frame a")) == 8)
    violations = axe_violations()
    form.button("再来一次 ¥0.34").click()
    tab.until(lambda: len(form.all(".batch-group .frame a")) == 12)
    tab.until(lambda: len(batches(server)) == 4 and not batches(server)[0]["counts"]["pending"])

    first, second, third, fourth = requests_by_batch(server)
    assert first == second
    assert [7] * 4 == [params.pop("seed") for *_, params in third]
    assert third == fourth
    assert {("API", 1, "0.34")} == {
        (one["name"], one["concurrency"], one["estimate"]["amount"]) for one in batches(server)[:2]
    }
    assert [] == violations


def test_a_batch_once_more_asks_the_same_next(console, tab, studio):
    """Of a batch that this page has not asked for, the service knows it."""
    server, form = console(**studio)
    fallback = [{"provider": "other", "model_id": "oil"}]
    with server.client() as api:
        data(api.post(BATCHES, json={"prompts": ["红杯", "绿杯"], "fallback": fallback}))
    tab.open(server.url)
    tab.until(lambda: len(form.all(".batch-group .frame a")) == 2)
    form.button("再来一次 ¥0.24").click()
    tab.until(lambda: len(form.all(".batch-group .frame a")) == 4)

    assert [fallback] * 4 == [task["fallback"] for task in tasks(server)]


def test_a_sum_in_two_currencies_is_one_amount(console, tab, studio):
    """Told in one way on every page; what it was to cost gives way to what it has."""
    studio["providers"]["other"]["extra_config"]["prices"]["oil"]["currency"] = "USD"
    server, form = console(**studio)
    targets = [{"provider": "other", "model_id": "oil"}, {"provider": "studio", "model_id": "brush"}]
    with server.client() as api:
        data(api.post(BATCHES, json={"prompts": ["红杯"], "targets": targets}))
    tab.until(lambda: batches(server)[0]["status"] == "completed")
    tab.open(server.url)
    form.button("再来一次 ¥0.12 + $0.05")
    facts = form.text(".batch-group .facts")
    tab.open(f"{server.url}/batches")
    summary = form.text(".batch .facts")

    assert "约 ¥0.12 + 约 $0.05" in facts
    assert "约 ¥0.12 + 约 $0.05" in summary
    assert "预计" not in summary


def test_what_is_tried_again_stays_in_its_batch(console, tab):
    """In its place among the others, after a reload too."""
    server, form = console()
    form.prompt().send_keys("{颜色}陶瓷杯")
    form.one("textarea[name=values]").send_keys("红，墨绿")
    form.open_advanced()
    form.pick("fail", "结果未知")
    form.go()
    tab.until(lambda: len(form.all(".batch-group .failure")) == 2)
    labels = [one.text for one in form.all(".batch-group .label")]
    tab.driver.execute_script("arguments[0].click()", form.button("重试"))
    tab.until(lambda: ["failed"] * 3 == [task["status"] for task in tasks(server)])
    tab.until(lambda: len(form.all(".batch-group .failure")) == 2)
    shown = [(len(form.all(".group")), [one.text for one in form.all(".batch-group .label")])]
    tab.open(server.url)
    tab.until(lambda: len(form.all(".batch-group .failure")) == 2)

    assert [(1, labels)] == shown
    assert 1 == len(form.all(".group"))
