"""Whole working days of who uses the console, by what each of them has: a mouse, a finger, keys alone."""

import csv
import io
import zipfile

import httpx
import pytest
import yaml
from selenium.webdriver.common.keys import Keys

from tests.browser.accessibility import SMALL_FOR_A_FINGER
from tests.browser.form import RECORD, TOKEN, priced
from tests.browser.hand import FINGER, KEYS, MOUSE, Hand
from tests.browser.tab import DESKTOP, ENGLISH, PHONE, Look
from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.loopback import Answer
from tests.fakes.openai_images import FakeOpenAI
from tests.fakes.own_upstream import DOCUMENT, FakeOwn
from tests.fakes.receiver import Receiver, event_of
from tests.integration.api.asking import SMALL, WAIT, data, finished, until

WIDE, MAGNIFIED = (1440, 900), (360, 225)
"""A designer's window, and the same one at 400 %."""

NARROW = 900
"""Pixels; in a window that is narrower, the pages are laid out otherwise."""

COLOURS = ["红", "墨绿", "米白", "灰"]
FORMULA = "=cmd|' /C calc'!A0"
_TOO_WIDE = """
const all = [document.documentElement, ...document.querySelectorAll("dialog[open]")];
return all.map((one) => one.scrollWidth - one.clientWidth).filter((over) => over > 0);
"""
_IMAGES = """
const all = [...document.querySelectorAll(`${arguments[0]} img`)];
if (all.length !== arguments[1]) return false;
all[0].scrollIntoView({ block: "nearest", behavior: "instant" }); // one that is out of sight is not fetched
return all[0].naturalWidth > 0;
"""


_IN_SIGHT = """
const one = document.querySelector(arguments[0]);
const { left, top } = one?.getBoundingClientRect() ?? {};
return Boolean(one) && one.contains(document.elementFromPoint(left + 9, top + 9));
"""


@pytest.fixture(scope="module")
def read():
    """The days that axe has read, wide or narrow: which hand does what is nothing to it."""
    return set()


@pytest.fixture
def look_over(tab, axe_violations, read, request):
    """Return a function that fails if not everybody can use the page as it is shown now."""
    width, _ = request.node.callspec.params.get("size", PHONE)
    day = request.function, width < NARROW
    is_new = day not in read
    read.add(day)

    def look_over():
        # What a bar lies over, where somebody has scrolled to, is small; sizes are measured elsewhere.
        if is_new:
            assert [] == [each for each in axe_violations() if not each.startswith("target-size")]
        assert [] == tab.driver.execute_script(_TOO_WIDE)
        assert [] == tab.driver.execute_script(SMALL_FOR_A_FINGER)

    return look_over


@pytest.fixture
def downloads(tab, tmp_path):
    """Return a function that returns the content of the one file that was downloaded, once it is whole."""
    folder = tmp_path / "downloads"
    tab.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def file():
        def whole():
            files = [path for path in folder.glob("*") if path.suffix != ".crdownload"]
            return len(files) == 1 and files

        (path,) = tab.until(whole)
        content = path.read_bytes()
        path.unlink()
        return content

    yield file
    tab.cdp("Browser.setDownloadBehavior", behavior="default")


def images_in(tab, selector, number):
    """Wait until so many images are there, and the first is drawn."""
    tab.until(lambda: tab.driver.execute_script(_IMAGES, selector, number))


@pytest.mark.parametrize(("by", "size"), [(MOUSE, WIDE), (KEYS, MAGNIFIED), (FINGER, WIDE)])
def test_a_product_designer(tab, serve, serve_seeded, look_over, downloads, by, size):
    """From the first visit to a file for the customer; without a pointer at 400 %."""
    tab.look(Look(size=size, has_touch=by == FINGER))
    hand = Hand(tab, by)
    tab.open(serve().url)
    hand.sees(".examples button")
    look_over()
    with hand.at_most(1):
        hand.press(".examples button", "一只可爱的猫")
        images_in(tab, ".frame", 1)
    look_over()
    settings = {"providers": {"studio": priced(0.12, "brush")}, "default_provider": "studio"}
    prompts = ["青花瓷瓶" if n == 13 else "茶壶" for n in range(28)]  # half a day apart
    server = serve_seeded(images=28, hours_apart=12, prompts=prompts, **settings)
    tab.open(server.url)
    _make_twelve_images(hand, look_over)
    _go_on_from_them(hand, look_over)
    _find_one_of_last_week(hand, server)
    table = _hand_over_two(hand, look_over, downloads)

    with server.client() as api:
        (batch,) = data(api.get("/api/v1/batches"))["items"]
        tasks = data(api.get("/api/v1/tasks"))["items"]
        marked = data(api.get("/api/v1/images", params={"favourite": True}))["items"]
        (collection,) = data(api.get("/api/v1/collections"))["items"]
    parts = {
        (*task["prompt"].partition("陶瓷杯。电商白底主图")[:2], task["params"]["num"]) for task in tasks[2:6]
    }
    assert ["edit", "generate"] == [task["operation"] for task in tasks[:2]]
    assert {(colour, "陶瓷杯。电商白底主图", 3) for colour in COLOURS} == parts
    assert ("1.44", 4) == (batch["estimate"]["amount"], batch["tasks"])
    assert {41, 42} == {image["id"] for image in marked}
    assert ("杯子", 2) == (collection["name"], collection["count"])
    assert f"'{FORMULA}" == table[1][1]


def _make_twelve_images(hand, look_over):
    """Four colours in eight presses: the answer to the seventh is lost, and it is the same batch."""
    tab = hand.tab
    script = tab.cdp("Page.addScriptToEvaluateOnNewDocument", source=RECORD)
    tab.refresh()
    with hand.at_most(8):
        hand.type("textarea[name=prompt]", "{颜色}陶瓷杯")
        hand.type("textarea[name=values]", "红，墨绿,米白、灰")
        hand.press("button", "风格")
        hand.press(".styles .style", "白底主图")
        hand.press("button", "增加")
        hand.press("button", "增加")
        hand.reads(".estimate", "4 × 3 = 12 张")
        hand.reads(".estimate", "预计 ¥1.4")
        look_over()
        hand.run("sessionStorage.lose = 1")
        hand.press(".go")
        hand.reads(".foot .error", "不会重复付费")
        hand.press(".go")
        images_in(tab, ".batch-group .frame", 12)
    tab.cdp("Page.removeScriptToEvaluateOnNewDocument", **script)
    hand.reads(".batch-group header", "已完成 4 / 4")
    labels = "return [...document.querySelectorAll('.batch-group .label')].map((one) => one.textContent)"
    tab.until(lambda: hand.run(labels) == COLOURS)  # once the second answer has come
    tab.refresh()
    images_in(tab, ".batch-group .frame", 12)
    look_over()


def _go_on_from_them(hand, look_over):
    """One more of an image in two presses, a part of it changed in five."""
    hand.press(".batch-group .frame a")
    hand.sees(".do button", "再来一张")
    look_over()
    with hand.at_most(2):
        hand.press(".do button", "再来一张")
        hand.press(".go")
        images_in(hand.tab, ".feed > .group:not(.batch-group):first-child .frame", 1)
    hand.press(".ways a", "图库")
    hand.sees(".card a")
    look_over()
    with hand.at_most(5):
        hand.press(".card a")
        hand.press(".do a", "编辑")
        hand.paint()
        hand.type("aside textarea", FORMULA)
        hand.press(".go")
        hand.sees(".versus input")
    look_over()


def _find_one_of_last_week(hand, server):
    """By a word of its prompt, in three presses."""
    with hand.at_most(3):
        hand.press(".ways a", "图库")
        hand.type("input[type=search]", "青花")
        hand.reads(".gallery header [role=status]", "共 1 张")
        hand.press(".card a")
        hand.sees(".do button", "再来一张")
    assert hand.tab.driver.current_url.startswith(f"{server.url}/p/14?")
    hand.press(".stage button", "关闭")
    hand.press(".filters .remove", "去掉筛选")
    hand.reads(".gallery header [role=status]", "共 42 张")


def _hand_over_two(hand, look_over, downloads):
    """Mark, collect, compare and fetch two images; return what the file says of them."""
    hand.select(42)
    hand.select(41)
    look_over()
    hand.press(".selection button", "收藏")
    hand.press(".selection button", "收藏夹")
    hand.type("dialog form input", "杯子")
    hand.press("dialog button", "新建")
    hand.sees("dialog li label", "杯子")
    look_over()
    hand.press("dialog button", "关闭")
    hand.press(".selection button", "对比")
    images_in(hand.tab, ".compared", 2)
    look_over()
    hand.press("dialog button", "关闭")
    hand.press(".selection button", "下载 ZIP")
    archive = zipfile.ZipFile(io.BytesIO(downloads()))
    assert 3 == len(archive.namelist())
    with archive.open("prompts.csv") as file:
        return list(csv.reader(io.TextIOWrapper(file, "utf-8-sig")))


@pytest.mark.parametrize("by", [FINGER, MOUSE, KEYS])
def test_a_marketer(tab, serve, look_over, by):
    """From a vendor's key to an image in six taps; others like it, a link for a customer, and the trash."""
    tab.look(Look(size=PHONE, has_touch=by == FINGER, language=ENGLISH, theme="dark"))
    hand = Hand(tab, by)
    with in_thread(HttpServer(FakeOpenAI())) as upstream:
        server = serve(
            server={"auth_token": TOKEN},
            security={"allow_private_upstreams": [upstream.url.removeprefix("http://")]},
        )
        tab.open(server.url)
        hand.type("input[type=password]", TOKEN, Keys.ENTER)
        hand.sees(".results .tile")
        look_over()
        with hand.at_most(7):  # one of them for the address, which only a test writes
            hand.press(".results .tile", "OpenAI")
            hand.type("dialog input[type=password]", FakeOpenAI.key)
            hand.type("dialog input[type=url]", upstream.url + FakeOpenAI.base)
            look_over()
            hand.press("dialog button", "Save and test")
            hand.press("dialog .use")
            hand.press(".examples button")
            hand.press(".go")
            images_in(tab, ".frame", 1)
        look_over()
        _ask_for_others(hand, look_over)

    hand.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    hand.press(".batch-group .frame a")
    hand.press(".sheet button", "Temporary link")
    look_over()
    hand.press(".menu .choice", "1 day")
    shared = httpx.get(tab.until(lambda: hand.run("return window.copied")))
    image_id = int(tab.driver.current_url.partition("/p/")[2].partition("?")[0])
    _throw_away_and_restore(hand, look_over)
    with server.client(Authorization=f"Bearer {TOKEN}") as api:
        image = data(api.get(f"/api/v1/images/{image_id}"))

    assert (200, "image") == (shared.status_code, shared.headers["content-type"].partition("/")[0])
    assert (True, ["=cmd"]) == (image["favourite"], image["tags"])


def _ask_for_others(hand, look_over):
    """One more of an image, and then the same of two models."""
    hand.act(1, "Variation", "v")
    hand.sees("textarea[name=prompt]:focus")
    hand.press(".go")
    images_in(hand.tab, ".frame", 2)
    assert "nothing is sent" not in hand.run("return document.querySelector('.toasts').innerText")
    hand.press(".unfold")
    hand.press("button", "Several models")
    hand.press("dialog.several input", "Demo")
    look_over()
    hand.press("dialog.several footer button", "Done")
    hand.press(".go")
    images_in(hand.tab, ".batch-group .frame", 2)
    look_over()


def _throw_away_and_restore(hand, look_over):
    """An image that has marks."""
    hand.press(".sheet button", "Add to favourites")
    hand.type(".tag-editor input", "=cmd", Keys.ENTER)
    hand.sees(".tag-editor .chip", "=cmd")
    hand.press(".sheet button", "Delete")
    hand.press(".ways a", "Gallery")
    hand.press("header .acts button", "Trash")
    hand.sees(".thrown li")
    look_over()
    hand.press(".thrown button", "Restore")
    hand.reads(".thrown", "The trash is empty")


@pytest.mark.parametrize(("by", "size"), [(KEYS, MAGNIFIED), (MOUSE, DESKTOP), (FINGER, PHONE)])
def test_an_operator(tab, serve, look_over, downloads, by, size):
    """A provider of one's own, money, what failed, who is told of it, a batch that is stopped, the trash."""
    tab.look(Look(size=size, has_touch=by == FINGER))
    tab.allow("400 (Bad Request)")
    hand, fake = Hand(tab, by), FakeOwn()
    with in_thread(HttpServer(fake)) as upstream, Receiver() as receiver:
        private = {
            "allow_private_upstreams": [upstream.url.removeprefix("http://")],
            "allow_webhooks": [receiver.host],
        }
        server = serve(security=private, queue={"workers": 1})
        tab.open(server.url)
        hand.sees(".examples button")
        _describe_a_provider(hand, look_over, upstream.url)
        unpaid = list(fake.ledger)
        with server.client() as api:
            for prompt in ("a lighthouse", "a harbour", "a forbidden night"):
                body = {"provider": "own", "params": {"prompt": prompt}}
                data(api.post("/api/v1/tasks/generate", json=body, headers=WAIT))
            _count_money(hand, look_over, downloads)
            _look_into_what_failed(hand, look_over)
            _have_somebody_told(hand, look_over, api, receiver)
            _stop_a_batch(hand, look_over, api)
            _empty_the_trash(hand, look_over, api)

    assert [] == unpaid


def _go_to(hand, page):
    """By the commands, which every page has."""
    if hand.by == KEYS:
        hand.chord(Keys.CONTROL, "k")
        hand.sees("[role=combobox]:focus")
        hand.keys(page)
        hand.sees("[role=option][aria-selected=true]", page)
        hand.keys(Keys.ENTER)
    else:
        hand.press(".find")
        hand.press("[role=option]", page)
    hand.sees("#main h1", page)


def _describe_a_provider(hand, look_over, url):
    """By a document, which is tried before anything is sent."""
    (model,) = DOCUMENT["models"]
    price = {"currency": "CNY", "rates": [{"amount": 0.2}]}
    document = yaml.safe_dump({**DOCUMENT, "models": [{**model, "price": price}]})
    _go_to(hand, "服务商")
    look_over()
    hand.press(".tile a", "其他接口")
    hand.type("dialog input", "own", words="名称")
    hand.focus("dialog .document textarea")
    hand.tab.cdp("Input.insertText", text=document)
    hand.sees(".document [role=status]", "没有错误，1 个模型")
    hand.press("dialog .trial summary")
    hand.press("dialog .trial button", "看看会怎样")
    hand.tab.until(lambda: hand.run(_IN_SIGHT, ".trial .acts ~ *"))  # that it has no address yet
    hand.type("dialog input[type=url]", url)
    hand.press("dialog .trial button", "看看会怎样")
    hand.sees(".trial [role=status]", "1 个请求，都没有发送")
    hand.tab.until(lambda: hand.run(_IN_SIGHT, ".trial .acts ~ *"))
    look_over()
    hand.type("dialog input[type=password]", FakeOwn.key)
    hand.press("dialog footer button", "保存并测试")
    hand.sees("dialog .test .mark", "成功")
    if hand.by == KEYS:
        hand.keys(Keys.ESCAPE)
    else:
        hand.press("dialog header button", "关闭")
    hand.gone("dialog[open]")


def _count_money(hand, look_over, downloads):
    _go_to(hand, "用量")
    hand.reads(".totals", "¥0.40")
    look_over()
    hand.press(".page > header button")
    assert ",0.40," in downloads().decode("utf-8-sig")


def _look_into_what_failed(hand, look_over):
    """By a word, since a day, and by how it ended."""
    _go_to(hand, "任务")
    hand.type(".task-filters input[type=search]", "forbidden")
    hand.reads("#main", "找到 1 个")
    hand.choose_new_year(".task-filters input[type=date]")
    hand.tab.until(lambda: "from=" in hand.tab.driver.current_url)
    hand.press(".chips a", "失败")
    hand.tab.until(lambda: "status=failed" in hand.tab.driver.current_url)
    hand.reads(".task.failed", "a forbidden night")
    look_over()


def _have_somebody_told(hand, look_over, api, receiver):
    """By a webhook, whose secret is there once; what did not arrive is sent again."""
    panel = "[aria-labelledby=webhooks]"
    _go_to(hand, "设置")
    hand.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    hand.type(f"{panel} input[type=url]", f"{receiver.url}/hook")
    hand.press(f"{panel} button", "添加")
    secret = hand.sees(f"{panel} .secret code").text
    hand.press(f"{panel} button", "复制密钥")
    copied = hand.tab.until(lambda: hand.run("return window.copied"))
    hand.press(f"{panel} button", "测试")
    hand.reads(f"{panel} li [role=status]", "204")
    hand.press(f"{panel} button", "已保存")
    hand.gone(f"{panel} .secret")
    receiver.answers.append(Answer(status=500))
    finished(api)
    path = "/api/v1/webhooks/1/deliveries"
    until(lambda: data(api.get(path))["items"], lambda items: items and items[0]["tries"])
    hand.press(f"{panel} button", "投递记录")
    hand.reads(f"{panel} tbody tr", "接收端返回 500")
    look_over()
    hand.press(f"{panel} button", "重新发送")
    *_, last = receiver.wait_for(3)
    assert ("whsec_", secret) == (secret[:6], copied)
    assert "task.completed" == event_of(last, secret)["type"]


def _stop_a_batch(hand, look_over, api):
    """Cancelling asks first."""
    slow = {**SMALL, "delay_seconds": 0.5}
    body = {"prompts": ["猫"] * 9, "params": slow, "concurrency": 1, "name": "夜里"}
    path = f"/api/v1/batches/{data(api.post('/api/v1/batches', json=body))['batch_id']}"
    _go_to(hand, "批次")
    for act, state in (("暂停", "paused"), ("继续", "running"), ("取消", "cancelled")):
        hand.press(".batch button", f"{act}: 夜里")
        if state == "cancelled":
            look_over()
            hand.press("dialog footer button", "取消批次")
        until(lambda: data(api.get(path))["status"], lambda status, goal=state: status == goal)
    hand.reads(".batch", "已取消")


def _empty_the_trash(hand, look_over, api):
    """After a question."""
    api.post("/api/v1/images/batch", json={"ids": [1, 2], "action": "trash"}).raise_for_status()
    _go_to(hand, "图库")
    hand.press("header .acts button", "回收站")
    hand.press("dialog button", "清空回收站")
    look_over()
    hand.press("dialog footer button", "清空回收站")
    hand.reads(".thrown [role=status]", "回收站是空的")
    assert [] == data(api.get("/api/v1/trash"))["items"]
