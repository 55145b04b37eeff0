"""The page of tasks: exact totals, failures that stay, a busy queue, and a service that goes away."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

TASKS = "/api/v1/tasks"
PROMPT = "一只<b>猫</b>，雨夜"
NAMES = """
return [...document.querySelectorAll('.failures .task')].map((card) => [
  document.getElementById(card.getAttribute('aria-labelledby')).textContent,
  [...card.querySelectorAll('[aria-label], [aria-describedby], [alt]')]
    .filter((one) => (one.ariaLabel + one.alt + one.getAttribute('aria-describedby')).includes('猫')).length,
]);
"""
"""What a card is called, and how often what is in it is called by its prompt again."""

FOCUSED = """
const { activeElement } = document;
const card = activeElement.closest('.task');
return card && [card.querySelector('.prompt').textContent, activeElement.textContent];
"""
REFUSE = """
const [send, wait] = [fetch, setTimeout];
window.refuses = true;
window.setTimeout = (act, pause, ...rest) => wait(act, pause > 5000 ? 2 ** 30 : pause, ...rest);
window.fetch = (path, options) =>
  window.refuses && /^[/]api[/]v1[/]tasks[?]/.test(path)
    ? Promise.resolve(new Response('{"code": 40000, "message": "no"}', { status: 400 }))
    : send(path, options);
document.querySelector('a[href="/tasks"]').click();
"""
"""Opens the page of tasks, which never looks by itself; its lists are refused until ``refuses`` is false."""

TEN_CANCELLATIONS_SECONDS = 11
"""What ten of them take, one each second, and the page before them. On a busy machine they take longer, and
a page goes on asking meanwhile, for the counts each three seconds and for its lists each six.
"""


def generate(server, **params):
    """Ask for an image and wait for its end."""
    body = {"params": {"prompt": PROMPT, **params}}
    return httpx.post(f"{server.url}{TASKS}/generate", json=body, headers={"Prefer": "wait=30"}).json()[
        "data"
    ]


def shown(tab, selector):
    return tab.driver.find_elements(By.CSS_SELECTOR, selector)


def text(tab, selector="main"):
    return tab.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector)


def press(tab, name):
    """Press the first button of this name, once it is there."""
    script = (
        "const found = [...document.querySelectorAll('button')]"
        ".find((one) => one.textContent.trim() === arguments[0] && !one.disabled);"
        "found?.click(); return Boolean(found)"
    )
    tab.until(lambda: tab.driver.execute_script(script, name))


def test_a_task_that_failed_while_nobody_looked_is_there(tab, serve):
    """With its reason, until it is dismissed; a reload brings it back as long as it is not."""
    server = serve()
    task = generate(server, fail="outcome_unknown")
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: shown(tab, ".failures .task"))
    before = text(tab, ".failures")
    tab.refresh()
    tab.until(lambda: shown(tab, ".failures .task"))
    press(tab, "知道了")
    tab.until(lambda: not shown(tab, ".failures"))
    tab.refresh()
    tab.until(lambda: shown(tab, ".task"))

    assert PROMPT in before
    assert "结果未知" in before
    assert "可能已计费" not in before, "the demo charges nothing"
    assert [] == shown(tab, ".failures")
    assert [task["task_id"]] == [one.get_attribute("data-id") for one in shown(tab, ".task")]


def test_tabs_know_what_was_dismissed_in_each_other(tab, serve):
    """None of them forgets what another one has taken note of."""
    server = serve()
    failed = [generate(server, refuse=True)["task_id"] for _ in range(3)]
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: 3 == len(shown(tab, ".failures .task")))
    first = tab.driver.current_window_handle
    tab.driver.switch_to.new_window("tab")
    try:
        tab.open(f"{server.url}/tasks")
        tab.until(lambda: shown(tab, ".failures .task"))
        press(tab, "知道了")
    finally:
        tab.driver.close()
        tab.driver.switch_to.window(first)
    tab.until(lambda: 2 == len(shown(tab, ".failures .task")))
    press(tab, "知道了")
    tab.until(lambda: 1 == len(shown(tab, ".failures .task")))
    tab.refresh()
    tab.until(lambda: shown(tab, ".failures .task"))

    assert [failed[0]] == [one.get_attribute("data-id") for one in shown(tab, ".failures .task")]


def test_failures_beyond_those_that_are_shown_move_up(tab, serve_seeded):
    """Their number is that of all of them, also after a reload."""
    server = serve_seeded(failed=45)
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: text(tab, "#failures").startswith("45 "))
    first = [one.get_attribute("data-id") for one in shown(tab, ".failures .task")]
    more = text(tab, ".failures > p")
    press(tab, "这 20 个知道了")
    tab.until(lambda: text(tab, "#failures").startswith("25 "))
    tab.refresh()
    tab.until(lambda: shown(tab, ".failures .task"))
    second = [one.get_attribute("data-id") for one in shown(tab, ".failures .task")]
    number = text(tab, "#failures")
    press(tab, "这 20 个知道了")
    tab.until(lambda: 5 == len(shown(tab, ".failures .task")))
    press(tab, "全部知道了")
    tab.until(lambda: not shown(tab, ".failures"))

    assert "还有 25 个" in more
    assert "25 个任务失败，还没有处理" == number
    assert 40 == len({*first, *second})


def test_who_waits_is_told_how_long_it_usually_takes(tab, serve_seeded):
    """Also where no task that is done is shown. What waits shows no progress, and is cancelled at once."""
    server = serve_seeded(images=3, pending=4, queue={"workers": 1})
    tab.open(f"{server.url}/tasks?status=processing")
    tab.until(lambda: "这个模型通常 3 秒" in text(tab, ".task.processing"))
    names = {one.text for one in shown(tab, "main button")}
    progress = shown(tab, ".task progress")
    tab.open(f"{server.url}/tasks?status=pending")
    tab.until(lambda: "第 1 位，已等" in text(tab, "main") and "通常 3 秒" in text(tab, "main"))
    bars = shown(tab, ".task progress")
    press(tab, "全部取消")
    press(tab, "返回")
    press(tab, "全部取消")
    press(tab, "取消全部排队")
    tab.until(lambda: "0" == text(tab, "[data-status=pending]"))

    assert {"取消"} == names
    assert (1, 0) == (len(progress), len(bars))


def test_keyboard_and_screen_reader_stay_at_their_task(tab, serve_seeded):
    """Each card is called by its prompt, once; the focus goes to the next one where a task goes away."""
    server = serve_seeded(failed=3, pending=1, prompts=("猫", "狗", "鸟"))
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: 3 == len(shown(tab, ".failures .task")))
    named = tab.driver.execute_script(NAMES)
    shown(tab, ".failures .task .acts button")[2].send_keys(Keys.ENTER)
    tab.until(lambda: 2 == len(shown(tab, ".failures .task")))
    dismissed = tab.until(lambda: tab.driver.execute_script(FOCUSED))
    shown(tab, ".failures .task .acts button")[0].send_keys(Keys.ENTER)
    tab.until(lambda: shown(tab, ".again a:focus"))
    retried = tab.driver.execute_script(FOCUSED)
    tab.until(lambda: "1" == text(tab, "[data-status=completed]"))
    tab.open(f"{server.url}/tasks?status=processing")
    tab.until(lambda: shown(tab, ".task.processing .acts button"))[0].send_keys(Keys.ENTER)
    tab.until(lambda: not shown(tab, ".task"))

    assert [["鸟 3", 0], ["狗 2", 0], ["猫 1", 0]] == named
    assert ["狗 2", "知道了"] == dismissed
    assert ["狗 2", "查看新任务"] == retried
    assert tab.until(lambda: tab.driver.execute_script("return document.activeElement.tagName")) == "H1"


def test_a_task_is_found_by_its_prompt_and_its_day(tab, serve_seeded, axe_violations):
    """All of it in the address, so Back leaves the search; what failed lies below what has not ended."""
    server = serve_seeded(images=12, failed=2, pending=2, hours_apart=24, prompts=("猫", "Ｄog", "鸟"))
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: 2 == len(shown(tab, ".failures .task")) and shown(tab, ".to-failures"))
    order = [one.get_attribute("class").split()[-1] for one in shown(tab, ".task")]
    press(tab, text(tab, ".to-failures"))
    focused = tab.driver.execute_script("return document.activeElement.id")
    shown(tab, ".task-filters input")[0].send_keys("DOG ")
    tab.until(lambda: "在 16 个任务里找到 6 个" in text(tab))
    prompts = {one.text for one in shown(tab, ".task .prompt")}
    barriers = axe_violations()
    day = (datetime.now(UTC) - timedelta(days=9, hours=12)).date()
    tab.open(f"{server.url}/tasks?q=dog&to={day}")
    tab.until(lambda: "找到 1 个" in text(tab))
    tab.open(f"{server.url}/tasks?from={day}&status=completed")
    tab.until(lambda: 9 <= len(shown(tab, ".task")) <= 10)
    tab.driver.back()
    tab.until(lambda: "找到 1 个" in text(tab))

    assert set(order[:2]) <= {"pending", "processing"}
    assert ["failed", "failed", "completed"] == order[2:5]
    assert "failures" == focused
    assert {"Ｄog"} == {one.split()[0] for one in prompts}
    assert [] == barriers


def test_a_list_that_somebody_asks_for_again_comes_at_once(tab, serve):
    """Not when the pause between two looks is over, which it never is here."""
    server = serve()
    generate(server)
    tab.open(f"{server.url}/settings")
    tab.until(lambda: shown(tab, ".connection.open"))
    tab.driver.execute_script(REFUSE)
    tab.until(lambda: shown(tab, "main .problem"))
    tab.driver.execute_script("window.refuses = false")
    press(tab, "再试一次")

    assert tab.until(lambda: shown(tab, ".task.completed"))


@pytest.mark.parametrize("page", ["/tasks", "/"], ids=["tasks", "create"])
def test_three_hundred_tasks_cost_a_dozen_requests(tab, serve_seeded, page):
    """Their totals are exact, only so many of them are on the page, and all are taken back at once."""
    server = serve_seeded(pending=300, queue={"size": 1000, "workers": 4})
    with tab.recording() as requests:
        tab.open(f"{server.url}{page}")
        tab.until(lambda: shown(tab, ".task, .group"))
        waiting = httpx.get(f"{server.url}{TASKS}?status=pending&page_size=100").json()["data"]["items"]
        for task in waiting[:10]:
            httpx.post(f"{server.url}{TASKS}/{task['task_id']}/cancel").raise_for_status()
            time.sleep(1)
    soon = [one for one in requests if one.sent_at <= requests[0].sent_at + TEN_CANCELLATIONS_SECONDS]
    to_api = [one for one in soon if one.path.startswith("/api/") and one.path != "/api/v1/events"]
    counts = httpx.get(f"{server.url}{TASKS}/counts").json()["data"]
    nodes = len(shown(tab, ".task, .group"))
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: str(counts["pending"]) == text(tab, "[data-status=pending]"))
    press(tab, "全部取消")
    press(tab, "取消全部排队")

    assert (290, 10) == (counts["pending"] + counts["processing"], counts["cancelled"])
    assert len(to_api) <= 12 + len({"providers"}), [one.url for one in to_api]
    assert nodes <= 200


def test_a_dead_service_is_told_and_its_return_too(tab, serve):
    """Without a click; what happened meanwhile is shown."""
    server = serve()
    generate(server)
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: shown(tab, ".connection.open") and shown(tab, ".task.completed"))
    tab.allow("ERR_")
    server.kill()
    tab.until(lambda: "断开" in text(tab, ".connection"))
    server.port = str(urlsplit(server.url).port)
    server.start()
    tab.until(lambda: shown(tab, ".connection.open"))
    generate(server, refuse=True)
    tab.until(lambda: shown(tab, ".failures .task"))

    assert "已连接" in text(tab, ".connection")


def test_one_task_has_an_address(tab, serve):
    """It loads cold; one that does not exist is said not to."""
    server = serve()
    task = generate(server)
    tab.open(f"{server.url}/tasks/{task['task_id']}")
    tab.until(lambda: shown(tab, ".task.completed"))
    source = shown(tab, ".task img")[0].get_attribute("src")
    tab.allow("404 (Not Found)")
    tab.open(f"{server.url}/tasks/01a21b28-0000-7000-8000-000000000000")

    assert source.endswith(f"/api/v1/images/{task['images'][0]['id']}/thumbnail")
    assert "没有这个任务" in tab.until(lambda: text(tab, "main .empty"))
