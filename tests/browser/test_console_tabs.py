"""Many tabs of the console: a browser has six connections to a host, and no tab may be short of one."""

from selenium.webdriver.common.by import By

from tests.integration.api.asking import TASKS, data, running, submit

PATHS = ("/", "/tasks", "/", "/tasks", "/", "/tasks")


def shown(tab, selector):
    return tab.driver.find_elements(By.CSS_SELECTOR, selector)


def test_a_sixth_tab_is_as_live_as_the_first(tab, serve):
    """Tabs that nobody looks at give their stream back, and have it again when somebody does."""
    server = serve()
    first = tab.driver.current_window_handle
    with server.client() as api:
        tasks = [data(submit(api, delay_seconds=600))["task_id"] for _ in range(2)]
        for task_id in tasks:
            running(api, task_id)
        try:
            for number, path in enumerate(PATHS):
                if number:
                    tab.driver.switch_to.new_window("tab")
                tab.open(server.url + path)
                tab.until(lambda: shown(tab, ".connection.open") and len(shown(tab, "progress")) == 2)
            api.post(f"{TASKS}/{tasks[0]}/cancel").raise_for_status()
            tab.until(lambda: len(shown(tab, "progress")) == 1)
        finally:
            for handle in tab.driver.window_handles:
                if handle != first:
                    tab.driver.switch_to.window(handle)
                    tab.driver.close()
            tab.driver.switch_to.window(first)
        tab.until(lambda: len(shown(tab, "progress")) == 1)
        api.post(f"{TASKS}/{tasks[1]}/cancel").raise_for_status()

        assert tab.until(lambda: shown(tab, "main") and not shown(tab, "progress"))
