"""What an image looks like so far is shown while it is made, where that was asked for."""

import json
import re

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.integration.api.streaming_upstream import STREAMING, streaming, streaming_upstream

_DRAFT = {"provider": STREAMING, "operation": "generate", "prompt": "灯塔", "params": {"partial_images": 2}}

_FOLLOWED = re.compile(r"/api/v1/tasks/[^/]+/events")


@pytest.fixture
def upstream():
    with streaming_upstream() as upstream:
        yield upstream


def test_partial_images_are_shown_until_the_image_is_there(tab, serve, upstream):
    """As they are, in the frame of the image, which then takes their place."""
    server = serve(**streaming(upstream, default_provider=STREAMING))
    tab.open(f"{server.url}/health/live")
    tab.driver.execute_script("localStorage.setItem('imagegen.draft', arguments[0])", json.dumps(_DRAFT))
    tab.open(server.url)
    box = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "textarea"))[0]
    tab.until(lambda: box.get_property("value") == "灯塔")
    box.send_keys(Keys.CONTROL + Keys.ENTER)
    tab.until(lambda: upstream.fake.ledger)
    tab.until(lambda: any(each.status and _FOLLOWED.match(each.path) for each in tab.exchanges()))
    upstream.fake.steps.release(2)
    partial = tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "img.partial"))[0]
    source, opacity = partial.get_attribute("src"), partial.value_of_css_property("opacity")
    line = tab.driver.find_element(By.CSS_SELECTOR, ".frame progress").size["height"]
    upstream.fake.steps.release(1000)
    tab.until(lambda: tab.driver.find_elements(By.CSS_SELECTOR, "main img[src*='/api/v1/images/1/']"))
    tab.until(lambda: not tab.driver.find_elements(By.CSS_SELECTOR, "img.partial"))

    assert source.startswith("data:image/")
    assert (opacity, line) == ("1", 2)
    assert 1 == len(upstream.fake.ledger)
