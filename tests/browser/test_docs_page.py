"""The page that documents the API, tried by somebody who has the token and reads Chinese."""

from selenium.webdriver.common.by import By

TOKEN = "a-token-that-is-long-enough-0001"


def all_of(tab, selector):
    return tab.driver.find_elements(By.CSS_SELECTOR, selector)


def click(tab, selector):
    """Click on the first such element once it is there."""
    script = "const one = document.querySelector(arguments[0]); one?.click(); return Boolean(one)"
    tab.until(lambda: tab.driver.execute_script(script, selector))


def answer(tab, operation):
    """Return what the page shows of an operation's response, once it is there."""
    selector = f"#operations-{operation} .live-responses-table tbody .response-col_status"
    # In one look: new examples come right after a response, and with them all of the operation is shown anew.
    return tab.until(lambda: [status.text for status in all_of(tab, selector)])[0]


def send(tab, operation, path):
    """Send an example, once Swagger UI has taken up the body that it shows already."""
    body = f"return window.ui.getState().getIn(['oas3', 'requestData', '{path}', 'post', 'bodyValue'])"
    tab.until(lambda: tab.driver.execute_script(body))
    click(tab, f"#operations-{operation} .execute")


def test_an_image_is_made_with_the_examples_as_they_are(tab, serve):
    """The token is given once; then each example works, and names the task that was made just before."""
    server = serve(server={"auth_token": TOKEN})
    tab.open(f"{server.url}/docs?lang=zh")
    click(tab, "button.authorize")
    tab.until(lambda: all_of(tab, ".auth-container input"))
    all_of(tab, ".auth-container input")[0].send_keys(TOKEN)
    click(tab, ".auth-btn-wrapper button[type=submit]")
    click(tab, ".btn-done")
    click(tab, "#operations-tasks-generate .opblock-summary-control")
    shown = all_of(tab, "#operations-tasks-generate")[0]
    send(tab, "tasks-generate", "/api/v1/tasks/generate")
    accepted = answer(tab, "tasks-generate")
    click(tab, "#operations-tasks-get_task .opblock-summary-control")
    field = "#operations-tasks-get_task tr[data-param-name=task_id] input"
    tab.until(lambda: [one for one in all_of(tab, field) if one.get_attribute("value").startswith("01")])
    click(tab, "#operations-tasks-get_task .execute")

    assert shown.is_displayed(), "the operations were taken off the page to get their new examples"
    assert ("202", "200") == (accepted, answer(tab, "tasks-get_task"))
    assert "发送" == all_of(tab, "#operations-tasks-get_task .execute")[0].text
