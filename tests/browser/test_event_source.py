"""A browser's EventSource on a task's event stream."""

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from tests.integration.api.asking import TASKS, data, ended, submit

FOLLOW = """
    window.seen = []
    window.source = new EventSource(arguments[0])
    for (const name of ['snapshot', 'completed']) source.addEventListener(name, () => seen.push(name))
    source.onerror = () => seen.push(['reconnects', 'opens', 'stays away'][source.readyState])
"""


@pytest.mark.parametrize("seconds", [0, 1], ids=["ended before", "ends meanwhile"])
def test_after_the_last_event_the_browser_stops_reconnecting(serve, chromium, seconds):
    """The stream ends, the browser reconnects once with its last id, and 204 stops it."""
    server = serve()
    with server.client() as api:
        task_id = data(submit(api, delay_seconds=seconds))["task_id"]
        if not seconds:
            ended(api, task_id)
    chromium.get(f"{server.url}/health/live")

    chromium.execute_script(FOLLOW, f"{TASKS}/{task_id}/events")
    WebDriverWait(chromium, 30).until(lambda browser: browser.execute_script("return source.readyState") == 2)

    events = chromium.execute_script("return seen")
    assert ["snapshot", "completed", "reconnects", "stays away"] == events
