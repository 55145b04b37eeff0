"""What comes between in the middle of a batch, of an edit and of the trash, and loses nothing."""

import re
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.form import TOKEN
from tests.browser.hand import MOUSE, Hand
from tests.browser.test_console_clock import SHIFT
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT, FakeOwn
from tests.integration.api.asking import SMALL, data, make_image, until

BATCHES = "/api/v1/batches"
A_MONTH = 24 * 40  # hours, and some days


class Slow(FakeOwn):
    """It answers once it may."""

    def __init__(self):
        super().__init__()
        self.arrival, self.permit = threading.Event(), threading.Event()

    def __call__(self, request):
        if request.path == "/make":
            self.arrival.set()
            assert self.permit.wait(120)
        return super().__call__(request)


def test_a_batch_goes_on_after_the_service_has_died(tab, serve):
    """It is found again, each task in its place, and an image that it could not have before."""
    tab.allow("ERR_")
    server = serve(queue={"workers": 1})
    hand = Hand(tab, MOUSE)
    with server.client() as api:
        make_image(api)
    tab.open(server.url)
    hand.type("textarea[name=prompt]", "{颜色}的杯子")
    hand.type("textarea[name=values]", "红，绿，灰")
    hand.press(".advanced summary")
    hand.type("input[name=delay_seconds]", "2")
    tab.cdp("Network.setBlockedURLs", urls=["*/thumbnail*"])
    hand.press(".go")
    hand.reads(".batch-group", "图片无法显示")
    server.kill()
    hand.reads(".connection", "断开")
    tab.cdp("Network.setBlockedURLs", urls=[])
    server.port = str(urlsplit(server.url).port)
    server.start()
    hand.reads(".connection", "已连接")
    hand.reads(".batch-group header", "已完成 3 / 3")
    tab.until(lambda: len(tab.driver.find_elements("css selector", ".batch-group .frame img")) == 3)
    labels = [one.text for one in tab.driver.find_elements("css selector", ".batch-group .label")]
    with server.client() as api:
        total = data(api.get("/api/v1/images"))["total"]

    assert ["红", "绿", "灰"] == labels
    assert 4 == total


def test_a_login_in_the_middle_of_a_batch_loses_nothing(console, tab):
    """Words, values and style are there after it, and it is one batch."""
    tab.allow("status of 401")
    server, form = console(server={"auth_token": TOKEN})
    form.log_in()
    hand = Hand(tab, MOUSE)
    hand.type("textarea[name=prompt]", "{颜色}的杯子")
    hand.type("textarea[name=values]", "红，绿")
    hand.press("button", "风格")
    hand.press(".styles .style", "白底主图")
    hand.reads(".estimate", "2 张")
    hand.run("sessionStorage.leave = 1")
    hand.press(".go")
    form.log_in()
    hand.reads(".estimate", "2 张")
    hand.press(".go")
    hand.reads(".batch-group header", "已完成 2 / 2")
    with server.client(Authorization=f"Bearer {TOKEN}") as api:
        batches = data(api.get(BATCHES))["items"]
        prompts = {task["prompt"] for task in data(api.get("/api/v1/tasks"))["items"]}

    assert [2] == [batch["tasks"] for batch in batches]
    assert {"红的杯子", "绿的杯子"} == {prompt.partition("。")[0] for prompt in prompts}


def test_an_answer_after_the_batch_was_cancelled_is_kept(tab, serve):
    """It was paid for: its image is there, beside the word that the batch was cancelled."""
    fake = Slow()
    with in_thread(HttpServer(fake)) as upstream:
        own = {
            "kind": "http",
            "api_base": upstream.url,
            "api_key": FakeOwn.key,
            "extra_config": {"spec": DOCUMENT},
        }
        server = serve(
            providers={"own": own},
            default_provider="own",
            queue={"workers": 1},
            security={"allow_private_upstreams": [upstream.url.removeprefix("http://")]},
        )
        hand = Hand(tab, MOUSE)
        with server.client() as api:
            body = {"prompts": ["甲", "乙", "丙"], "concurrency": 1, "name": "夜里"}
            path = f"{BATCHES}/{data(api.post(BATCHES, json=body))['batch_id']}"
            assert fake.arrival.wait(120)
            tab.open(f"{server.url}/batches")
            hand.press(".batch button", "取消: 夜里")
            hand.press("dialog footer button", "取消批次")
            hand.reads(".batch", "已取消")
            fake.permit.set()
            until(lambda: data(api.get(path)), lambda batch: batch["completed_at"])
            hand.reads(".batch", "已完成 1 / 3")
            hand.press(".batch h2 a", "夜里")
            hand.sees(".contact .card img")

    assert ["甲"] == fake.ledger


def test_another_window_pauses_and_restores(tab, serve):
    """A batch that was paused there says so; what was restored there is no longer in the trash here."""
    server = serve(queue={"workers": 1})
    hand = Hand(tab, MOUSE)
    with server.client() as api:
        body = {"prompts": ["猫"] * 9, "params": {**SMALL, "delay_seconds": 600}, "name": "夜里"}
        path = f"{BATCHES}/{data(api.post(BATCHES, json=body))['batch_id']}"
        tab.open(f"{server.url}/batches")
        hand.sees(".batch button", "暂停: 夜里")
        api.post(f"{path}/pause").raise_for_status()
        hand.sees(".batch button", "继续: 夜里")
        api.post(f"{path}/cancel").raise_for_status()
        make_image(api)
        api.post("/api/v1/images/batch", json={"ids": [1], "action": "trash"}).raise_for_status()
        hand.press(".ways a", "图库")
        hand.press("header .acts button", "回收站")
        hand.sees(".thrown li")
        api.post("/api/v1/images/batch", json={"ids": [1], "action": "restore"}).raise_for_status()
        hand.press(".thrown button", "恢复")
        hand.reads(".toasts", "已不在回收站里")
        hand.reads(".thrown", "回收站是空的")


def test_a_style_that_was_not_taken_is_there_to_be_saved_again(console, tab):
    """The service was away, then the login had ended, and in the form was what took an hour to write."""
    tab.allow("status of 401")
    tab.allow("ERR_INTERNET_DISCONNECTED")
    server, form = console(server={"auth_token": TOKEN})
    form.log_in()
    hand = Hand(tab, MOUSE)
    hand.type("textarea[name=prompt]", "柔光")
    hand.press("button", "风格")
    hand.press("dialog footer button", "把当前提示词存为风格")
    hand.type(".style-form input", "棚拍")
    tab.connect(online=False)
    hand.press(".style-form button", "保存")
    hand.reads("dialog .problem", "连接不上服务")
    tab.connect()
    log_out = "{ method: 'POST', headers: {}, body: new URLSearchParams(), redirect: 'manual' }"
    hand.run(f"return fetch('/logout', {log_out}).then(() => true)")
    hand.press(".style-form button", "保存")
    form.log_in()
    hand.press("button", "风格")
    hand.press(".style-form button", "保存")
    hand.sees(".styles .style", "棚拍")
    with server.client(Authorization=f"Bearer {TOKEN}") as api:
        saved = [style for style in data(api.get("/api/v1/styles"))["items"] if not style["shipped"]]
    hand.press("dialog header button", "关闭")
    hand.press("button", "风格")
    hand.sees(".styles .style", "棚拍")

    assert [("棚拍", "{prompt}\n柔光")] == [(style["name"]["zh"], style["prompt"]["zh"]) for style in saved]


def test_days_are_those_of_the_service(tab, serve):
    """Whatever the browser's clock says: those that are left in the trash, and those of what was paid."""
    server = serve()
    hand = Hand(tab, MOUSE)
    texts = []
    with server.client() as api:
        make_image(api)
        api.post("/api/v1/images/batch", json={"ids": [1], "action": "trash"}).raise_for_status()
        for hours in (A_MONTH, -A_MONTH):
            script = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=SHIFT % hours)
            try:
                tab.open(f"{server.url}/gallery")
                hand.press("header .acts button", "回收站")
                texts.append(hand.sees(".thrown li .muted").text)
                tab.open(f"{server.url}/usage")
                hand.sees(".usage tbody tr")
                texts.append(hand.run("return document.querySelector('.dates input').max"))
            finally:
                tab.cdp("Page.removeScriptToEvaluateOnNewDocument", **script)

    assert ["还剩 30 天", time.strftime("%Y-%m-%d")] * 2 == texts


HEADS = ("accept", "accept-language", "content-type")
KEPT = ("content-type", "content-security-policy")


@contextmanager
def upgraded(server, tab):
    """Yield a server before the one, which ``lacks`` files for so many ``loads``, as another version."""

    def answer(request):
        loads = [one.path for one in before.requests].count("/tasks")
        if before.lacks and loads <= before.loads and re.search(before.lacks, request.path):
            return Reply.json({}, 404)
        if request.path == "/api/v1/events":
            return Reply(204)
        headers = {name: text for name, text in request.headers.items() if name in HEADS}
        answered = client.request(
            request.method, request.raw_path, params=request.query, headers=headers, content=request.body
        )
        return Reply(
            answered.status_code,
            answered.content,
            {name: text for name, text in answered.headers.items() if name in KEPT},
        )

    with httpx.Client(base_url=server.url) as client, in_thread(HttpServer(answer)) as before:
        before.lacks, before.loads = "", 100
        tab.origins.add(before.url)
        tab.allow("status of 404")
        yield before
        tab.open("about:blank")


FILES = ("/app.js", "/css/base.css", "/i18n/zh.js", "/pages/tasks.js", "/css/tasks.css")


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_another_version_has_the_page_start_again(tab, serve, file):
    """By itself, once; where that is no help, it says so and waits for a press."""
    tab.allow("Failed to fetch")
    hand = Hand(tab, MOUSE)
    with upgraded(serve(), tab) as node:
        node.lacks, node.loads = f"^/console/[0-9a-f]{{16}}{file}$", 1
        tab.open(f"{node.url}/tasks")
        hand.sees("h1", "任务")
        helped = [request.path for request in node.requests].count("/tasks")
        node.loads = 100
        tab.driver.get(f"{node.url}/tasks")
        hand.reads("[role=alert]", "没有加载成功")
        again = [request.path for request in node.requests].count("/tasks") - helped
        node.lacks = ""
        hand.press("[role=alert] button")
        hand.gone("[role=alert]")
        tab.arrive()
        hand.sees("#app h1", "任务")

    assert (2, 1) == (helped, again)


def test_a_page_of_another_version_loses_nothing(tab, serve):
    """What was typed is there after it; a button whose script is missing says so."""
    tab.allow("Failed to fetch")
    hand = Hand(tab, MOUSE)
    with upgraded(serve(), tab) as node:
        tab.open(node.url)
        hand.type("textarea[name=prompt]", "雪山")
        node.lacks = "^/console/[0-9a-f]{16}/(pages/usage|parts/commands).js$"
        hand.press("button.find")
        hand.reads(".toasts", "没有加载成功")
        hand.press(".ways a", "用量")
        hand.reads("#main .problem", "没有加载成功")
        loads = [request.path for request in node.requests].count("/usage")
        hand.press(".ways a", "创作")
        hand.sees("textarea[name=prompt]")
        prompt = hand.run("return document.querySelector('textarea[name=prompt]').value")

    assert (1, "雪山") == (loads, prompt)
