"""What is shown of tasks is what they are, whatever becomes of an answer on its way."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.integration.api.asking import TASKS, ended, finished, submit

HOLD = """
const real = window.fetch;
const released = new Promise((resolve) => (window.release = resolve));
window.fetch = async (path, options) => {
  const answer = await real(path, options);
  if (/^[/]api[/]v1[/]tasks[?]/.test(path)) await released;
  return answer;
};
"""
"""Has lists of tasks wait on their way until ``release()``."""

REFUSE = """
const real = window.fetch;
let refusals = 1;
window.fetch = (path, options) =>
  /^[/]api[/]v1[/]tasks[?]/.test(path) && refusals-- > 0
    ? new Response('{', { status: 503 })
    : real(path, options);
document.querySelector('a[href="/tasks"]').click();
"""
"""Opens the page of tasks, whose first list is refused."""

LATE = """
const Real = window.EventSource;
window.EventSource = class {
  constructor(url) {
    window.release = () => {
      this.source = new Real(url);
      for (const one of this.listeners) this.source.addEventListener(...one);
    };
  }
  listeners = [];
  addEventListener(...one) { this.listeners.push(one); }
  close() { this.source?.close(); }
};
"""
"""Has the stream wait until ``release()``, as on a slow line."""

HIDE = "dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))"
SHOW = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
"""What a browser tells a page that it keeps for Back: nothing of it runs between the two."""


@pytest.fixture
def begin_with(tab):
    """Return a function that has each page begin with a script."""
    scripts = []
    yield lambda script: scripts.append(tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=script))
    for script in scripts:
        tab.cdp("Page.removeScriptToEvaluateOnNewDocument", **script)


def tasks(tab, selector=".task"):
    return tab.driver.find_elements(By.CSS_SELECTOR, selector)


def test_an_answer_that_comes_late_undoes_nothing(tab, serve, begin_with):
    """A task that ended while its list was on its way is shown as it ended."""
    begin_with(HOLD)
    server = serve()
    with server.client() as api:
        task_id = submit(api, delay_seconds=2).json()["data"]["task_id"]
        tab.driver.get(f"{server.url}/tasks")  # what its document shows stays until the list is there
        tab.until(lambda: tasks(tab, ".connection.open"))
        tab.until(lambda: any(e.path == TASKS and e.status for e in tab.exchanges()))
        ended(api, task_id)
    tab.until(lambda: "1" == tasks(tab, "#app [data-status=completed]")[0].get_attribute("textContent"))
    tab.driver.execute_script("release()")
    tab.arrive()
    first = tab.until(lambda: tasks(tab))[0].get_attribute("class")

    assert "task completed" == first


def test_what_changed_before_the_stream_was_there_is_counted(tab, serve, begin_with):
    """The number beside the tasks is that of now, not of when the page was asked for."""
    begin_with(LATE)
    server = serve()
    with server.client() as api:
        task_id = submit(api, delay_seconds=600).json()["data"]["task_id"]
        tab.open(f"{server.url}/settings")
        tab.until(lambda: tasks(tab, ".badge"))
        api.post(f"{TASKS}/{task_id}/cancel").raise_for_status()
        ended(api, task_id)
    tab.driver.execute_script("release()")
    tab.until(lambda: tasks(tab, ".connection.open"))

    assert tab.until(lambda: not tasks(tab, ".badge"))


def test_a_list_that_was_refused_is_asked_for_again(tab, serve):
    """By itself; meanwhile the page says that it was."""
    server = serve()
    with server.client() as api:
        finished(api)
    tab.open(f"{server.url}/settings")
    tab.until(lambda: tasks(tab, ".connection.open"))
    tab.driver.execute_script(REFUSE)
    reason = tab.until(lambda: tasks(tab, "main .problem"))[0].text
    tab.until(lambda: tasks(tab))

    assert "503" in reason
    assert [] == tasks(tab, "main .problem")


def test_a_task_that_ended_unheard_is_shown_as_it_ended(tab, serve):
    """The page lay in the browser's cache meanwhile, where no stream tells it anything."""
    server = serve()
    tab.open(server.url)
    box = tab.until(lambda: tasks(tab, "textarea[name=prompt]"))[0]
    box.send_keys("雪山")
    tab.driver.find_element(By.CSS_SELECTOR, ".advanced summary").click()
    tab.until(lambda: tasks(tab, "input[name=delay_seconds]"))[0].send_keys("2")
    box.send_keys(Keys.CONTROL + Keys.ENTER)
    tab.until(lambda: tasks(tab, ".group progress"))
    tab.driver.execute_script(HIDE)
    with server.client() as api:
        (task,) = api.get(TASKS).json()["data"]["items"]
        ended(api, task["task_id"])
    before = tasks(tab, ".group progress")
    tab.driver.execute_script(SHOW)
    tab.until(lambda: tasks(tab, ".frame[data-id='1'] img") and not tasks(tab, ".group progress"))

    assert before
