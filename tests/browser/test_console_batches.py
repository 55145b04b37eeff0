"""The page of batches: begun with a template, followed, looked through, fetched as a file, and stopped."""

import io
import zipfile

import pytest
from selenium.webdriver.common.by import By

from tests.integration.api.asking import data

BATCHES = "/api/v1/batches"


@pytest.fixture
def page(tab, serve):
    """The page of a server with one worker, and a client of it."""
    server = serve(queue={"workers": 1})
    tab.open(f"{server.url}/batches")
    tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, ".new-batch select option"))
    with server.client() as api:
        yield tab, api


def fields(tab):
    return tab.driver.find_elements(By.CSS_SELECTOR, ".new-batch textarea")


def press(tab, words, within="#main"):
    """Press the button with that text."""

    def button():
        buttons = tab.driver.find_elements(By.CSS_SELECTOR, f"{within} button")
        return next((each for each in buttons if each.text.strip() == words and each.is_enabled()), None)

    control = tab.until(button)
    tab.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", control)
    control.click()


def test_a_template_becomes_a_batch(page, axe_violations):
    """Its variables ask for values, the number of tasks is told before, and its images come as made."""
    tab, api = page
    fields(tab)[0].send_keys("一只{animal}在{place}")
    _, animals, places = tab.until(lambda: fields(tab) if len(fields(tab)) == 3 else None)
    animals.send_keys("猫\n狗")
    places.send_keys("海边\n山上")
    status = tab.driver.find_element(By.CSS_SELECTOR, ".new-batch [role=status]")
    tab.until(lambda: "4 个任务" in status.text)
    violations = axe_violations()
    press(tab, "开始")
    cards = tab.until(
        lambda: len(each := tab.driver.find_elements(By.CSS_SELECTOR, ".contact .card")) == 4 and each
    )
    tab.until(lambda: "已完成 4 / 4" in tab.driver.find_element(By.CSS_SELECTOR, ".batch").text)
    zipped = tab.driver.find_element(By.CSS_SELECTOR, ".sheet a[download]").get_attribute("href")
    names = zipfile.ZipFile(io.BytesIO(api.get(zipped).content)).namelist()

    assert [] == violations + axe_violations()
    assert (4, 5, True) == (len(cards), len(names), "prompts.csv" in names)
    assert ["demo"] * 4 == [task["provider"] for task in data(api.get("/api/v1/tasks"))["items"]]


def test_a_single_brace_is_refused(page):
    """In the service's words."""
    tab, _ = page
    tab.allow("400")
    fields(tab)[0].send_keys("一只{animal}{")
    tab.until(lambda: len(fields(tab)) == 2 and fields(tab)[1]).send_keys("猫")
    press(tab, "开始")
    tab.until(lambda: "单独的花括号" in tab.driver.find_element(By.TAG_NAME, "main").text)
