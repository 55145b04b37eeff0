"""What the console tells of times is the service's own, whatever the browser's clock says."""

import re

from tests.integration.api.asking import TASKS, data, running, submit

SHIFT = """
const Right = Date;
const shift = %d * 3_600_000;
window.Date = class extends Right {
  constructor(...parts) {
    super(...(parts.length ? parts : [Right.now() + shift]));
  }
  static now() {
    return Right.now() + shift;
  }
};
"""
"""A clock that is wrong by so many hours."""

TEXT = "return document.querySelector(arguments[0])?.innerText ?? ''"
DURATION = r"((?:\d+ 小时 )?(?:\d+ 分 ?)?(?:\d+ 秒)?)"
SHORT = re.compile(r"(\d 分 )?\d+ 秒")
"""A duration below ten minutes."""


def duration(tab, selector, words=""):
    """Return what the element tells once it is more than nothing, as it stays where time runs backwards."""
    pattern = re.compile(words + DURATION)

    def long_enough():
        match = pattern.search(tab.driver.execute_script(TEXT, selector))
        return match and match[1] not in ("", "0 秒") and match[1]

    return tab.until(long_enough)


def test_a_browser_whose_clock_is_wrong_tells_the_right_times(tab, serve):
    """For how long a task runs and another one waits, also when the page hears that it begins."""
    server = serve(queue={"workers": 1})
    with server.client() as api:
        first, second = (data(submit(api, delay_seconds=600))["task_id"] for _ in range(2))
        running(api, first)
        durations = []
        for hours in (5, -5):
            script = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=SHIFT % hours)
            try:
                tab.open(server.url)
                durations.append(duration(tab, ".group .elapsed"))
                tab.open(f"{server.url}/tasks")
            finally:
                tab.cdp("Page.removeScriptToEvaluateOnNewDocument", **script)
            durations.append(duration(tab, ".task.processing .progress", "已用 "))
            durations.append(duration(tab, ".task.pending .progress", "已等 "))
        tab.until(lambda: tab.driver.execute_script(TEXT, ".connection.open"))
        api.post(f"{TASKS}/{first}/cancel").raise_for_status()
        durations.append(duration(tab, f".task.processing[data-id='{second}'] .progress", "已用 "))

    assert [] == [each for each in durations if not SHORT.fullmatch(each)]
