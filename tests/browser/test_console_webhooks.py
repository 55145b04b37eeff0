"""Webhooks on the page of settings: added, tested, looked at and removed; a secret is there once."""

import os

import pytest
from selenium.webdriver.common.by import By

from tests.fakes.loopback import Answer
from tests.fakes.receiver import Receiver, event_of
from tests.integration.api.asking import data, finished, until

PANEL = "[aria-labelledby=webhooks]"


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def page(tab, serve, receiver):
    """The page of settings of a server that may call the receiver, and the server."""
    server = serve(security={"allow_webhooks": [receiver.host]})
    tab.open(f"{server.url}/settings")
    tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, f"{PANEL} form input[type=url]"))
    return tab, server


def shown(tab, selector):
    """Return the texts in the panel, once there is one."""
    elements = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, f"{PANEL} {selector}"))
    return [element.text for element in elements]


def press(tab, words, within=PANEL):
    """Press the button whose text begins so."""

    def button():
        buttons = tab.driver.find_elements(By.CSS_SELECTOR, f"{within} button")
        return next((each for each in buttons if each.text.strip() == words and each.is_enabled()), None)

    found_button = tab.until(button)
    tab.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found_button)
    found_button.click()


def add(tab, url):
    field = tab.driver.find_element(By.CSS_SELECTOR, f"{PANEL} form input[type=url]")
    field.clear()
    field.send_keys(url)
    press(tab, "添加")


def test_the_way_of_an_endpoint(page, receiver, axe_violations):
    """Its secret can be copied and is gone once it is kept; deliveries can be sent again."""
    tab, server = page
    tab.driver.execute_script(
        "navigator.clipboard.writeText = async (text) => { (window.texts ??= []).push(text); }"
    )
    add(tab, f"{receiver.url}/hook")
    (secret,) = shown(tab, ".secret code")
    press(tab, "复制密钥")
    copied = tab.until(lambda: tab.driver.execute_script("return window.texts"))
    press(tab, "测试")
    (tested,) = shown(tab, "li [role=status]")
    press(tab, "已保存")
    receiver.answers.append(Answer(status=500))
    with server.client() as api:
        finished(api)
        path = "/api/v1/webhooks/1/deliveries"
        until(lambda: data(api.get(path))["items"], lambda items: items and items[0]["tries"])
    press(tab, "投递记录")
    row = " ".join(shown(tab, "tbody tr"))
    violations = axe_violations()
    if folder := os.environ.get("SCREENSHOTS"):
        tab.driver.save_screenshot(f"{folder}/webhooks.png")
    press(tab, "重新发送")
    *_, last = receiver.wait_for(3)

    assert ([secret], secret[:6]) == (copied, "whsec_")
    assert "204" in tested
    assert [] == tab.driver.find_elements(By.CSS_SELECTOR, f"{PANEL} .secret")
    assert ("等待中" in row, "接收端返回 500" in row) == (True, True)
    assert [] == violations
    assert "task.completed" == event_of(last, secret)["type"]


def test_an_endpoint_is_switched_off_rotated_and_deleted(page, receiver):
    """What cannot be undone is asked first."""
    tab, server = page
    add(tab, receiver.url)
    (first,) = shown(tab, ".secret code")
    press(tab, "停用")
    tab.until(lambda: "停用" in shown(tab, "li .mark"))
    press(tab, "更换密钥")
    press(tab, "更换密钥", within="dialog")
    second = tab.until(lambda: next((text for text in shown(tab, ".secret code") if text != first), None))
    press(tab, "删除")
    press(tab, "删除", within="dialog")
    tab.until(lambda: not tab.driver.find_elements(By.CSS_SELECTOR, f"{PANEL} li"))
    with server.client() as api:
        total = data(api.get("/api/v1/webhooks"))["total"]

    assert ("whsec_", 0) == (second[:6], total)


def test_what_is_refused_is_said_beside_the_field(page):
    """With the setting that would allow it."""
    tab, _ = page
    tab.allow("status of 400")
    add(tab, "http://10.0.0.1/hook")

    assert "security.allow_webhooks" in " ".join(shown(tab, ".error"))


def test_in_each_look(look, tab, serve, receiver, axe_violations):
    """Nothing is wider than the screen, and everything is accessible."""
    server = serve(security={"allow_webhooks": [receiver.host]})
    with server.client() as api:
        for path in ("/hook", f"/{'very-long-path' * 12}"):
            data(api.post("/api/v1/webhooks", json={"url": f"{receiver.url}{path}"}))
    tab.open(f"{server.url}/settings")
    shown(tab, "li")
    widths = tab.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    if folder := os.environ.get("SCREENSHOTS"):
        tab.driver.find_element(By.CSS_SELECTOR, PANEL).screenshot(f"{folder}/webhooks-{look}.png")

    assert widths[0] <= widths[1]
    assert [] == axe_violations()
