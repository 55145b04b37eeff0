"""A person at the console generates images, finds, views and deletes them."""

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.integration.api.asking import IMAGES, data, make_image

TOKEN = "a-token-that-is-long-enough-0001"


class Page:
    """The console as seen through the accessible names of its controls."""

    def __init__(self, driver, url):
        self.driver = driver
        driver.get(url)

    def until(self, true):
        waiting = WebDriverWait(self.driver, 20, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: true())

    def named(self, role, name):
        """Return what assistive software finds by this role and name."""
        return self.until(
            lambda: next((e for e in self._all(role) if e.accessible_name == name and e.is_displayed()), None)
        )

    def _all(self, role):
        selectors = {"button": "button", "text box": "textarea, input", "search box": "input[type=search]"}
        return self.driver.find_elements(By.CSS_SELECTOR, selectors[role])

    def images(self):
        return self.driver.find_elements(By.CSS_SELECTOR, "#gallery img")

    def prompts(self):
        return [make_image.get_attribute("alt") for make_image in self.images()]

    def shown(self, prompts):
        self.until(lambda: self.prompts() == prompts)

    def drawn(self):
        """Wait until the browser has decoded every image that is shown."""
        script = "return [...document.querySelectorAll('#gallery img')].every(p => p.naturalWidth > 0)"
        self.until(lambda: self.driver.execute_script(script))

    def generate(self, prompt):
        box = self.named("text box", "提示词")
        box.clear()
        box.send_keys(prompt)
        self.named("button", "生成").click()

    def log_in(self):
        fields = self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, "input[type=password]"))
        fields[0].send_keys(TOKEN)
        fields[0].submit()

    def search(self, words):
        box = self.named("search box", "搜索")
        box.clear()
        box.send_keys(words)

    def text(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector).text


@pytest.fixture
def console(chromium, serve):
    """Return a function that opens the console of a server with the settings."""
    chromium.delete_all_cookies()
    chromium.get_log("browser")

    def show(**settings):
        server = serve(**settings)
        return server, Page(chromium, server.url)

    yield show
    wrong = [line["message"] for line in chromium.get_log("browser") if line["level"] == "SEVERE"]
    assert [] == [line for line in wrong if "favicon" not in line and "status of 4" not in line]


def test_an_image_is_generated_and_shown(console):
    """From an empty gallery to an image with its record, and again after a reload."""
    server, page = console()
    page.until(lambda: "还没有图片" in page.text("#empty"))
    page.generate("一只可爱的猫")
    page.shown(["一只可爱的猫"])
    page.drawn()
    source = page.images()[0].get_attribute("src")
    page.images()[0].click()
    page.until(lambda: "demo" in page.text("#viewer dl"))
    prompt = page.text("#viewer .prompt")
    page.driver.refresh()
    page.shown(["一只可爱的猫"])

    assert f"{server.url}{IMAGES}/1/thumbnail" == source
    assert "一只可爱的猫" == prompt


def test_images_are_found_by_any_character(console):
    """While typing; the address contains the search; without one, all are shown again."""
    server, page = console()
    with server.client() as api:
        for prompt in ("一只可愛的貓", "雪山", "a cat in the rain"):
            make_image(api, prompt)
    page.driver.refresh()
    page.shown(["a cat in the rain", "雪山", "一只可愛的貓"])
    page.search("猫")
    page.shown(["一只可愛的貓"])
    address = page.driver.current_url
    page.driver.refresh()
    page.shown(["一只可愛的貓"])
    page.search("没有的")
    page.until(lambda: "没有的" in page.text("#empty"))

    assert address.endswith("?q=%E7%8C%AB")


def test_an_image_is_deleted_unless_the_deletion_is_undone(console):
    """It vanishes at once, and is deleted for good a moment later."""
    server, page = console()
    with server.client() as api:
        make_image(api, "雪山")
        make_image(api, "大海")
        page.driver.refresh()
        page.shown(["大海", "雪山"])
        page.named("button", "删除").click()
        page.shown(["雪山"])
        page.named("button", "撤销").click()
        page.shown(["大海", "雪山"])
        page.named("button", "删除").click()
        page.until(lambda: [1] == [i["id"] for i in data(api.get(IMAGES))["items"]])

    assert ["雪山"] == page.prompts()


def test_a_deleted_image_does_not_come_back_by_itself(console):
    """A search while it can still be undone leaves it out; after an undo it is in its place again."""
    server, page = console()
    with server.client() as api:
        for prompt in ("雪山", "大海", "雪夜"):
            make_image(api, prompt)
    page.driver.refresh()
    page.shown(["雪夜", "大海", "雪山"])
    page.named("button", "删除").click()
    page.search("雪")
    page.shown(["雪山"])
    page.named("button", "撤销").click()

    page.shown(["雪夜", "雪山"])


def test_a_lost_or_truncated_response_is_paid_once(console):
    """Pressing the button again, even twice at once, yields the same task."""
    server, page = console()
    page.driver.execute_script(
        "const real = fetch; window.cut = 2;"
        "window.fetch = async (path, options) => {"
        "  const answer = await real(path, options);"
        "  return options.method === 'POST' && cut-- > 0 ? new Response('{', { status: 202 }) : answer; };"
    )
    page.generate("一只猫")
    page.until(lambda: "无法读取" in page.text("#problem"))
    page.named("button", "生成").click()
    page.until(lambda: page.driver.execute_script("return cut") == 0)
    ActionChains(page.driver).double_click(page.named("button", "生成")).perform()
    page.shown(["一只猫"])
    with server.client() as api:
        total = data(api.get("/api/v1/tasks"))["total"]

    assert 1 == total


def test_a_refusal_is_not_hidden_by_later_successes(console):
    """While a list of images is fetched, the reason why there is no task stays visible."""
    _, page = console()
    page.driver.execute_script("document.querySelector('#prompt').removeAttribute('required')")
    page.named("button", "生成").click()
    page.until(lambda: "prompt" in page.text("#problem"))
    page.search("猫")
    page.until(lambda: "没有提示词" in page.text("#empty"))

    assert "prompt" in page.text("#problem")


def test_a_new_image_that_matches_the_search_is_shown(console):
    """And one that does not match is not."""
    _, page = console()
    page.search("猫")
    page.until(lambda: "没有提示词" in page.text("#empty"))
    page.generate("雪山")
    page.until(lambda: not page.driver.find_elements(By.CSS_SELECTOR, "#tasks article"))
    page.generate("一只貓")

    page.shown(["一只貓"])


def test_parameters_are_what_was_typed(console):
    """A number with leading zeros is one; what the browser refuses is shown, not hidden."""
    server, page = console()
    summary = page.driver.find_element(By.CSS_SELECTOR, "summary")
    summary.click()
    seed = page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "input[name=seed]"))[0]
    seed.send_keys("-5")
    summary.click()
    page.generate("一只猫")
    page.until(seed.is_displayed)
    seed.clear()
    seed.send_keys("007")
    page.named("button", "生成").click()
    page.shown(["一只猫"])
    with server.client() as api:
        (image,) = data(api.get(IMAGES))["items"]

    assert 7 == image["params"]["seed"]


def test_nothing_is_asked_for_that_the_page_does_not_show(console):
    """Each partial image would cost; all other parameters are there."""
    upstream = {"api_base": "http://127.0.0.1:9/v1", "api_key": "sk-abcdefghijkl-wxyz"}
    _, page = console(
        default_provider="openai",
        providers={"openai": upstream},
        security={"allow_private_upstreams": ["127.0.0.1:9"]},
    )
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "#parameters [name=quality]"))

    assert [] == page.driver.find_elements(By.CSS_SELECTOR, "#parameters [name=partial_images]")


def test_errors_are_shown(console):
    """A refused request, and a task that failed and may have been charged."""
    _, page = console()
    box = page.named("text box", "提示词")
    page.driver.execute_script("arguments[0].removeAttribute('maxlength')", box)
    page.driver.execute_script("arguments[0].value = '猫'.repeat(32001)", box)
    page.named("button", "生成").click()
    page.until(lambda: "prompt" in page.text("#problem"))
    page.driver.find_element(By.CSS_SELECTOR, "summary").click()
    Select(page.driver.find_element(By.CSS_SELECTOR, "select[name=fail]")).select_by_value("timeout")
    page.generate("一只猫")
    page.until(lambda: "可能已计费" in page.text("#tasks .state"))
    page.named("button", "关闭").click()

    page.until(lambda: not page.driver.find_elements(By.CSS_SELECTOR, "#tasks article"))


def test_a_hostile_prompt_is_only_text(console):
    """Whatever is stored, the page shows it literally."""
    server, page = console()
    prompt = "<img src=x onerror=\"document.title='wrong'\"><script>document.title='wrong'</script>"
    with server.client() as api:
        make_image(api, prompt)
    page.driver.refresh()
    page.shown([prompt])

    assert "imagegen" == page.driver.title


def test_a_token_is_asked_for_once(console):
    """In a password field; then the console and its images work with the cookie, until the logout."""
    _, page = console(server={"auth_token": TOKEN})
    page.log_in()
    page.generate("一只猫")
    page.shown(["一只猫"])
    page.drawn()
    page.named("button", "退出").click()
    page.until(lambda: page.driver.find_elements(By.CSS_SELECTOR, "input[type=password]"))
    page.driver.get(page.driver.current_url.replace("/login", "/"))

    assert page.driver.find_elements(By.CSS_SELECTOR, "input[type=password]")


def test_the_typed_prompt_survives_an_expired_session(console):
    """It is in the box again after the next login, once."""
    _, page = console(server={"auth_token": TOKEN})
    page.log_in()
    page.until(lambda: page.text("#empty") and page.text("#provider"))
    page.named("text box", "提示词").send_keys("一段很长的话")
    page.driver.delete_all_cookies()
    page.named("button", "生成").click()
    page.log_in()
    prompt = page.named("text box", "提示词").get_property("value")
    page.driver.refresh()

    assert ("一段很长的话", "") == (prompt, page.named("text box", "提示词").get_property("value"))


def test_polling_for_running_tasks_is_cheap(console):
    """It fetches about as many tasks as it shows, however many there were."""
    _, page = console()
    page.generate("一只猫")
    page.until(lambda: ["一只猫"] == page.prompts())
    script = "return performance.getEntriesByType('resource').map(({ name }) => name)"
    looks = [name for name in page.driver.execute_script(script) if "/tasks?page_size=" in name]

    assert {"6"} == {name.partition("page_size=")[2] for name in looks}
