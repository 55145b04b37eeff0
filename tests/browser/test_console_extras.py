"""Parameters that a model takes though it declares none of them: by name and value."""

from selenium.webdriver.common.by import By

SD = {
    "kind": "stable_diffusion",
    "api_base": "http://127.0.0.1:9",
    "models": [{"id": "sd-xl", "name": "SD XL", "default": True}],
}
SETTINGS = {
    "providers": {"sd": SD},
    "default_provider": "sd",
    "security": {"allow_private_upstreams": ["127.0.0.1:9"]},
}


def rows(form):
    """Return what stands in the rows."""
    pairs = form.all(".extras li")
    return [
        tuple(e.get_attribute("value") for e in pair.find_elements(By.CSS_SELECTOR, "input, textarea"))
        for pair in pairs
    ]


def write(form, number, name, text):
    """Write a parameter into the row of this number, which is the next one."""
    form.press(form.button("添加参数"))
    form.tab.until(lambda: len(form.all(".extras li")) == number)
    form.all(".extras input")[-1].send_keys(name)
    form.all(".extras textarea")[-1].send_keys(text)


def open_advanced(form):
    form.press(form.one(".advanced summary"))
    form.one(".extras")


def test_a_parameter_without_a_field_is_sent_and_comes_back(console, tab, axe_violations):
    """Over a reload, and from the task that asked for it; what is wrong with one is said beside it."""
    tab.allow("status of 400")
    _, form = console(**SETTINGS)
    form.prompt().send_keys("雪山")
    open_advanced(form)
    write(form, 1, "restore_faces", "true")
    write(form, 2, "override_settings", '{"CLIP_stop_at_last_layers": 2')
    write(form, 3, "api_key", "123456")
    write(form, 4, "styles", '"7"')
    form.go()
    no_json = form.text(".extras li:nth-child(2) [role=alert]")
    nothing = form.driver.execute_script("return sessionStorage.sent")
    form.all(".extras textarea")[1].send_keys("}")
    form.go()
    refused = form.text(".extras li:nth-child(3) [role=alert]")
    violations = axe_violations()
    form.press(form.all(".extras .drop")[2])
    tab.until(lambda: len(form.all(".extras li")) == 3)
    tab.refresh()
    open_advanced(form)
    reloaded = tab.until(lambda: rows(form))
    form.go()
    form.button("取消").click()
    form.driver.execute_script("document.querySelector('a[href=\"/tasks\"]').click()")
    form.one(".task.cancelled, .task.failed")
    form.button("改提示词重试").click()
    form.prompt()
    open_advanced(form)
    again = tab.until(lambda: rows(form))
    params = {"restore_faces": True, "override_settings": {"CLIP_stop_at_last_layers": 2}, "styles": "7"}

    assert "JSON" in no_json
    assert "[]" == nothing
    assert "不是参数" in refused
    assert [] == violations
    assert [name for name, _ in reloaded] == list(params)
    assert sorted(name for name, _ in again) == sorted(params)
    assert '"7"' == dict(again)["styles"]
    assert {"prompt": "雪山", **params} == form.requests()[-1][2]["params"]
