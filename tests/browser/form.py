"""The page to create images, as somebody uses it."""

import base64
import json
from contextlib import contextmanager
from io import BytesIO

from PIL import Image as RasterImage
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT, FakeOwn
from tests.integration.api.asking import TASKS, data

TOKEN = "a-token-that-is-long-enough-0001"
RECORD = """
sessionStorage.sent ??= '[]';
const send = window.fetch;
window.fetch = async (path, options = {}) => {
  const isTask = options.method === 'POST' && options.headers['Idempotency-Key'];
  if (isTask) {
    const all = JSON.parse(sessionStorage.sent);
    all.push([String(path), options.headers['Idempotency-Key'], JSON.parse(options.body ?? 'null')]);
    sessionStorage.sent = JSON.stringify(all);
    if (sessionStorage.leave) {
      delete sessionStorage.leave;
      await send('/logout', { method: 'POST', body: new URLSearchParams(), redirect: 'manual' });
    }
  }
  const answer = await send(path, options);
  if (isTask && sessionStorage.lose) {
    delete sessionStorage.lose;
    throw new TypeError('the connection was lost');
  }
  return answer;
};
"""
"""Keeps what is sent in the tab, over a login too.

With ``lose`` set there, the next answer never arrives. With ``leave``, the session ends just before the next
request, so that it and no other is the first to be refused.
"""

PUT = """
const [way, selector, encoded, names] = arguments;
const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
const transfer = new DataTransfer();
for (const name of names) transfer.items.add(new File([bytes], name, { type: 'image/png' }));
const event = way === 'drop'
  ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
  : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true });
document.querySelector(selector).dispatchEvent(event);
"""

PICK = """
const [select, text] = arguments;
select.value = [...select.options].find((option) => option.text.startsWith(text)).value;
select.dispatchEvent(new Event('change', { bubbles: true }));
"""


def png(colour=(200, 30, 30), size=(24, 16)):
    file = BytesIO()
    RasterImage.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


class Form:
    """The page to create images, by what its controls are called."""

    def __init__(self, tab, url):
        self.tab = tab
        self.driver = tab.driver
        self.script = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=RECORD)["identifier"]
        tab.open(url)

    def log_in(self):
        field = self.one("input[type=password]")
        self.tab.paste(field, TOKEN)
        field.submit()
        self.tab.until(lambda: not self.all("input[type=password]"))
        self.tab.arrive()
        self.prompt()

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def press(self, element):
        """Click what may be behind the form's lower edge until it is scrolled to."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def one(self, selector):
        return self.tab.until(lambda: next(iter(self.all(selector)), None))

    def prompt(self):
        box = self.one("textarea[name=prompt]")
        assert "提示词" == box.accessible_name
        return box

    def button(self, name):
        return self.tab.until(
            lambda: next((e for e in self.all("button, a.button") if e.accessible_name == name), None)
        )

    def choose(self, name, value):
        """Press the radio button of this name and value."""
        self.one(f"input[name='{name}'][value='{value}']").send_keys(Keys.SPACE)

    def set(self, name, text):
        field = self.one(f"input[name='{name}']")
        field.clear()
        field.send_keys(text)

    def pick(self, name, text):
        """Choose the option of a select whose text begins so."""
        self.driver.execute_script(PICK, self.one(f"select[name='{name}']"), text)

    def picked(self, name):
        """Return the text of the option that a select has."""
        return self.driver.execute_script(
            "return arguments[0].selectedOptions[0].text", self.one(f"select[name='{name}']")
        )

    def open_advanced(self):
        self.press(self.one(".advanced summary"))
        self.one(".advanced fieldset")

    def put(self, way, selector, names=("a.png",), content=None):
        """Drop or paste files."""
        self.one(selector)
        encoded = base64.b64encode(content or png()).decode()
        self.driver.execute_script(PUT, way, selector, encoded, list(names))

    def inputs(self, count):
        """Wait until so many input images are there."""
        self.tab.until(lambda: len(self.all(".inputs li img")) == count)

    def text(self, selector):
        return self.one(selector).text

    def requests(self):
        return json.loads(self.driver.execute_script("return sessionStorage.sent"))

    def decoded(self, image_id):
        """Wait until the image is there, decoded; its element may be replaced meanwhile."""
        selector = f"img[src^='/api/v1/images/{image_id}/']"
        script = "return [...document.querySelectorAll(arguments[0])].some((image) => image.naturalWidth > 0)"
        self.tab.until(lambda: self.driver.execute_script(script, selector))

    def go(self):
        self.button("生成").click()


def tasks(server):
    with server.client() as api:
        return data(api.get(TASKS))["items"]


def priced(amount, *models):
    """Return the settings of a provider that draws, for a price."""
    price = {"currency": "CNY", "rates": [{"amount": amount}]}
    named = [{"id": model, "name": model.title(), "default": model == models[0]} for model in models]
    return {"kind": "demo", "models": named, "extra_config": {"prices": dict.fromkeys(models, price)}}


@contextmanager
def unsure():
    """Yield settings whose default provider fails, and may have charged for it."""
    with in_thread(HttpServer(lambda request: Reply.json({}, 500))) as upstream:
        own = {
            "kind": "http",
            "api_base": upstream.url,
            "api_key": FakeOwn.key,
            "extra_config": {"spec": DOCUMENT},
        }
        yield {
            "providers": {"own": own},
            "default_provider": "own",
            "security": {"allow_private_upstreams": [upstream.url.removeprefix("http://")]},
        }
