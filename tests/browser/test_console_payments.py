"""What is asked for once is paid once, whatever becomes of answers, pages and the browser's storage."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.form import tasks, unsure
from tests.integration.api.asking import GENERATE, WAIT, data, make_image

LOSE = """
const send = window.fetch;
window.fetch = async (path, options = {}) => {
  const answer = await send(path, options);
  if (options.method === 'POST' && options.headers['Idempotency-Key'] && sessionStorage.lose) {
    delete sessionStorage.lose;
    throw new TypeError('the connection was lost');
  }
  if (!sessionStorage.blind || !/[/]tasks[?]/.test(path)) return answer;
  const told = await answer.json();
  told.data.items = told.data.items.filter(({ retry_of }) => !retry_of);
  return new Response(JSON.stringify(told), answer);
};
"""
"""``lose`` in the tab's storage loses the next answer about a task; ``blind`` hides retries from lists."""

FILL = """
for (const storage of [localStorage, sessionStorage]) {
  for (let size = 2 ** 20, n = 0; size >= 1; size /= 2) {
    try {
      for (;;) storage.setItem(`${n++}`, "x".repeat(size));
    } catch {}
  }
}
"""
FORGET = "localStorage.clear()"
"""What another browser does not know, either."""

PAINT = """
const done = arguments[arguments.length - 1];
const points = Array.from({ length: arguments[1] }, (_, n) => [n, n]);
import("/console/lib/masks.js").then(({ keepMask }) => {
  for (let id = 1; id <= arguments[0]; id += 1) keepMask(id, [{ kind: "brush", size: 9, points }]);
  done(JSON.parse(localStorage["imagegen.masks"]).map(([id]) => id));
});
"""
RETRY = "重试（可能再次计费）"


@pytest.fixture
def lossy(tab):
    """Return a function that has the next answer about a task be lost."""
    script = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=LOSE)["identifier"]
    yield lambda: tab.driver.execute_script("sessionStorage.lose = 1")
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


def shown(tab, selector):
    return tab.driver.find_elements(By.CSS_SELECTOR, selector)


def text(tab, selector):
    return tab.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


def press(tab, name, within="body"):
    """Press the first button of this name, once it is there."""
    script = (
        "const found = [...document.querySelectorAll(`${arguments[1]} button`)]"
        ".find((one) => one.textContent.trim() === arguments[0] && !one.disabled);"
        "found?.click(); return Boolean(found)"
    )
    tab.until(lambda: tab.driver.execute_script(script, name, within))


def names(tab, selector):
    return [button.text for button in shown(tab, f"{selector} button")]


def fail(server):
    """Return the id of a task that may have been charged."""
    with server.client() as api:
        return data(api.post(GENERATE, json={"params": {"prompt": "雪山"}}, headers=WAIT))["task_id"]


@pytest.fixture
def unsure_settings():
    with unsure() as settings:
        yield settings


def test_a_retry_is_one_task_also_after_a_lost_answer_and_a_reload(tab, serve, lossy, unsure_settings):
    """The failure says so, with a link to the new task and no button; in another browser, too."""
    server = serve(**unsure_settings)
    failed = fail(server)
    card = f".task[data-id='{failed}']"
    tab.open(f"{server.url}/tasks?status=failed")
    tab.until(lambda: shown(tab, card))
    tab.driver.execute_script("sessionStorage.blind = 1")
    lossy()
    press(tab, RETRY, card)
    tab.until(lambda: "再按一次还是同一个任务，不会重复付费" in text(tab, ".toasts"))
    tab.driver.execute_script(FORGET)
    tab.refresh()
    tab.until(lambda: shown(tab, card))
    press(tab, RETRY, card)
    tab.until(lambda: shown(tab, f"{card} .again a"))
    sentence, buttons, (repeat, _) = text(tab, f"{card} .again"), names(tab, card), tasks(server)
    tab.driver.execute_script(FORGET)
    tab.driver.execute_script("sessionStorage.clear()")
    tab.open(f"{server.url}/tasks")
    link = tab.until(lambda: shown(tab, f"{card} .again a"))[0].get_dom_attribute("href")

    assert 2 == len(tasks(server))
    assert "已重试" in sentence
    assert failed == repeat["retry_of"]
    assert RETRY not in buttons + names(tab, card)
    assert f"/tasks/{repeat['task_id']}" == link


def test_an_image_is_generated_again_once_for_each_press(tab, serve, lossy):
    """One press with a lost answer and a reload after it is one; the next one is another."""
    server = serve()
    with server.client() as api:
        done = make_image(api, "雪山")["task_id"]
    card = f".task[data-id='{done}']"
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: shown(tab, card))
    tab.driver.execute_script("sessionStorage.blind = 1")
    lossy()
    press(tab, "重新生成", card)
    tab.until(lambda: "不会重复付费" in text(tab, ".toasts"))
    tab.refresh()
    tab.until(lambda: shown(tab, card))
    press(tab, "重新生成", card)
    tab.until(lambda: shown(tab, f"{card} .again a"))
    once = len(tasks(server))
    press(tab, "重新生成", card)
    tab.until(lambda: 3 == len(tasks(server)))

    assert 2 == once


def test_the_same_draft_is_the_same_request_until_its_answer_has_come(console):
    """Also after a letter was typed and taken back; what differs is another request."""
    server, form = console()
    form.prompt().send_keys("雪山")
    form.driver.execute_script("sessionStorage.lose = 1")
    form.go()
    form.tab.until(lambda: "不会重复付费" in form.text(".foot .error"))
    form.prompt().send_keys("x")
    form.tab.until(lambda: not form.all(".foot .error"))
    form.go()
    form.decoded(2)
    form.prompt().send_keys(Keys.BACKSPACE)
    form.tab.until(lambda: "雪山" == form.prompt().get_property("value"))
    form.tab.refresh()
    form.prompt()
    form.go()
    form.tab.until(lambda: 3 == len(form.requests()))
    (first, other, last) = (key for _, key, _ in form.requests())

    assert first == last
    assert first != other
    assert ["雪山x", "雪山"] == [task["prompt"] for task in tasks(server)]


def test_nothing_is_sent_whose_key_cannot_be_kept_unless_somebody_agrees(tab, serve):
    """It says why; what was agreed to is sent once."""
    server = serve()
    tab.open(server.url)
    tab.until(lambda: shown(tab, "textarea"))[0].send_keys("雪山")
    tab.driver.execute_script(FILL)
    shown(tab, "button.go")[0].click()
    tab.until(lambda: "重复付费" in text(tab, "dialog"))
    press(tab, "取消", "dialog")
    refused = tab.until(lambda: text(tab, ".foot .error"))
    before = tasks(server)
    shown(tab, "button.go")[0].click()
    press(tab, "仍然发送", "dialog")
    tab.until(lambda: tasks(server))

    assert "没有发送" in refused
    assert [] == before
    assert 1 == len(tasks(server))


def test_masks_take_little_room_and_give_way(tab, serve):
    """Eight at most; what is used is gone, and a request finds room for its key."""
    server = serve()
    with server.client() as api:
        make_image(api, "雪山")
    tab.open(server.url)
    box = tab.until(lambda: shown(tab, "textarea"))[0]
    some = tab.driver.execute_async_script(PAINT, 12, 3)
    large = tab.driver.execute_async_script(PAINT, 12, 30_000)
    box.send_keys("大海")
    tab.driver.execute_script(FILL)
    shown(tab, "button.go")[0].click()
    tab.until(lambda: 2 == len(tasks(server)))

    assert list(range(5, 13)) == some
    assert [11, 12] == large[-2:]
    assert len(large) < 4
    assert [] == shown(tab, "dialog")
