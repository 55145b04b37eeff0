"""Webhooks on the page of settings: added, tested, looked at and removed; a secret is there once."""

import os

import pytest
from selenium.webdriver.common.by import By

from tests.fakes.receiver import Receiver
from tests.integration.api.asking import data

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
