"""What the service, or the page, does not take is said at the field that it is about, and loses nothing."""

from selenium.webdriver.common.by import By

from tests.browser.form import TOKEN, png, tasks
from tests.integration.api.asking import make_image

MEBIBYTE = 1024 * 1024
FOCUSED = "return document.activeElement.closest(arguments[0]) !== null"


def pick_file(form, role, path):
    """Choose a file for the inputs of this role, as the browser's dialog does."""
    form.one(f"[data-role={role}] input[type=file]").send_keys(str(path))


def alert(form, selector):
    """Return what is read aloud within the element, once it is there."""
    return form.tab.until(lambda: form.one(f"{selector} [role=alert]").text)


def test_wrong_inputs_are_told_where_they_are(console, tab, tmp_path, axe_violations):
    """A mask on its side, 60 MB, a text that is called an image; also with a login in the middle."""
    tab.allow("status of 400")
    tab.allow("status of 401")
    server, form = console(server={"auth_token": TOKEN})
    form.log_in()
    huge, text, mask = (tmp_path / name for name in ("huge.png", "text.png", "mask.png"))
    with huge.open("wb") as file:
        file.truncate(60 * MEBIBYTE)
    text.write_text("no image", "utf-8")
    mask.write_bytes(png(size=(16, 24)))
    form.choose("operation", "edit")
    form.prompt().send_keys("换成雪地")
    form.put("drop", "[data-role=image]")
    form.inputs(1)
    pick_file(form, "image", huge)
    too_large = alert(form, "[data-role=image]")
    pick_file(form, "mask", text)
    no_image = alert(form, "[data-role=mask]")
    pick_file(form, "mask", mask)
    form.inputs(2)
    with tab.recording() as before:
        form.driver.execute_script("sessionStorage.leave = 1")
        form.go()
        form.log_in()
    form.inputs(2)
    form.go()
    other_size = alert(form, "[data-role=mask]")
    tab.until(lambda: form.driver.execute_script(FOCUSED, "[data-role=mask]"))
    violations = axe_violations()
    foot = form.all(".foot .error")
    form.all("[data-role=mask] .remove")[0].click()
    form.go()
    form.decoded(1)

    assert "50 MB" in too_large
    assert "huge.png" in too_large
    assert "text.png" in no_image
    assert "24x16" in other_size
    assert "mask" not in other_size
    assert [] == violations
    assert [] == foot
    assert [401] == [each.status for each in before if each.path == "/api/v1/images/edit"]
    with server.client(Authorization=f"Bearer {TOKEN}") as api:
        assert "edit" == api.get("/api/v1/tasks").json()["data"]["items"][0]["operation"]


def test_a_mask_of_another_size_is_not_sent(console, tab):
    """It says so at its field, until there is an image that it fits, of the gallery or from a file."""
    server, form = console()
    with server.client() as api:
        make_image(api, "一只猫")
    form.choose("operation", "edit")
    form.prompt().send_keys("换成雪地")
    form.button("从图库选").click()
    form.one(".choices button[aria-label='一只猫']").click()
    form.inputs(1)
    form.put("drop", "[data-role=mask]", content=png(size=(32, 32)))
    in_gallery = alert(form, "[data-role=mask]")
    form.go()
    tab.until(lambda: form.driver.execute_script(FOCUSED, "[data-role=mask]"))
    requests = form.requests()
    form.put("drop", "[data-role=image]", content=png(size=(24, 32)))
    of_file = tab.until(lambda: "24 × 32" in form.text("[data-role=mask] .error"))
    form.put("drop", "[data-role=image]", content=png(size=(32, 32)))
    tab.until(lambda: not form.all("[data-role=mask] .error"))
    form.go()
    form.decoded(2)

    assert "64 × 64" in in_gallery
    assert of_file
    assert [] == requests
    assert ["edit", "generate"] == [task["operation"] for task in tasks(server)]


def test_what_the_service_says_stands_at_its_field(console, tab):
    """An image that is gone, a parameter that it refuses, more at once than it takes."""
    tab.allow("status of 4")
    server, form = console(server={"max_upload_mb": 1})
    with server.client() as api:
        image = make_image(api, "一只猫")
    form.choose("operation", "reference")
    form.button("从图库选").click()
    form.one(".choices button[aria-label='一只猫']").click()
    form.button("使用").click()
    form.inputs(1)
    with server.client() as api:
        api.delete(f"/api/v1/images/{image['id']}").raise_for_status()
    form.prompt().send_keys("同样的猫")
    form.go()
    gone = alert(form, "[data-role=reference]")
    form.one("[data-role=reference] .remove").click()
    form.put("drop", "[data-role=reference]", ("a.png", "b.png"), png() + bytes(MEBIBYTE // 2))
    form.inputs(2)
    form.go()
    too_much = alert(form, "[data-role=reference]")
    form.choose("operation", "upscale")
    form.put("drop", "[data-role=image]", content=png(size=(3000, 2)))
    form.inputs(1)
    form.pick("upscale_factor", "4")
    form.go()
    factor = alert(form, ".field:has([name=upscale_factor])")
    described = form.one("[name=upscale_factor]").get_attribute("aria-describedby")

    assert "不存在" in gone
    assert "一次请求最多约" in too_much
    assert "12000" in factor
    assert form.one(f"#{described.split()[-1]}").text == factor
    assert [] == form.driver.find_elements(By.CSS_SELECTOR, ".foot .error")
    assert ["generate"] == [task["operation"] for task in tasks(server)]


def test_what_the_service_says_is_said_where_nothing_more_can_be_fetched(console, tab):
    """Then it stands at the foot of the form, since what would place it is out of reach."""
    tab.allow("status of 4")
    tab.allow("ERR_BLOCKED_BY_CLIENT")
    _, form = console(server={"max_upload_mb": 1})
    form.choose("operation", "upscale")
    form.put("drop", "[data-role=image]", content=png(size=(3000, 2)))
    form.inputs(1)
    form.pick("upscale_factor", "4")
    tab.cdp("Network.setBlockedURLs", urls=["*/lib/refusals.js"])
    try:
        form.go()
        message = alert(form, ".foot")
    finally:
        tab.cdp("Network.setBlockedURLs", urls=[])

    assert "12000" in message
