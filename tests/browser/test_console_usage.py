"""Money over time on the page of usage, and in the reader's own currency."""

import time
from contextlib import closing

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import GENERATE, SMALL, WAIT, data

PRICED = {
    "kind": "demo",
    "extra_config": {"prices": {"demo": {"currency": "USD", "rates": [{"amount": 0.25469}]}}},
}
_ADD = """
INSERT INTO usage_totals
    (quarter, provider_name, model_id, currency, tasks, images, unknown_attempts, known, estimated, possible)
VALUES (?, 'somebody', ?, ?, ?, ?, 0, ?, 0, ?)
"""
_KEEP_FILE = """
URL.createObjectURL = (blob) => { window.file = blob.text(); return "data:,"; };
HTMLAnchorElement.prototype.click = () => {};
"""
_FILE = "const done = arguments[0]; window.file.then(done)"


def _text(tab, selector):
    element = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, selector))[0]
    return " ".join(element.text.split())


def test_money_is_shown_over_time_and_converted_by_ones_own_rate(serve, tab, axe_violations):
    """By day with a chart and a line for the month, failures below; a rate that is none converts nothing."""
    server = serve(providers={"priced": PRICED})
    with server.client() as api:
        for params in ({"num": 2}, {"fail": "rejected"}):
            body = {"provider": "priced", "params": {"prompt": "猫", **SMALL, **params}}
            data(api.post(GENERATE, json=body, headers=WAIT))
    (path,) = server.data_dir.glob("*.db")
    with closing(sqlite3.connect(path)) as database, database:
        yesterday = int(time.time()) // 900 - 96
        database.execute(_ADD, (yesterday, "＝1", "", 1, 3, 0, 0))
        database.execute(_ADD, (yesterday, "=1+1<img src=x>", "CNY", 0, 0, 12_345_000_000, 5_000_000_000))

    tab.open(f"{server.url}/usage")
    totals = _text(tab, ".totals")
    chart = tab.driver.find_element(By.CSS_SELECTOR, ".chart svg[role=img]").get_attribute("aria-label")
    months = " ".join(row.text for row in tab.driver.find_elements(By.CSS_SELECTOR, ".usage .month"))
    below = tab.driver.execute_script(
        "return document.querySelector('.usage').compareDocumentPosition(failures)"
    )
    violations = axe_violations()
    tab.driver.execute_script(_KEEP_FILE)
    tab.driver.find_element(By.CSS_SELECTOR, ".chip[href*='by=model']").click()
    tab.until(lambda: "=1+1<img" in _text(tab, ".usage"))
    tab.driver.find_element(By.CSS_SELECTOR, ".page > header button").click()
    table = tab.driver.execute_async_script(_FILE)

    assert "费用（CNY） ¥1.23 已计费 ¥1.23" in totals
    assert "费用（USD） $0.51 估算 $0.51" in totals
    assert "最高" in chart
    assert {"¥1.23", "$0.51"} <= set(months.split())  # of two months, on the first day of one
    assert 4 & below  # follows
    assert "1 个任务" in _text(tab, "#failures + dl")
    assert "\r\n'=1+1<img src=x>,1.2345," in table
    assert "\r\n'＝1,0," in table
    assert [] == violations

    tab.open(f"{server.url}/settings")
    Select(
        tab.until(lambda: tab.driver.find_element(By.CSS_SELECTOR, ".exchange select"))
    ).select_by_visible_text("CNY")
    for rate in ("1e99", "7"):
        field = tab.until(lambda: tab.driver.find_element(By.CSS_SELECTOR, ".exchange input"))
        field.clear()
        field.send_keys(rate + "\t")
        tab.until(
            lambda rate=rate: (
                bool(tab.driver.find_elements(By.CSS_SELECTOR, ".exchange .error")) == (rate != "7")
            )
        )
    assert [] == axe_violations()
    tab.open(f"{server.url}/usage")
    assert "$0.51 ≈ ¥3.6" in _text(tab, ".totals")
