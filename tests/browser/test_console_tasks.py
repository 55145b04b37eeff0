"""The page of tasks: exact totals, failures that stay, a busy queue, and a service that goes away."""

import time
from urllib.parse import urlsplit

import httpx
import pytest
from selenium.webdriver.common.by import By

TASKS = "/api/v1/tasks"
PROMPT = "一只<b>猫</b>，雨夜"


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
    """With its reason and its charge, until it is dismissed; a reload brings it back as long as it is not."""
    server = serve()
    task = generate(server, fail="outcome_unknown")
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: shown(tab, ".failures .task"))
    before = text(tab, ".failures")
    tab.driver.refresh()
    tab.until(lambda: shown(tab, ".failures .task"))
    press(tab, "知道了")
    tab.until(lambda: not shown(tab, ".failures"))
    tab.driver.refresh()
    tab.until(lambda: shown(tab, ".task"))

    assert PROMPT in before
    assert "结果未知" in before
    assert "可能已计费" in before
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
    tab.driver.refresh()
    tab.until(lambda: 3 == len(shown(tab, ".task")))

    assert [failed[0]] == [one.get_attribute("data-id") for one in shown(tab, ".failures .task")]


@pytest.mark.parametrize("page", ["/tasks", "/"], ids=["tasks", "create"])
def test_three_hundred_tasks_cost_a_dozen_requests(tab, serve_seeded, page):
    """Their totals are exact, only so many of them are on the page, and all are taken back at once."""
    server = serve_seeded(pending=300, queue={"size": 1000, "workers": 4})
    with tab.recording() as requests:
        tab.open(f"{server.url}{page}")
        tab.until(lambda: shown(tab, ".task"))
        waiting = httpx.get(f"{server.url}{TASKS}?status=pending&page_size=100").json()["data"]["items"]
        for task in waiting[:10]:
            httpx.post(f"{server.url}{TASKS}/{task['task_id']}/cancel").raise_for_status()
            time.sleep(1)
    to_api = [one for one in requests if one.path.startswith("/api/") and one.path != "/api/v1/events"]
    counts = httpx.get(f"{server.url}{TASKS}/counts").json()["data"]
    nodes = len(shown(tab, ".task"))
    tab.open(f"{server.url}/tasks")
    tab.until(lambda: str(counts["pending"]) == text(tab, "[data-status=pending]"))
    press(tab, "全部取消")
    press(tab, "全部取消")

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
    assert tab.until(lambda: shown(tab, "main [role=alert]"))
